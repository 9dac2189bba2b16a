import Delivery
import Glibc
import LinuxSystem
import Shared
import TestSupport

/// What tests of encryption need: two people's keys, and stores that are encrypted for them.
enum AgeScene {
    static let ours = AgeIdentity([UInt8](repeating: 7, count: 32))
    static let theirs = AgeIdentity([UInt8](repeating: 8, count: 32))
    /// As age-keygen writes them.
    static let (ourText, theirText) = (text(7), text(8))

    private static func text(_ byte: UInt8) -> String {
        Bech32.text(of: [UInt8](repeating: byte, count: 32), kind: "age-secret-key-").uppercased()
    }

    static func directory(_ scratch: Scratch, life: String = "00000001", witness: ObjectKey? = nil)
        -> DirectoryObjectStore
    {
        DirectoryObjectStore(
            root: scratch("root"), owner: "0123abcd", life: life, witness: witness.map { StoreWitness($0) },
            executor: Lane(name: "store"),
            time: SimulatedTime())
    }

    /// - Parameter identity: the text of its file; `nil`: none.
    static func encrypted(
        _ inner: any ObjectStore, _ scratch: Scratch, to recipients: [AgeIdentity] = [ours],
        identity: String? = ourText, machine: String = "machine", witness: ObjectKey? = nil
    ) throws -> EncryptedObjectStore {
        let lane = Lane(name: "identity")
        if let identity {
            try scratch.write("# a comment\n\(identity)\n", to: "identity")
            chmod(scratch("identity"), 0o600)
        }
        return EncryptedObjectStore(
            inner, to: recipients.map(\.recipient),
            identity: identity.map { _ in AgeIdentityFile(scratch("identity"), isGuarded: false, lane: lane) },
            machine: MachineSeal(machine), witness: witness, time: SimulatedTime(), random: SystemRandom(), worker: lane
        )
    }
}

extension StoreUnderTest {
    static let encrypted: [StoreUnderTest] =
        [
            StoreUnderTest(testDescription: "an encrypted directory", longestName: 251) {
                let scratch = try Scratch("store")
                return (try AgeScene.encrypted(AgeScene.directory(scratch), scratch), scratch)
            }
        ]
        + S3Bucket.given.map { bucket in
            StoreUnderTest(
                testDescription: "\(bucket.place.bucket) at \(bucket.place.endpoint), encrypted", longestName: 251
            ) {
                let (scene, scratch) = (try TransferScene(), try Scratch("identity"))
                return (
                    try AgeScene.encrypted(bucket.store(scene), scratch),
                    EncryptedBucket(scene: scene, scratch: scratch)
                )
            }
        }

    private struct EncryptedBucket: Sendable {
        let scene: TransferScene
        let scratch: Scratch
    }
}
