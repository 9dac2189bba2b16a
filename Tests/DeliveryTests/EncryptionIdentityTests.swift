import Delivery
import Digests
import LinuxSystem
import Shared
import TestSupport
import Testing

/// Who may read a store that is encrypted, and who may write it.
@Suite("An encrypted object store's identity")
struct EncryptionIdentityTests {
    @Test("cannot be read with another identity, and says which file to mend; the right one there is taken at once")
    func wrongIdentity() async throws {
        let scratch = try Scratch("store")
        let text = AgeFileTests.bytes(100)
        let witness = try EncryptedObjectStoreTests.key("sessions/.uploaderd.json")
        let directory = AgeScene.directory(scratch)
        let right = try AgeScene.encrypted(directory, scratch)
        for key in [witness, try EncryptedObjectStoreTests.key()] {
            try await right.put(MemoryObject(text), to: key, EncryptedObjectStoreTests.immutable(text))
        }
        let wrong = try AgeScene.encrypted(
            directory, scratch, to: [AgeScene.theirs], identity: AgeScene.theirText, witness: witness)
        let one = await EncryptedObjectStoreTests.refusal {
            _ = try await wrong.read(EncryptedObjectStoreTests.key(), range: nil)
        }
        #expect(one?.code == .conflict && one?.message.contains(scratch("identity")) == true && one?.hint != nil)
        #expect(
            await EncryptedObjectStoreTests.refusal { _ = try await wrong.read(witness, range: nil) }?.code
                == .authentication)
        try scratch.write("\(AgeScene.theirText)\n\(AgeScene.ourText)\n", to: "identity")
        #expect(try await wrong.readAll(EncryptedObjectStoreTests.key()) == text)
    }

    @Test("refuses an identity that is no recipient's: what it puts could not be read back")
    func unrelatedIdentity() async throws {
        let scratch = try Scratch("store")
        let store = try AgeScene.encrypted(
            AgeScene.directory(scratch), scratch, to: [AgeScene.theirs], identity: AgeScene.ourText)
        let error = await EncryptedObjectStoreTests.refusal {
            _ = try await store.read(EncryptedObjectStoreTests.key(), range: nil)
        }
        #expect(error?.code == .authentication)
        #expect(error?.hint?.contains(AgeScene.ours.recipient.text) == true)
        // The file is mended, and nobody says so.
        try scratch.write("\(AgeScene.theirText)\n", to: "identity")
        #expect(
            await EncryptedObjectStoreTests.refusal {
                _ = try await store.read(EncryptedObjectStoreTests.key(), range: nil)
            }?.code == .notFound)
        let other = try AgeScene.encrypted(AgeScene.directory(scratch), scratch, identity: "x\(AgeScene.ourText)")
        let broken = await EncryptedObjectStoreTests.refusal {
            _ = try await other.read(EncryptedObjectStoreTests.key(), range: nil)
        }
        #expect(broken?.code == .authentication)
        #expect(broken.map { "\($0.message) \($0.hint ?? "")".contains(AgeScene.ourText.suffix(40)) } == false)
    }

    @Test("without an identity puts, lists and deletes, and says why it does not read")
    func noIdentity() async throws {
        let scratch = try Scratch("store")
        let store = try AgeScene.encrypted(AgeScene.directory(scratch), scratch, identity: nil)
        let text = AgeFileTests.bytes(100)
        let version = try await store.put(
            MemoryObject(text), to: EncryptedObjectStoreTests.key(), EncryptedObjectStoreTests.immutable(text))
        #expect(
            try await store.put(
                MemoryObject(text), to: EncryptedObjectStoreTests.key(), EncryptedObjectStoreTests.immutable(text))
                == version)
        #expect(try await store.version(of: EncryptedObjectStoreTests.key()) == version)
        for range in [nil, 0..<10] as [Range<Int64>?] {
            let error = await EncryptedObjectStoreTests.refusal {
                _ = try await store.read(EncryptedObjectStoreTests.key(), range: range)
            }
            #expect(error?.code == .unusable && error?.hint?.contains("identity") == true)
        }
        #expect(try await store.list("").count == 1)
        try await store.delete(EncryptedObjectStoreTests.key())
        #expect(try await store.list("").isEmpty)
    }

    @Test("puts nothing for a recipient that is no public key: everybody could read it")
    func lowOrder() async throws {
        let scratch = try Scratch("store")
        let lane = Lane(name: "worker")
        let store = EncryptedObjectStore(
            AgeScene.directory(scratch), to: [AgeRecipient(point: [UInt8](repeating: 0, count: 32))], identity: nil,
            machine: MachineSeal("machine"), time: SimulatedTime(), random: SystemRandom(), worker: lane)
        for mode in [.replacing(nil), EncryptedObjectStoreTests.immutable([1])] as [PutMode] {
            let error = await EncryptedObjectStoreTests.refusal {
                try await store.put(MemoryObject([1]), to: EncryptedObjectStoreTests.key(), mode)
            }
            #expect(error?.code == .unusable && error?.hint != nil)
        }
        #expect(try Tree.files(scratch("root")).isEmpty)
    }

    @Test("is not begun where one lies that is not encrypted, nor the other way round")
    func mixed() async throws {
        let scratch = try Scratch("store")
        let layout = ObjectLayout(prefix: "sessions/")
        let directory = AgeScene.directory(scratch)
        let id = StoreID(random: SystemRandom())
        let plain = ObjectLayoutSink(store: directory, layout: layout)
        let encrypted = try AgeScene.encrypted(directory, scratch, witness: layout.storeID)
        let unread = try AgeScene.encrypted(directory, scratch, identity: nil, witness: layout.storeID)
        let sinks: [any SessionSink] = [
            ObjectLayoutSink(store: encrypted, layout: layout),
            WriteOnlySink(store: unread, layout: layout, canLook: true),
        ]
        _ = try await plain.open(proposing: id, known: nil)
        for sink in sinks {
            let error = await EncryptedObjectStoreTests.refusal { _ = try await sink.open(proposing: id, known: nil) }
            #expect(error?.code == .unusable && error?.message.contains("not encrypted") == true)
        }
        try await directory.delete(try #require(layout.storeID))
        for sink in sinks { #expect(try await sink.open(proposing: id, known: nil) == id) }
        for known in [nil, id] {
            let error = await EncryptedObjectStoreTests.refusal {
                _ = try await plain.open(proposing: id, known: known)
            }
            #expect(error?.code == .unusable && error?.message.contains("is encrypted") == true)
        }
    }

    @Test("that cannot be read keeps the newest manifest, forgets a session, and is nobody else's")
    func writeOnly() async throws {
        let scratch = try Scratch("store")
        let layout = ObjectLayout(prefix: "sessions/")
        let session = try #require(SessionID("a"))
        func sink(_ machine: String = "machine") throws -> WriteOnlySink {
            let store = try AgeScene.encrypted(
                AgeScene.directory(scratch), scratch, identity: nil, machine: machine, witness: layout.storeID)
            return WriteOnlySink(store: store, layout: layout, canLook: true)
        }
        let id = StoreID(random: SystemRandom())
        #expect(try await sink().open(proposing: id, known: nil) == id)
        // In the next life it is known, and in one that lost everything it is not ours.
        #expect(try await sink().open(proposing: StoreID(random: SystemRandom()), known: id) == id)
        for machine in ["machine", "other"] {
            let error = await EncryptedObjectStoreTests.refusal {
                _ = try await sink(machine).open(proposing: StoreID(random: SystemRandom()), known: nil)
            }
            #expect(error?.code == .unusable && error?.hint?.contains("identity") == true)
        }
        let readable = ObjectLayoutSink(
            store: try AgeScene.encrypted(AgeScene.directory(scratch), scratch), layout: layout)
        for text in ["one", "two"] {
            _ = try await sink().publish(
                Array(text.utf8), of: session, writer: "w", place: .first, replacing: nil)
            #expect(try await readable.manifest(of: session, writer: "w", place: .first) == Array(text.utf8))
        }
        for _ in 0..<2 {
            try await sink().entomb(session, Array("tombstone of \(StoreID(random: SystemRandom()))".utf8))
            try await sink().erase(session, manifestsOnly: false)
        }
        #expect(try await readable.isForgotten(session))
        #expect(
            try Tree.files(scratch("root/sessions")) == [".uploaderd.json.age", "a/forgotten.json.age"])
        Tree.remove(scratch("root"))
        let gone = await EncryptedObjectStoreTests.refusal { _ = try await sink().open(proposing: id, known: id) }
        #expect(gone?.message.contains("not where it was") == true)
        #expect(try await sink().open(proposing: id, known: nil) == id)
    }
}
