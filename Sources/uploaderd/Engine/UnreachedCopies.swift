import Delivery
import Shared
import Store

/// The bytes of a segment are in no store that can be read now. Whoever is to get them has no part in that.
struct CopyOutOfReach: Error {
    var reason: DeliveryError
}

/// Segments that have left the spool and are to go to one more store, while none that has them can be read. Pure.
///
/// They wait by themselves, and what the spool has goes on: each is asked for again after half a minute, and all together as
/// seldom, and as carefully, as a far end that fails.
struct UnreachedCopies {
    /// How many of those that have left the spool may begin.
    enum Leave {
        case all, one, none
    }

    private var breaker: Breaker
    private let pause: Duration
    private var until: [SegmentID: Instant] = [:]
    /// Why the last one could not be had, while any may wait.
    private(set) var reason: DeliveryError?
    /// Those that have left the spool and are on their way.
    var underWay = 0

    init(_ policy: RetryPolicy) {
        breaker = Breaker(policy)
        pause = policy.cap
    }

    /// Those that are not to be asked for now.
    var segments: Set<SegmentID> { Set(until.keys) }
    /// When there is more leave.
    var next: Instant? { [breaker.notBefore, until.values.min()].compactMap(\.self).min() }
    var leave: Leave {
        if !breaker.isProbing { return .all }
        return breaker.notBefore == nil && underWay == 0 ? .one : .none
    }

    mutating func failed(_ id: SegmentID, _ reason: DeliveryError, begun: Instant, at now: Instant, random: UInt64) {
        breaker.failed(reason, begun: begun, at: now, random: random)
        until[id] = now + pause
        self.reason = reason
    }

    mutating func succeeded(begun: Instant) { _ = breaker.succeeded(begun: begun) }

    /// A round begins.
    mutating func prune(at now: Instant) {
        until = until.filter { $0.value > now }
        if let notBefore = breaker.notBefore, notBefore <= now { breaker.tryAgain() }
    }

    /// Somebody may have mended what was wrong.
    mutating func retry(at now: Instant) {
        until = [:]
        breaker.askedAgain(at: now)
    }

    /// All that have left the spool were asked for, and there was none.
    ///
    /// - Returns: whether one has waited.
    mutating func noneLeft() -> Bool {
        guard reason != nil, until.isEmpty, underWay == 0 else { return false }
        reason = nil
        _ = breaker.succeeded()
        return true
    }
}
