/// Bytes as text with a checksum, as age writes its keys: BIP 173, "Bech32", without its limit of 90 characters.
///
/// `age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj`: what it is ("age"), "1", 32 bytes in letters of five bits, six
/// letters of checksum. Valid: one case throughout, the checksum right, no bits left over but fewer than five zeros.
package enum Bech32 {
    private static let letters = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, letter) in letters.enumerated() {
            table[Int(letter)] = UInt8(value)
            table[Int(upper(letter))] = UInt8(value)
        }
        return table
    }()

    /// - Parameter kind: what has to stand before the "1", in the case that the whole text is written in.
    /// - Returns: `nil` unless the text is valid and of that kind.
    package static func bytes(of text: some BidirectionalCollection<UInt8>, kind: String) -> [UInt8]? {
        guard let one = text.lastIndex(of: UInt8(ascii: "1")) else { return nil }
        let isLower = !text.contains { (0x41...0x5A).contains($0) }
        guard isLower || !text.contains(where: { (0x61...0x7A).contains($0) }), text[..<one].elementsEqual(kind.utf8)
        else { return nil }
        var five = text[text.index(after: one)...].map { values[Int($0)] }
        // Of a secret key: nothing of it is left behind.
        defer { for index in five.indices { five[index] = 0 } }
        guard five.count >= 6, five.allSatisfy({ $0 < 32 }), checksum(of: kind, five) == 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(five.count * 5 / 8)
        var (word, bits) = (UInt32(0), 0)
        for value in five.dropLast(6) {
            (word, bits) = (word << 5 | UInt32(value), bits + 5)
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        guard bits < 5, word & (1 << UInt32(bits) - 1) == 0 else { return nil }
        return bytes
    }

    /// - Parameter kind: in lower case.
    package static func text(of bytes: some Collection<UInt8>, kind: String) -> String {
        var five: [UInt8] = []
        var (word, bits) = (UInt32(0), 0)
        for byte in bytes {
            (word, bits) = (word << 8 | UInt32(byte), bits + 8)
            while bits >= 5 {
                bits -= 5
                five.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)) & 31)
            }
        }
        if bits > 0 { five.append(UInt8(truncatingIfNeeded: word << UInt32(5 - bits)) & 31) }
        let sum = checksum(of: kind, five + [UInt8](repeating: 0, count: 6)) ^ 1
        five += (0..<6).map { UInt8(truncatingIfNeeded: sum >> UInt32(5 * (5 - $0))) & 31 }
        return "\(kind)1" + String(decoding: five.map { letters[Int($0)] }, as: UTF8.self)
    }

    /// 1 for what is valid.
    private static func checksum(of kind: String, _ five: [UInt8]) -> UInt32 {
        let kind = kind.utf8.map { lower($0) }
        var sum: UInt32 = 1
        for value in kind.map({ $0 >> 5 }) + [0] + kind.map({ $0 & 31 }) + five {
            let top = sum >> 25
            sum = (sum & 0x1FF_FFFF) << 5 ^ UInt32(value)
            for (bit, generator) in [UInt32](
                arrayLiteral: 0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3
            )
            .enumerated() where top >> UInt32(bit) & 1 == 1 {
                sum ^= generator
            }
        }
        return sum
    }

    private static func upper(_ byte: UInt8) -> UInt8 { (0x61...0x7A).contains(byte) ? byte - 0x20 : byte }
    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte + 0x20 : byte }
}
