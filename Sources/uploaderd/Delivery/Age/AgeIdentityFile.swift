package import Shared

/// The identities of a destination, in a file as age-keygen makes it: read when they are needed first, and again when an object is
/// encrypted to others.
package struct AgeIdentityFile: Sendable {
    /// For messages.
    let path: String
    private let isGuarded: Bool
    private let lane: any RoomExecutor

    /// - Parameters:
    ///   - isGuarded: its mode is somebody else's business.
    ///   - lane: where it is read; it may hang.
    package init(_ path: String, isGuarded: Bool, lane: any RoomExecutor) {
        self.path = path
        self.isGuarded = isGuarded
        self.lane = lane
    }

    func read() async throws(DeliveryError) -> AgeIdentities {
        try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in
            try await Self.read(path, isGuarded: isGuarded)
        }
    }

    @concurrent
    private static func read(_ path: String, isGuarded: Bool) async throws(DeliveryError) -> AgeIdentities {
        var bytes = try SecretFile.bytes(path, isGuarded: isGuarded)
        defer { SecretBytes.wipe(&bytes) }
        guard var secrets = AgeIdentityText.secrets(in: bytes) else {
            throw DeliveryError(
                .authentication, "\(path) does not hold what it should",
                hint: "write one line for each identity, AGE-SECRET-KEY-1…, as age-keygen does",
                retryAfter: DeliveryError.pause)
        }
        defer { for index in secrets.indices { SecretBytes.wipe(&secrets[index]) } }
        return AgeIdentities(all: secrets.map { AgeIdentity($0) })
    }
}

struct AgeIdentities: RefusableKeys {
    let all: [AgeIdentity]

    func isSame(as other: AgeIdentities) -> Bool {
        all.count == other.all.count && zip(all, other.all).allSatisfy { $0.isSame(as: $1) }
    }
    func isNearEnd(_ now: WallTime) -> Bool { false }
}
