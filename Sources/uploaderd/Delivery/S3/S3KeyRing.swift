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
///
/// Refused keys are not shown again and again: until they have changed, which is looked at with each request, the refusal
/// stands, and only every few minutes one request asks whether it still does.
final class S3KeyRing: Sendable {
    private struct State {
        var keys: S3Keys?
        /// What was refused, for reading or for writing, and since when.
        var refusals: [Bool: (keys: S3Keys, error: DeliveryError, at: Instant)] = [:]
    }

    /// How often a refusal is doubted while the keys are the same.
    private static let probe: Duration = .seconds(300)
    /// How often somebody who is held may look whether the keys have changed: that costs a read of a file.
    static let look: Duration = .seconds(15)

    private let source: any S3KeySource
    private let time: any TimeSource
    private let state = Mutex(State())

    init(_ source: any S3KeySource, time: any TimeSource) {
        self.source = source
        self.time = time
    }

    /// The keys to sign with.
    ///
    /// - Throws: `authentication` as long as a refusal stands.
    func keys(isWriting: Bool) async throws(DeliveryError) -> S3Keys {
        let (kept, refusal) = state.withLock { ($0.keys, $0.refusals[isWriting]) }
        if refusal == nil, let kept, !kept.isNearEnd(time.wall) { return kept }
        let now = try await source.keys()
        state.withLock { $0.keys = now }
        if let refusal, now.isSame(as: refusal.keys), time.now - refusal.at < Self.probe { throw refusal.error }
        return now
    }

    /// - Returns: other keys that are there meanwhile; `nil`: the refusal stands.
    func refused(_ keys: S3Keys, isWriting: Bool, _ error: DeliveryError) async throws(DeliveryError) -> S3Keys? {
        let now = try await source.keys()
        let isOther = !now.isSame(as: keys)
        let at = time.now
        state.withLock { state in
            state.keys = now
            state.refusals[isWriting] = isOther ? nil : (keys, error, at)
        }
        return isOther ? now : nil
    }

    func taken(isWriting: Bool) {
        state.withLock { state in
            if state.refusals[isWriting] != nil { state.refusals[isWriting] = nil }
        }
    }
}
