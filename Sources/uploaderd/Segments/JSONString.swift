/// The text between the quotes of a JSON string (RFC 8259, section 7).
enum JSONString {
    /// Never fails: an unknown or broken escape stays as it is, half a surrogate pair and invalid UTF-8 become U+FFFD, a
    /// character that the end cuts in two is left out.
    static func unescaped(_ raw: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        var index = 0
        while index < raw.count {
            let byte = raw[index]
            guard byte == UInt8(ascii: "\\"), index + 1 < raw.count else {
                out.append(byte)
                index += 1
                continue
            }
            index += 2
            switch raw[index - 1] {
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(raw[index - 1])
            case UInt8(ascii: "u"): appendScalar(raw, &index, to: &out)
            default: out.append(contentsOf: [UInt8(ascii: "\\"), raw[index - 1]])
            }
        }
        return String(decoding: withoutCutEnd(out), as: UTF8.self)
    }

    /// `index` is behind `\u`.
    private static func appendScalar(_ raw: [UInt8], _ index: inout Int, to out: inout [UInt8]) {
        guard let first = unit(raw, at: index) else {
            out.append(contentsOf: "\\u".utf8)
            return
        }
        index += 4
        var value = UInt32(first)
        if UTF16.isLeadSurrogate(first), index + 1 < raw.count, raw[index] == UInt8(ascii: "\\"),
            raw[index + 1] == UInt8(ascii: "u"), let second = unit(raw, at: index + 2), UTF16.isTrailSurrogate(second)
        {
            value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
            index += 6
        }
        out.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
    }

    private static func unit(_ raw: [UInt8], at index: Int) -> UInt16? {
        guard index + 4 <= raw.count else { return nil }
        var value: UInt16 = 0
        for byte in raw[index..<index + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private static func withoutCutEnd(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        var start = bytes.count
        while start > 0, bytes.count - start < 3 {
            start -= 1
            let byte = bytes[start]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > bytes.count - start ? bytes[..<start] : bytes[...]
        }
        return bytes[...]
    }
}
