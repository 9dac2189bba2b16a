/// A point on the monotonic clock, in nanoseconds since an arbitrary start; never compared across processes.
package struct Instant: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    /// Saturates: a very long time from now is never.
    package static func + (a: Instant, b: Duration) -> Instant {
        let (sum, isOver) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
        return Instant(nanoseconds: isOver ? (b.nanoseconds < 0 ? .min : .max) : sum)
    }
    package static func - (a: Instant, b: Instant) -> Duration {
        let (difference, isOver) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
        return .nanoseconds(isOver ? (a < b ? .min : .max) : difference)
    }
}

/// A point on the wall clock, in nanoseconds since 1970-01-01T00:00:00Z; for people, never for order.
package struct WallTime: Hashable, Comparable, Sendable, Codable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    /// Saturates in the years 1677 and 2262.
    package init(seconds: Int64) {
        let (product, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        nanoseconds = isOver ? (seconds < 0 ? .min : .max) : product
    }

    /// Whole seconds since 1970.
    package var seconds: Int64 { nanoseconds / 1_000_000_000 - (nanoseconds % 1_000_000_000 < 0 ? 1 : 0) }

    package init(from decoder: any Decoder) throws {
        nanoseconds = try decoder.singleValueContainer().decode(Int64.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }

    package static func < (a: WallTime, b: WallTime) -> Bool { a.nanoseconds < b.nanoseconds }
    package static func - (a: WallTime, b: WallTime) -> Duration {
        .nanoseconds(a.nanoseconds) - .nanoseconds(b.nanoseconds)
    }
}

extension Duration {
    /// Saturates at about 292 years.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : product &+ attoseconds / 1_000_000_000
    }

    package var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

/// The clock, and the one way to be called later. Real: timerfd on the loop. The other implementation is the simulation's.
package protocol TimeSource: Sendable {
    var now: Instant { get }
    var wall: WallTime { get }

    /// Calls `fire` once, at `deadline` or soon after, on the loop; it must be short and must not block.
    func schedule(at deadline: Instant, _ fire: @escaping @Sendable () -> Void) -> TimerToken

    /// After it returns `fire` has run, is running, or never will. Cancelling twice, or after the call, is not an error.
    func cancel(_ token: TimerToken)

    /// Has `call` told, on the loop, by how much somebody set the wall clock, each time; `nil`: nobody asks any more. There is
    /// one who asks: the last one. Time that the machine slept is not set.
    func whenSet(_ call: (@Sendable (Duration) -> Void)?)
}

package struct TimerToken: Hashable, Sendable {
    package let deadline: Instant
    package let serial: UInt64

    package init(deadline: Instant, serial: UInt64) {
        self.deadline = deadline
        self.serial = serial
    }
}

/// Where random numbers come from: the kernel, or a test's seed.
package protocol RandomSource: Sendable {
    func next() -> UInt64
}
