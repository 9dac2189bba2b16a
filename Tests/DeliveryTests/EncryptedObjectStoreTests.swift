import Delivery
import Digests
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

/// What a store that is encrypted does besides what every store promises.
@Suite("An encrypted object store")
struct EncryptedObjectStoreTests {
    private static let name = "sessions/a/segments/session-000001-3fa94c1d22b07e15.jsonl"

    private static func key(_ text: String = name) throws -> ObjectKey { try #require(ObjectKey(text)) }

    private static func immutable(_ bytes: [UInt8]) -> PutMode { .immutable(RunningDigest.digest(of: bytes)) }

    private static func refusal(_ body: () async throws -> Void) async -> DeliveryError? {
        await #expect(throws: DeliveryError.self) { try await body() }
    }

    @Test("holds no text, and under another name")
    func noText() async throws {
        let scratch = try Scratch("store")
        let store = try AgeScene.encrypted(AgeScene.directory(scratch), scratch)
        let text = Array(String(repeating: "a secret line of a session\n", count: 9000).utf8)
        try await store.put(MemoryObject(text), to: Self.key(), Self.immutable(text))
        try await store.put(MemoryObject(text), to: Self.key("sessions/a/manifest.json"), .replacing(nil))
        let files = try Tree.files(scratch("root"))
        #expect(files == ["sessions/a/manifest.json.age", "\(Self.name).age"])
        for file in files {
            let stored = try scratch.bytes("root/\(file)")
            #expect(stored.starts(with: Array("age-encryption.org/v1\n-> X25519 ".utf8)))
            let shown = String(decoding: stored, as: UTF8.self)
            #expect(!shown.contains("secret line") && !shown.contains("session\n"), "\(file)")
        }
        #expect(try await store.list("sessions/").map(\.rawValue) == ["sessions/a/manifest.json", Self.name])
    }

    @Test(
        "puts an object with a final name as the same bytes again, in another life too, and one that is replaced as others"
    )
    func sameAgain() async throws {
        let text = AgeFileTests.bytes(200_000)
        var seen: [[UInt8]] = []
        for machine in ["one", "one", "two"] {
            let scratch = try Scratch("store")
            let store = try AgeScene.encrypted(AgeScene.directory(scratch), scratch, machine: machine)
            try await store.put(MemoryObject(text), to: Self.key(), Self.immutable(text))
            seen.append(try scratch.bytes("root/\(Self.name).age"))
            let version = try await store.put(MemoryObject(text), to: Self.key("m"), .replacing(nil))
            let first = try scratch.bytes("root/m.age")
            try await store.put(MemoryObject(text), to: Self.key("m"), .replacing(version))
            #expect(try scratch.bytes("root/m.age") != first)
        }
        #expect(seen[0] == seen[1])
        #expect(seen[0] != seen[2])
    }

    @Test("gives two objects nothing in common: not for the same text under two names, nor for two texts under one")
    func different() async throws {
        let text = AgeFileTests.bytes(1000)
        var seen: [[UInt8]] = []
        for (name, text) in [("a", text), ("b", text), ("a", text.map { $0 ^ 1 })] {
            let scratch = try Scratch("store")
            let store = try AgeScene.encrypted(AgeScene.directory(scratch), scratch)
            try await store.put(MemoryObject(text), to: Self.key(name), Self.immutable(text))
            seen.append(try scratch.bytes("root/\(name).age"))
        }
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            // Share, wrapped key, HMAC, nonce and payload: 16 bytes of none of them are in the other.
            let pieces = Set((0..<seen[a].count - 16).map { Array(seen[a][$0..<$0 + 16]) })
            let first = Array("age-encryption.org/v1\n-> X25519 ".utf8).count
            #expect(
                !(first..<seen[b].count - 16).contains { pieces.contains(Array(seen[b][$0..<$0 + 16])) }, "\(a) \(b)")
        }
    }

    @Test("takes what it put for other recipients, or another machine, for the same object when it is")
    func otherRecipients() async throws {
        let scratch = try Scratch("store")
        let text = AgeFileTests.bytes(100_000)
        func store(_ recipients: [AgeIdentity], identity: String?, machine: String = "machine") throws
            -> EncryptedObjectStore
        {
            try AgeScene.encrypted(
                AgeScene.directory(scratch), scratch, to: recipients, identity: identity, machine: machine)
        }
        try await store([AgeScene.ours], identity: nil).put(MemoryObject(text), to: Self.key(), Self.immutable(text))
        let there = try scratch.bytes("root/\(Self.name).age")
        // Whose key it is this machine knows without an identity.
        try await store([AgeScene.theirs], identity: nil).put(MemoryObject(text), to: Self.key(), Self.immutable(text))
        try await store([AgeScene.ours], identity: AgeScene.ourText, machine: "other").put(
            MemoryObject(text), to: Self.key(), Self.immutable(text))
        #expect(try scratch.bytes("root/\(Self.name).age") == there)
        let unknown = await Self.refusal {
            try await store([AgeScene.ours], identity: nil, machine: "other").put(
                MemoryObject(text), to: Self.key(), Self.immutable(text))
        }
        #expect(unknown?.code == .conflict)
        let other = text.map { $0 ^ 1 }
        let another = await Self.refusal {
            try await store([AgeScene.ours], identity: AgeScene.ourText).put(
                MemoryObject(other), to: Self.key(), Self.immutable(other))
        }
        #expect(another?.code == .conflict)
    }

    @Test("puts nothing of a text that is not the one that was promised, or changes while it is read")
    func changing() async throws {
        let scratch = try Scratch("store")
        let store = try AgeScene.encrypted(AgeScene.directory(scratch), scratch)
        let text = AgeFileTests.bytes(150_000)
        let promised = await Self.refusal {
            try await store.put(MemoryObject(text), to: Self.key(), Self.immutable(text.map { $0 ^ 1 }))
        }
        #expect(promised?.isTransient == true)
        /// Another text from the second reading on.
        final class Turning: ObjectBytes, Sendable {
            let (first, second): (MemoryObject, MemoryObject)
            let readings = Mutex(0)
            init(_ text: [UInt8]) { (first, second) = (MemoryObject(text), MemoryObject(text.map { $0 ^ 1 })) }
            var size: Int64 { first.size }
            func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
                let reading = readings.withLock { readings in
                    if offset == 0 { readings += 1 }
                    return readings
                }
                return (reading == 1 ? first : second).read(at: offset, into: room)
            }
        }
        let turned = await Self.refusal {
            try await store.put(Turning(text), to: Self.key(), Self.immutable(text))
        }
        #expect(turned?.message.contains("changed while") == true)
        #expect(try Tree.files(scratch("root")).isEmpty)
    }

    @Test("says of a file that was changed that it is damaged")
    func damaged() async throws {
        let scratch = try Scratch("store")
        let store = try AgeScene.encrypted(AgeScene.directory(scratch), scratch)
        let text = AgeFileTests.bytes(150_000)
        try await store.put(MemoryObject(text), to: Self.key(), Self.immutable(text))
        let whole = try scratch.bytes("root/\(Self.name).age")
        for place in [0, 30, 100, 180, 190, 250, 70_000, whole.count - 1] {
            var changed = whole
            changed[place] ^= 1
            try scratch.write(changed, to: "root/\(Self.name).age")
            let error = await Self.refusal { _ = try await store.readAll(Self.key()) }
            // One in the wrapped key says that it is for others.
            #expect(error?.code == .damaged || error?.code == .conflict, "\(place): \(String(describing: error))")
            #expect(error?.message.contains(Self.name) == true)
        }
        for size in [0, 10, 200, 65_752, whole.count - 65_552] {
            try scratch.write(Array(whole[..<size]), to: "root/\(Self.name).age")
            #expect(await Self.refusal { _ = try await store.readAll(Self.key()) }?.code == .damaged, "\(size)")
            // A chunk that is whole is what was put, whatever became of those behind it.
            if size < 65_752 {
                #expect(await Self.refusal { _ = try await store.read(Self.key(), range: 100..<200) }?.code == .damaged)
            }
            #expect(
                await Self.refusal { _ = try await store.read(Self.key(), range: 149_000..<200_000) }?.code == .damaged)
        }
    }

    /// A store that notes which ranges are asked of it.
    private final class Counting: ObjectStore {
        let inner: any ObjectStore
        let asked = Mutex<[Range<Int64>?]>([])

        init(_ inner: any ObjectStore) { self.inner = inner }

        func put(
            _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
        ) async throws(DeliveryError) -> ObjectVersion { try await inner.put(body, to: key, mode) }
        func version(of key: ObjectKey) async throws(DeliveryError) -> ObjectVersion? {
            try await inner.version(of: key)
        }
        func read(
            _ key: ObjectKey, range: Range<Int64>?
        ) async throws(DeliveryError) -> any ObjectBytes & Sendable {
            asked.withLock { $0.append(range) }
            return try await inner.read(key, range: range)
        }
        func list(_ prefix: String) async throws(DeliveryError) -> [ObjectKey] { try await inner.list(prefix) }
        func listFolders(_ prefix: String) async throws(DeliveryError) -> [String] {
            try await inner.listFolders(prefix)
        }
        func delete(_ key: ObjectKey) async throws(DeliveryError) { try await inner.delete(key) }

        func taken() -> [Range<Int64>?] {
            asked.withLock { asked in
                defer { asked = [] }
                return asked
            }
        }
    }

    private static func whole(_ object: any ObjectBytes) throws -> [UInt8] {
        var all = [UInt8](repeating: 0, count: Int(object.size))
        var count = 0
        while count < all.count {
            count += try all.withUnsafeMutableBytes { room in
                try object.read(at: Int64(count), into: UnsafeMutableRawBufferPointer(rebasing: room[count...]))
            }
        }
        return all
    }

    @Test("reads a range as one of the chunks that cover it, and the header once")
    func ranges() async throws {
        let scratch = try Scratch("store")
        let counting = Counting(AgeScene.directory(scratch))
        let store = try AgeScene.encrypted(counting, scratch)
        for size in [0, 100, 65_536, 131_072, 300_000] {
            let text = AgeFileTests.bytes(size)
            let key = try Self.key("o\(size)")
            try await store.put(MemoryObject(text), to: key, Self.immutable(text))
            var random = Seeded(UInt64(size))
            for _ in 0..<60 {
                let lower = Int(random.next() % UInt64(size + 70_000))
                let upper = lower + Int(random.next() % 150_000)
                let object = try await store.read(key, range: Int64(lower)..<Int64(upper))
                let wanted = Array(text[min(lower, size)..<min(upper, size)])
                #expect(try Self.whole(object) == wanted, "\(lower)..<\(upper) of \(size)")
            }
            _ = try await store.read(key, range: 0..<Int64.max)
        }
        let key = try Self.key("o300000")
        _ = counting.taken()
        // Its header is known by now: one request, for one chunk of 64 KiB and its 16 bytes.
        _ = try await store.read(key, range: 200_000..<200_100)
        let known = counting.taken()
        #expect(known.map { $0?.count } == [65_552])
        let fresh = try AgeScene.encrypted(counting, scratch)
        _ = try await fresh.read(key, range: 10..<20)
        // The header, and what is near it, in one.
        #expect(counting.taken().count == 1)
        _ = try await fresh.read(key, range: 200_000..<200_100)
        #expect(counting.taken().map { $0?.count } == [65_552])
    }

    @Test("reads ranges of an object that was replaced since its header was read")
    func replaced() async throws {
        let scratch = try Scratch("store")
        let store = try AgeScene.encrypted(AgeScene.directory(scratch), scratch)
        let (one, two) = (AgeFileTests.bytes(1000), AgeFileTests.bytes(1000, seed: 9))
        let version = try await store.put(MemoryObject(one), to: Self.key("m"), .replacing(nil))
        #expect(try Self.whole(await store.read(Self.key("m"), range: 5..<50)) == Array(one[5..<50]))
        try await store.put(MemoryObject(two), to: Self.key("m"), .replacing(version))
        #expect(try Self.whole(await store.read(Self.key("m"), range: 5..<50)) == Array(two[5..<50]))
    }

    @Test("cannot be read with another identity, and says which file to mend; the right one there is taken at once")
    func wrongIdentity() async throws {
        let scratch = try Scratch("store")
        let text = AgeFileTests.bytes(100)
        let witness = try Self.key("sessions/.uploaderd.json")
        let directory = AgeScene.directory(scratch)
        let right = try AgeScene.encrypted(directory, scratch)
        for key in [witness, try Self.key()] { try await right.put(MemoryObject(text), to: key, Self.immutable(text)) }
        let wrong = try AgeScene.encrypted(
            directory, scratch, to: [AgeScene.theirs], identity: AgeScene.theirText, witness: witness)
        let one = await Self.refusal { _ = try await wrong.read(Self.key(), range: nil) }
        #expect(one?.code == .conflict && one?.message.contains(scratch("identity")) == true && one?.hint != nil)
        #expect(await Self.refusal { _ = try await wrong.read(witness, range: nil) }?.code == .authentication)
        try scratch.write("\(AgeScene.theirText)\n\(AgeScene.ourText)\n", to: "identity")
        #expect(try await wrong.readAll(Self.key()) == text)
    }

    @Test("refuses an identity that is no recipient's: what it puts could not be read back")
    func unrelatedIdentity() async throws {
        let scratch = try Scratch("store")
        let store = try AgeScene.encrypted(
            AgeScene.directory(scratch), scratch, to: [AgeScene.theirs], identity: AgeScene.ourText)
        let error = await Self.refusal { _ = try await store.read(Self.key(), range: nil) }
        #expect(error?.code == .authentication)
        #expect(error?.hint?.contains(AgeScene.ours.recipient.text) == true)
        // The file is mended, and nobody says so.
        try scratch.write("\(AgeScene.theirText)\n", to: "identity")
        #expect(await Self.refusal { _ = try await store.read(Self.key(), range: nil) }?.code == .notFound)
        let other = try AgeScene.encrypted(AgeScene.directory(scratch), scratch, identity: "x\(AgeScene.ourText)")
        let broken = await Self.refusal { _ = try await other.read(Self.key(), range: nil) }
        #expect(broken?.code == .authentication)
        #expect(broken.map { "\($0.message) \($0.hint ?? "")".contains(AgeScene.ourText.suffix(40)) } == false)
    }

    @Test("without an identity puts, lists and deletes, and says why it does not read")
    func noIdentity() async throws {
        let scratch = try Scratch("store")
        let store = try AgeScene.encrypted(AgeScene.directory(scratch), scratch, identity: nil)
        let text = AgeFileTests.bytes(100)
        let version = try await store.put(MemoryObject(text), to: Self.key(), Self.immutable(text))
        #expect(try await store.put(MemoryObject(text), to: Self.key(), Self.immutable(text)) == version)
        #expect(try await store.version(of: Self.key()) == version)
        for range in [nil, 0..<10] as [Range<Int64>?] {
            let error = await Self.refusal { _ = try await store.read(Self.key(), range: range) }
            #expect(error?.code == .unusable && error?.hint?.contains("identity") == true)
        }
        #expect(try await store.list("").count == 1)
        try await store.delete(Self.key())
        #expect(try await store.list("").isEmpty)
    }

    @Test("puts nothing for a recipient that is no public key: everybody could read it")
    func lowOrder() async throws {
        let scratch = try Scratch("store")
        let lane = Lane(name: "worker")
        let store = EncryptedObjectStore(
            AgeScene.directory(scratch), to: [AgeRecipient(point: [UInt8](repeating: 0, count: 32))], identity: nil,
            machine: MachineSeal("machine"), time: SimulatedTime(), random: SystemRandom(), worker: lane)
        for mode in [.replacing(nil), Self.immutable([1])] as [PutMode] {
            let error = await Self.refusal { try await store.put(MemoryObject([1]), to: Self.key(), mode) }
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
            let error = await Self.refusal { _ = try await sink.open(proposing: id, known: nil) }
            #expect(error?.code == .unusable && error?.message.contains("not encrypted") == true)
        }
        try await directory.delete(try #require(layout.storeID))
        for sink in sinks { #expect(try await sink.open(proposing: id, known: nil) == id) }
        for known in [nil, id] {
            let error = await Self.refusal { _ = try await plain.open(proposing: id, known: known) }
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
            let error = await Self.refusal {
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
        let gone = await Self.refusal { _ = try await sink().open(proposing: id, known: id) }
        #expect(gone?.message.contains("not where it was") == true)
        #expect(try await sink().open(proposing: id, known: nil) == id)
    }
}
