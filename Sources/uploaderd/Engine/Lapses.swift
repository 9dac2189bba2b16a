import Delivery
import Shared

/// What failed while other things went well: each waits for another attempt by itself, and all else goes on. Pure.
struct Lapses<ID: Hashable & Sendable>: Sendable {
    private struct Lapse {
        var failures = 0
        var until: Instant
    }

    private var all: [ID: Lapse] = [:]

    /// - Parameter random: any 64 bits.
    mutating func failed(_ id: ID, _ error: DeliveryError, _ policy: RetryPolicy, at now: Instant, random: UInt64) {
        let failures = all[id, default: Lapse(until: now)].failures + 1
        all[id] = Lapse(
            failures: failures, until: now + policy.delay(after: error, failures: failures, random: random))
    }

    mutating func succeeded(_ id: ID) { if !all.isEmpty { all[id] = nil } }

    /// Those that are not to be tried now.
    func waiting(at now: Instant) -> Set<ID> {
        all.isEmpty ? [] : Set(all.lazy.filter { $0.value.until > now }.map(\.key))
    }

    /// When the first of them may be.
    func next(after now: Instant) -> Instant? { all.values.lazy.map(\.until).filter { $0 > now }.min() }

    /// Forgets how often something failed of which nothing was heard for long: it is nobody's to carry any more.
    mutating func prune(at now: Instant, after pause: Duration) {
        if !all.isEmpty { all = all.filter { $0.value.until + pause > now } }
    }

    /// Somebody may have mended what was wrong.
    mutating func retry() { all = [:] }
}
