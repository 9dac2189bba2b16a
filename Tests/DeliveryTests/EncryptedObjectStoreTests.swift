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
    static let name = "sessions/a/segments/session-000001-3fa94c1d22b07e15.jsonl"

    static func key(_ text: String = name) throws -> ObjectKey { try #require(ObjectKey(text)) }

    static func immutable(_ bytes: [UInt8]) -> PutMode { .immutable(RunningDigest.digest(of: bytes)) }

    static func refusal(_ body: () async throws -> Void) async -> DeliveryError? {
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
        func isEmpty(below prefix: String) async throws(DeliveryError) -> Bool {
            try await inner.isEmpty(below: prefix)
        }
        func listFolders(_ prefix: String) async throws(DeliveryError) -> [String] {
            try await inner.listFolders(prefix)
        }
        func delete(_ key: ObjectKey) async throws(DeliveryError) { try await inner.delete(key) }
        func sweep(_ prefix: String) async throws(DeliveryError) { try await inner.sweep(prefix) }

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
}
