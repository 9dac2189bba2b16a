/// Bytes as text, RFC 4648 section 4, with padding.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, letter) in alphabet.enumerated() { table[Int(letter)] = UInt8(value) }
        return table
    }()

    package static func text(of bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { out in
            var to = 0
            var from = 0
            alphabet.withUnsafeBufferPointer { alphabet in
                while from < bytes.count {
                    let left = bytes.count - from
                    let word =
                        UInt32(bytes[from]) << 16 | (left > 1 ? UInt32(bytes[from + 1]) << 8 : 0)
                        | (left > 2 ? UInt32(bytes[from + 2]) : 0)
                    out[to] = alphabet[Int(word >> 18)]
                    out[to + 1] = alphabet[Int(word >> 12 & 63)]
                    out[to + 2] = left > 1 ? alphabet[Int(word >> 6 & 63)] : UInt8(ascii: "=")
                    out[to + 3] = left > 2 ? alphabet[Int(word & 63)] : UInt8(ascii: "=")
                    from += 3
                    to += 4
                }
            }
            return to
        }
    }

    /// - Returns: `nil` unless the text is what `text(of:)` makes of some bytes.
    package static func bytes(of text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { source -> [UInt8]? in
            guard source.count % 4 == 0 else { return nil }
            let padding = source.suffix(2).count { $0 == UInt8(ascii: "=") }
            var out: [UInt8] = []
            out.reserveCapacity(source.count / 4 * 3)
            return values.withUnsafeBufferPointer { values -> [UInt8]? in
                for from in stride(from: 0, to: source.count, by: 4) {
                    let filler = from + 4 == source.count ? padding : 0
                    var word: UInt32 = 0
                    for offset in 0..<4 {
                        let value = offset < 4 - filler ? values[Int(source[from + offset])] : 0
                        guard value < 64, offset < 4 - filler || source[from + offset] == UInt8(ascii: "=") else {
                            return nil
                        }
                        word = word << 6 | UInt32(value)
                    }
                    out.append(UInt8(word >> 16))
                    if filler < 2 { out.append(UInt8(word >> 8 & 255)) } else if word & 0xFFFF != 0 { return nil }
                    if filler < 1 { out.append(UInt8(word & 255)) } else if word & 0xFF != 0 { return nil }
                }
                return out
            }
        }
    }
}
