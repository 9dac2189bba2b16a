import Shared

/// When to try again: full jitter over a doubling bound, without an end. Pure.
///
/// `rand(0, min(cap, base * 2^n))`: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
/// Nothing is ever dropped for having been tried often.
package struct RetryPolicy: Sendable, Hashable {
    package var base: Duration
    package var cap: Duration
    /// How long a destination that refuses our credentials is left alone between probes.
    package var probe: Duration

    package init(base: Duration = .milliseconds(500), cap: Duration = .seconds(30), probe: Duration = .seconds(300)) {
        self.base = base
        self.cap = cap
        self.probe = probe
    }

    /// No far end is taken at its word for longer.
    private static let longest: Duration = .seconds(3600)

    /// - Parameters:
    ///   - failures: in a row, from 1.
    ///   - random: any 64 bits.
    package func delay(after error: DeliveryError, failures: Int, random: UInt64) -> Duration {
        let asked = error.retryAfter.map { min($0, Self.longest) }
        switch error.code {
        case .authentication, .unusable, .permanent, .unacceptable, .conflict, .damaged: return asked ?? probe
        case .transient, .notFound:
            let bound = min(cap.nanoseconds, base.nanoseconds << Int64(min(max(failures - 1, 0), 20)))
            let jittered = Duration.nanoseconds(Int64(random % UInt64(max(bound, 1))))
            // At least a hundredth of the base, so that a run of lucky draws is no busy loop.
            return max(jittered, base / 100, asked ?? .zero)
        }
    }
}
