/// The id of a store, from its `.uploaderd.json`. Receipts belong to it, not to a destination's name.
package struct StoreID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: String

    /// From a row of ours; what comes from elsewhere is decoded, and so checked.
    package init(_ text: String) { rawValue = text }

    /// A new one: 32 hexadecimal digits.
    package init(random: any RandomSource) {
        func digits(_ number: UInt64) -> String {
            let text = String(number, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        rawValue = digits(random.next()) + digits(random.next())
    }

    /// - Throws: unless the text is 1 to 64 letters, digits, `-` or `_`.
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
        let isPlain = rawValue.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
            default: false
            }
        }
        guard isPlain, (1...64).contains(rawValue.utf8.count) else {
            throw JSONMismatch(decoder.codingPath, expected: "a store's id")
        }
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package var description: String { rawValue }

    package static func < (a: StoreID, b: StoreID) -> Bool { a.rawValue < b.rawValue }
}
