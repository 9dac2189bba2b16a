import Shared
import Synchronization

/// Random numbers that can be had again from their seed: SplitMix64 (Steele, Lea, Flood 2014).
package struct Seeded: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    package mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

/// The same, for several threads.
package final class SeededRandom: RandomSource, RandomNumberGenerator {
    private let numbers: Mutex<Seeded>

    package init(_ seed: UInt64) { numbers = Mutex(Seeded(seed)) }

    package func next() -> UInt64 { numbers.withLock { $0.next() } }

    package func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    package func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True so many times of a hundred.
    package func percent(_ chance: Int) -> Bool { below(100) < chance }

    package func duration(within range: ClosedRange<Duration>) -> Duration {
        let width = (range.upperBound - range.lowerBound).nanoseconds
        return range.lowerBound + .nanoseconds(Int64(next() % UInt64(width + 1)))
    }
}
