import Shared
import Synchronization

/// What a server may refuse: a key's id and its secret for S3, one key for others.
protocol RefusableKeys: Sendable {
    func isSame(as other: Self) -> Bool
    /// Whether there should be others by now.
    func isNearEnd(_ now: WallTime) -> Bool
}

/// The keys of one destination: kept while they are taken, read anew when they were refused.
final class KeyRing<Keys: RefusableKeys>: Sendable {
    private struct State {
        var keys: Keys?
        /// They may be others by now.
        var isInDoubt = false
    }

    private let source: @Sendable () async throws(DeliveryError) -> Keys
    private let time: any TimeSource
    private let state = Mutex(State())

    /// - Parameter source: gives the keys as they are now.
    init(time: any TimeSource, source: @escaping @Sendable () async throws(DeliveryError) -> Keys) {
        self.time = time
        self.source = source
    }

    /// The keys to show.
    func keys() async throws(DeliveryError) -> Keys {
        let kept = state.withLock { $0.isInDoubt ? nil : $0.keys }
        if let kept, !kept.isNearEnd(time.wall) { return kept }
        let now = try await source()
        state.withLock { $0.keys = now }
        return now
    }

    /// - Returns: other keys that are there meanwhile; `nil`: the refusal stands.
    func refused(_ keys: Keys) async throws(DeliveryError) -> Keys? {
        let now = try await source()
        let isOther = !now.isSame(as: keys)
        state.withLock { state in
            state.keys = now
            state.isInDoubt = !isOther
        }
        return isOther ? now : nil
    }

    /// Asks with the keys, and once more when they are refused and there are others by now.
    ///
    /// - Parameters:
    ///   - ask: throws when there was no answer.
    ///   - refusal: of an answer that refuses the keys, the error that says so; else `nil`.
    func asking<Answer>(
        _ ask: (Keys) async throws(DeliveryError) -> Answer, refusal: (Answer) -> DeliveryError?
    ) async throws(DeliveryError) -> Answer {
        var shown = try await keys()
        var isAnew = false
        while true {
            let answer = try await ask(shown)
            guard let error = refusal(answer) else {
                taken()
                return answer
            }
            guard let other = try await refused(shown), !isAnew else { throw error }
            shown = other
            isAnew = true
        }
    }

    func taken() { state.withLock { $0.isInDoubt = false } }
}
