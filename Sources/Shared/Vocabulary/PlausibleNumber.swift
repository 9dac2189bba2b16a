/// Bounds for numbers that a manifest or a file of the spool says, which may come from anybody: within them no sum over one
/// overflows.
package enum Plausible {
    /// Lines or bytes of one segment.
    package static let amount = 0...Int64(1) << 40
    /// Places, sequence numbers, generations.
    package static let place = 0...Int64(1) << 53
    /// Unix seconds, to the end of `WallTime`.
    package static let time = -Int64(1) << 33...Int64(1) << 33

    static func check(_ number: some BinaryInteger, _ range: ClosedRange<Int64>, _ path: [any CodingKey]) throws {
        guard let number = Int64(exactly: number), range.contains(number) else {
            throw JSONMismatch(path, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
    }
}

extension KeyedDecodingContainer {
    package func decode<Number: BinaryInteger & Decodable>(
        _ type: Number.Type, forKey key: Key, in range: ClosedRange<Int64>
    ) throws -> Number {
        let number = try decode(type, forKey: key)
        try Plausible.check(number, range, codingPath + [key])
        return number
    }

    func decodeIfPresent<Number: BinaryInteger & Decodable>(
        _ type: Number.Type, forKey key: Key, in range: ClosedRange<Int64>
    ) throws -> Number? {
        guard let number = try decodeIfPresent(type, forKey: key) else { return nil }
        try Plausible.check(number, range, codingPath + [key])
        return number
    }

    /// Counts by name.
    func decodeCountsIfPresent(forKey key: Key) throws -> [String: Int]? {
        guard let counts = try decodeIfPresent([String: Int].self, forKey: key) else { return nil }
        for count in counts.values { try Plausible.check(count, Plausible.amount, codingPath + [key]) }
        return counts
    }
}

extension UnkeyedDecodingContainer {
    mutating func decode<Number: BinaryInteger & Decodable>(
        _ type: Number.Type, in range: ClosedRange<Int64>
    ) throws -> Number {
        let number = try decode(type)
        try Plausible.check(number, range, codingPath)
        return number
    }
}
