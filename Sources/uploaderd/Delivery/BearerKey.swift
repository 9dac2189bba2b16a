package import Shared

/// The one key of a destination that takes no more: from a flag, a variable, or a file of one line.
package struct BearerKey: Sendable {
    private let source: CredentialsSource
    private let lane: any RoomExecutor

    /// - Parameter lane: where the file is read; it may hang.
    package init(_ source: CredentialsSource, lane: any RoomExecutor) {
        self.source = source
        self.lane = lane
    }

    /// Where it can be changed, for hints.
    var place: String {
        switch source {
        case .file(let path, _): path
        case .given: "the flag or the variable that gives it"
        case .aws: "AWS's places for credentials"
        }
    }

    /// - Returns: the key as it is now.
    func read() async throws(DeliveryError) -> SecretBytes {
        switch source {
        case .given(let secret): return SecretBytes(secret.revealed.utf8)
        // The configuration takes them for S3 alone.
        case .aws:
            throw DeliveryError(
                .unusable, "AWS's credentials are no key here", hint: "write the path of a file as credentials")
        case .file(let path, let isGuarded):
            return try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in
                try await Self.read(path, isGuarded: isGuarded)
            }
        }
    }

    @concurrent
    private static func read(_ path: String, isGuarded: Bool) async throws(DeliveryError) -> SecretBytes {
        var bytes = try SecretFile.bytes(path, isGuarded: isGuarded)
        defer { SecretBytes.wipe(&bytes) }
        let lines = bytes.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        // It goes into a header: nothing that could begin another one.
        guard lines.count == 1, lines[0].allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw DeliveryError(
                .authentication, "\(path) does not hold what it should", hint: "write one line, the key",
                retryAfter: DeliveryError.pause)
        }
        return SecretBytes(lines[0])
    }
}
