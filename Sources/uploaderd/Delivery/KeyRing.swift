import Shared
import Synchronization

/// What a server may refuse: a key's id and its secret for S3, one key for others.
protocol RefusableKeys: Sendable {
    func isSame(as other: Self) -> Bool
    /// Whether there should be others by now.
    func isNearEnd(_ now: WallTime) -> Bool
}

/// The keys of one destination: kept while they are taken, read anew when they were refused.
///
/// Refused keys are not shown again and again: until they have changed, which is looked at with each request, the refusal
/// stands, and only every few minutes one request asks whether it still does.
final class KeyRing<Keys: RefusableKeys>: Sendable {
    private struct Refusal {
        var keys: Keys
        var error: DeliveryError
        var at: Instant
    }

    private struct State {
        var keys: Keys?
        /// For reading and for writing apart: keys may be good for one of them.
        var refusals: [Bool: Refusal] = [:]
    }

    /// How often a refusal is doubted while the keys are the same.
    private static var probe: Duration { .seconds(300) }
    /// How often somebody who is held may look whether the keys have changed: that costs a read of a file.
    static var look: Duration { .seconds(15) }

    private let source: @Sendable () async throws(DeliveryError) -> Keys
    private let time: any TimeSource
    private let state = Mutex(State())

    /// - Parameter source: gives the keys as they are now.
    init(time: any TimeSource, source: @escaping @Sendable () async throws(DeliveryError) -> Keys) {
        self.time = time
        self.source = source
    }

    /// The keys to show.
    ///
    /// - Throws: `authentication` as long as a refusal stands, or when there are none.
    func keys(isWriting: Bool) async throws(DeliveryError) -> Keys {
        let (kept, refusal) = state.withLock { ($0.keys, $0.refusals[isWriting]) }
        if refusal == nil, let kept, !kept.isNearEnd(time.wall) { return kept }
        let now = try await source()
        state.withLock { $0.keys = now }
        if let refusal, now.isSame(as: refusal.keys), time.now - refusal.at < Self.probe { throw refusal.error }
        return now
    }

    /// - Returns: other keys that are there meanwhile; `nil`: the refusal stands.
    func refused(_ keys: Keys, isWriting: Bool, _ error: DeliveryError) async throws(DeliveryError) -> Keys? {
        let now = try await source()
        let isOther = !now.isSame(as: keys)
        let at = time.now
        state.withLock { state in
            state.keys = now
            state.refusals[isWriting] = isOther ? nil : Refusal(keys: keys, error: error, at: at)
        }
        return isOther ? now : nil
    }

    func taken(isWriting: Bool) {
        state.withLock { state in
            if state.refusals[isWriting] != nil { state.refusals[isWriting] = nil }
        }
    }
}
