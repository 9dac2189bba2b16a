package import Shared
import Synchronization

/// Where an S3 destination's keys come from.
package protocol S3KeySource: Sendable {
    /// The keys as they are there now. Two sources that tests use are a file and a value; services are others.
    func keys() async throws(DeliveryError) -> S3Keys
}

/// Keys that never change: from a flag or a variable.
package struct GivenS3Keys: S3KeySource {
    private let given: S3Keys?

    /// - Parameter secret: two or three lines.
    package init(_ secret: Secret) { given = S3Keys(lines: Array(secret.revealed.utf8)) }
    package init(_ keys: S3Keys) { given = keys }

    package func keys() throws(DeliveryError) -> S3Keys {
        guard let given else {
            throw DeliveryError(
                .authentication, "the credentials are not a key's id and its secret", hint: "give both, on two lines")
        }
        return given
    }
}

/// The keys of one destination: kept while they are taken, read anew when they were refused.
final class S3KeyRing: Sendable {
    private struct State {
        var keys: S3Keys?
        /// They may be others by now.
        var isInDoubt = false
    }

    private let source: any S3KeySource
    private let time: any TimeSource
    private let state = Mutex(State())

    init(_ source: any S3KeySource, time: any TimeSource) {
        self.source = source
        self.time = time
    }

    /// The keys to sign with.
    func keys() async throws(DeliveryError) -> S3Keys {
        let kept = state.withLock { $0.isInDoubt ? nil : $0.keys }
        if let kept, !kept.isNearEnd(time.wall) { return kept }
        let now = try await source.keys()
        state.withLock { $0.keys = now }
        return now
    }

    /// - Returns: other keys that are there meanwhile; `nil`: the refusal stands.
    func refused(_ keys: S3Keys) async throws(DeliveryError) -> S3Keys? {
        let now = try await source.keys()
        let isOther = !now.isSame(as: keys)
        state.withLock { state in
            state.keys = now
            state.isInDoubt = !isOther
        }
        return isOther ? now : nil
    }

    func taken() {
        state.withLock { $0.isInDoubt = false }
    }
}
