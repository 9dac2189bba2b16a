package import Shared

/// When a far end is tried again after a failure, and how carefully. Pure.
///
/// After a failure nothing is begun for a while, then one attempt alone: it says whether the others may go. What was under way
/// when that failure came is part of it, however it ends.
///
/// The first failures after something that went well are lapses: a far end that fails for a part of what it is asked is closed
/// only by several in a row.
package struct Breaker: Sendable {
    /// So many failures in a row are lapses.
    private static let mostLapses = 3

    private let policy: RetryPolicy
    /// In a row.
    package private(set) var failures = 0
    /// Nothing is begun before; `nil`: what is begun now says how things are.
    package private(set) var notBefore: Instant?
    /// What the last attempt failed with; `nil`: it did not.
    package private(set) var failure: DeliveryError?
    private var failedAt: Instant?
    private var askedAt: Instant?
    /// How many more lapses there may be before something goes well; none before anything did.
    private var lapsesLeft = 0

    package init(_ policy: RetryPolicy) { self.policy = policy }

    /// One attempt at a time.
    package var isProbing: Bool { failures > 0 }

    /// Whether a failure is none of the far end as a whole: it was there, asked for no pause, and something has gone well not
    /// long before. Then whatever failed is to be tried again by itself.
    package mutating func isLapse(_ error: DeliveryError) -> Bool {
        guard !isProbing, error.isTransient, !error.isOutOfReach, error.retryAfter == nil, lapsesLeft > 0 else {
            return false
        }
        lapsesLeft -= 1
        return true
    }

    /// - Parameters:
    ///   - begun: when the attempt began; `nil`: after whatever was last.
    ///   - random: any 64 bits.
    /// - Returns: whether this is another failure than the last one. One of an attempt that was under way when somebody asked
    ///   for another says nothing of what they may have mended.
    @discardableResult
    package mutating func failed(
        _ error: DeliveryError, begun: Instant? = nil, at now: Instant, random: UInt64
    ) -> Bool {
        if let begun, let askedAt, begun < askedAt, error.isTransient, error.retryAfter == nil { return false }
        let isNew = !isPast(begun)
        if isNew {
            failures += 1
            failure = error
            failedAt = now
            notBefore = now + policy.delay(after: error, failures: failures, random: random)
        } else if error.retryAfter != nil {
            // Of those that failed together one may have been told more.
            let until = now + policy.delay(after: error, failures: failures, random: random)
            notBefore = max(notBefore ?? until, until)
        }
        return isNew
    }

    /// - Returns: whether it says that all is well: not what was begun before the last failure.
    package mutating func succeeded(begun: Instant? = nil) -> Bool {
        guard !isPast(begun) else { return false }
        lapsesLeft = Self.mostLapses
        failures = 0
        failure = nil
        notBefore = nil
        return true
    }

    /// The pause is over.
    package mutating func tryAgain() { notBefore = nil }

    /// Somebody may have mended what was wrong.
    package mutating func askedAgain(at now: Instant) {
        notBefore = nil
        askedAt = now
    }

    /// Somebody waits no longer than that: there is an attempt by then, where the far end has not asked for a longer pause.
    package mutating func tryAgain(by latest: Instant) {
        guard failure?.retryAfter == nil, let notBefore, notBefore > latest else { return }
        self.notBefore = latest
    }

    private func isPast(_ begun: Instant?) -> Bool {
        guard let begun, let failedAt, isProbing else { return false }
        // What was begun because somebody asked is none of it, however little time has passed.
        if let askedAt, askedAt >= failedAt, begun >= askedAt { return false }
        return begun <= failedAt
    }
}
