/// How tokens begin whose first letter is one that JSON escapes with: in `C:\me\npm_…` there is no line break.
///
/// Behind a line break or a tab no token begins with what is left of such a beginning (`pm_`), and what is no token is not as long.
enum TokenPrefixes {
    private static let afterB: [StaticString] = ["kua_", "kct_", "kaj_", "kat_", "kpt_"]
    private static let afterF: [StaticString] = ["o1_", "m1", "m2", "w_", "c-", "igd", "igu", "igo", "io-u-"]
    private static let afterN: [StaticString] = ["pm_", "fp_", "fc_", "fo_", "fu_", "fb_", "vapi-", "tn_"]
    private static let afterR: [StaticString] = ["nd_", "8_", "pa_", "e_", "k_", "zp_", "ubygems_", "dme_"]
    private static let afterT: [StaticString] = [
        "skey-", "gp_v1_", "vly-", "mprl_", "eleport_", "est_", "estsk_", "fp_", "k-us-", "r_dev_",
        "r_prod_", "r_stg_", "r_preview_", "r_pat_",
    ]

    /// Of the characters that tokens are made of, behind the first letter.
    private static let shortest = 18

    /// What their first three characters can be: of each byte a bit for each letter that it is, or can stand behind as the next,
    /// or as the one after.
    static let beginnings = ByteTable(3) { tables in
        let all = [("b", afterB), ("f", afterF), ("n", afterN + ["api_"]), ("r", afterR), ("t", afterT)]
        for (bit, (letter, rests)) in all.enumerated() {
            tables[Int(letter.utf8.first ?? 0)] |= 1 << bit
            for rest in rests {
                for place in 0..<2 { tables[(place + 1) * 256 + Int(rest.utf8Start[place])] |= 1 << bit }
            }
        }
    }

    /// Asked at nearly every escape: no branch.
    ///
    /// - Parameter beginnings: those above.
    @inline(__always)
    static func mayBegin(_ text: UnsafePointer<UInt8>, _ beginnings: ByteTable) -> Bool {
        beginnings[text[0]] & beginnings[text[1], 1] & beginnings[text[2], 2] != 0
    }

    /// Whether one begins at `text`.
    ///
    /// - Parameter count: of the bytes that are there.
    static func begin(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count > shortest, mayBegin(text, beginnings) else { return false }
        let (rest, count) = (text + 1, count - 1)
        let known =
            switch text[0] {
            case UInt8(ascii: "n"): hasOne(of: afterN, rest, count) || isNeonKey(rest, count)
            case UInt8(ascii: "r"): hasOne(of: afterR, rest, count)
            case UInt8(ascii: "t"): hasOne(of: afterT, rest, count)
            case UInt8(ascii: "b"): hasOne(of: afterB, rest, count)
            case UInt8(ascii: "f"): hasOne(of: afterF, rest, count)
            default: false
            }
        return known && (0..<shortest).allSatisfy { isOfToken(rest[$0]) } && hasMark(rest)
    }

    private static func hasOne(of rests: [StaticString], _ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        for rest in rests where rest.utf8CodeUnitCount <= count && rest.utf8Start[0] == text[0] {
            var same = 1
            while same < rest.utf8CodeUnitCount, rest.utf8Start[same] == text[same] { same += 1 }
            if same == rest.utf8CodeUnitCount { return true }
        }
        return false
    }

    /// `napi_…`: what is left of it, `api_`, is how others begin.
    private static func isNeonKey(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count >= 44, hasOne(of: ["api_"], text, count) else { return false }
        return (4..<44).allSatisfy { ASCII.isDigit(text[$0]) || text[$0] &- 0x61 < 26 }
    }

    /// What divides every beginning here from the rest, near.
    private static func hasMark(_ text: UnsafePointer<UInt8>) -> Bool {
        (0..<8).contains { text[$0] == UInt8(ascii: "_") || text[$0] == UInt8(ascii: "-") }
    }

    private static func isOfToken(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
