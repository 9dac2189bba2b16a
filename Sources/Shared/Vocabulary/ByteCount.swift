/// A size in bytes, written in configuration as `8MiB`, `64KiB`, `1GB` or a bare number.
package struct ByteCount: Hashable, Comparable, Sendable, Codable, CustomStringConvertible, ExpressibleByIntegerLiteral
{
    package var bytes: Int64

    package init(_ bytes: Int64) { self.bytes = bytes }
    package init(integerLiteral value: Int64) { bytes = value }

    package static func kibi(_ count: Int64) -> ByteCount { ByteCount(count << 10) }
    package static func mebi(_ count: Int64) -> ByteCount { ByteCount(count << 20) }
    package static func gibi(_ count: Int64) -> ByteCount { ByteCount(count << 30) }

    private static let units: [(String, Int64)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000),
        ("KB", 1_000), ("B", 1),
    ]

    /// - Returns: `nil` unless the text is a whole number with an optional unit, and fits 63 bits.
    package init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        let rest = text.dropFirst(digits.count).drop { $0 == " " }
        guard let unit = rest.isEmpty ? 1 : Self.units.first(where: { $0.0 == rest })?.1 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    package init(from decoder: any Decoder) throws { bytes = try decoder.singleValueContainer().decode(Int64.self) }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }

    /// For people: the shortest form with a binary unit, with one decimal where it is not whole: `8MiB`, `1.4GiB`, `312B`.
    package var description: String {
        for (name, unit) in Self.units.prefix(3) where bytes >= unit {
            if bytes % unit == 0 { return "\(bytes / unit)\(name)" }
            let tenths = (bytes / (unit / 64) * 10 + 32) / 64
            return "\(tenths / 10).\(tenths % 10)\(name)"
        }
        return "\(bytes)B"
    }

    /// The shortest text that reads back as the same size: `8MiB`, `1500000B`.
    package var exact: String {
        for (name, unit) in Self.units.prefix(3) where bytes >= unit && bytes % unit == 0 {
            return "\(bytes / unit)\(name)"
        }
        return "\(bytes)B"
    }

    package static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }
}
