/// How foreign names become names of objects and of files of ours.
///
/// A component holds only `[A-Za-z0-9._-]`, which every store accepts. Any other byte becomes `_` and two upper-case
/// hexadecimal digits. An underscore stays itself unless two such digits follow it in the original (`_5F` then), and a
/// leading dot becomes `_2E`, so that no name is hidden, `.` or `..`, and no two names become one:
///
///     ses_0abc      → ses_0abc
///     a b/../c      → a_20b_2F.._2Fc
///     ses_AB        → ses_5FAB
///
/// A result over 200 bytes keeps its first 180 and ends in `_-` and 16 digits of the FNV-1a hash of the original, so
/// that it fits a file name; two such names that collide are told apart as two files of one session are.
package enum StoreName {
    private static let longest = 200

    /// One path component made of foreign bytes.
    package static func escaped(_ text: String) -> String {
        let source = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(source.count + 8)
        for (index, byte) in source.enumerated() {
            let stays: Bool
            switch byte {
            case UInt8(ascii: "."): stays = index > 0
            case UInt8(ascii: "_"):
                stays = !(index + 2 < source.count && isHex(source[index + 1]) && isHex(source[index + 2]))
            default: stays = isPlain(byte)
            }
            if stays {
                out.append(byte)
            } else {
                out.append(UInt8(ascii: "_"))
                out.append(digit(byte >> 4))
                out.append(digit(byte & 15))
            }
        }
        if out.isEmpty { return "_" }
        if out.count > longest {
            out.removeSubrange(180...)
            out.append(contentsOf: "_-".utf8)
            let hash = source.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            for shift in stride(from: 60, through: 0, by: -4) { out.append(digit(UInt8((hash >> UInt64(shift)) & 15))) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A slash-separated name, component by component.
    package static func escapedPath(_ name: StreamName) -> String {
        name.rawValue.split(separator: "/").map { escaped(String($0)) }.joined(separator: "/")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
        default: false
        }
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
    }
}
