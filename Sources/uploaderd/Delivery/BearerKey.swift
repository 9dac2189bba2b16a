package import Shared
import Synchronization

/// The one key of a destination: kept while it is taken, read anew when it was refused, so that a new one in its file needs
/// no restart.
///
/// A refused key is not shown again and again: until there is another one, which is looked for with each request, the
/// refusal stands, and only every few minutes one request asks whether it still does.
package final class BearerKey: Sendable {
    private struct Refusal {
        var key: Secret
        var error: DeliveryError
        var at: Instant
    }

    private struct State {
        var key: Secret?
        /// For reading and for writing apart: a key may be good for one of them.
        var refusals: [Bool: Refusal] = [:]
    }

    /// How often a refusal is doubted while the key is the same.
    private static let probe: Duration = .seconds(300)
    /// How often somebody who is held may look whether there is another key: that costs a read of a file.
    static let look: Duration = .seconds(15)

    private let source: CredentialsSource
    private let lane: any RoomExecutor
    private let time: any TimeSource
    private let state = Mutex(State())

    /// - Parameter lane: where the file is read; it may hang.
    package init(_ source: CredentialsSource, lane: any RoomExecutor, time: any TimeSource) {
        self.source = source
        self.lane = lane
        self.time = time
    }

    /// Where it can be changed, for hints.
    var place: String {
        switch source {
        case .file(let path, _): path
        case .given: "the flag or the variable that gives it"
        case .aws: "AWS's places for credentials"
        }
    }

    /// - Throws: `authentication` as long as a refusal stands, or when there is no key to be read.
    func current(isWriting: Bool) async throws(DeliveryError) -> Secret {
        let (kept, refusal) = state.withLock { ($0.key, $0.refusals[isWriting]) }
        if refusal == nil, let kept { return kept }
        let now = try await read()
        state.withLock { $0.key = now }
        if let refusal, now == refusal.key, time.now - refusal.at < Self.probe { throw refusal.error }
        return now
    }

    /// - Returns: another key that is there meanwhile; `nil`: the refusal stands.
    func refused(_ key: Secret, isWriting: Bool, _ error: DeliveryError) async throws(DeliveryError) -> Secret? {
        let now = try await read()
        let at = time.now
        return state.withLock { state in
            state.key = now
            state.refusals[isWriting] = now == key ? Refusal(key: key, error: error, at: at) : nil
            return now == key ? nil : now
        }
    }

    func taken(isWriting: Bool) {
        state.withLock { state in
            if state.refusals[isWriting] != nil { state.refusals[isWriting] = nil }
        }
    }

    private func read() async throws(DeliveryError) -> Secret {
        switch source {
        case .given(let secret): return secret
        // The configuration takes them for S3 alone.
        case .aws:
            throw DeliveryError(.unusable, "AWS's credentials are no key here", hint: "write credentials = a file's path")
        case .file(let path, let isGuarded):
            return try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in
                try await Self.read(path, isGuarded: isGuarded)
            }
        }
    }

    @concurrent
    private static func read(_ path: String, isGuarded: Bool) async throws(DeliveryError) -> Secret {
        var bytes = try SecretFile.bytes(path, isGuarded: isGuarded)
        defer { SecretBytes.wipe(&bytes) }
        let lines = bytes.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        // It goes into a header: nothing that could begin another one.
        guard lines.count == 1, lines[0].allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw DeliveryError(
                .authentication, "\(path) does not hold what it should", hint: "write one line, the key",
                retryAfter: look)
        }
        return Secret(String(decoding: lines[0], as: UTF8.self))
    }
}
