import Delivery
import Digests
import LinuxSystem
import Shared
import TestSupport
import Testing

/// An object store to be tried: a new, empty one each time.
struct StoreUnderTest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether putting the same bytes once more makes another version. Ours always differ: each manifest has its epoch.
    var countsPuts = true
    /// Whether putting what has a final name says the version that it has there. Nobody replaces it, so nobody needs it.
    var tellsFinalVersions = true
    /// Of the last component of a key, in bytes.
    var longestName = 255
    /// Keeps what it needs alive as long as the store.
    let make: @Sendable () throws -> (store: any ObjectStore, keeping: (any Sendable)?)

    static let all: [StoreUnderTest] =
        [
            StoreUnderTest(testDescription: "a directory") {
                let scratch = try Scratch("store")
                let store = DirectoryObjectStore(
                    root: scratch("root"), owner: "0123abcd", life: "00000001", executor: Lane(name: "store"),
                    time: SimulatedTime())
                return (store, scratch)
            },
            StoreUnderTest(testDescription: "a directory over several lanes") {
                let scratch = try Scratch("store")
                let stores = (0..<3).map { number in
                    DirectoryObjectStore(
                        root: scratch("root"), owner: "0123abcd", life: "0000000\(number)",
                        executor: Lane(name: "store.\(number)"), time: SimulatedTime())
                }
                return (SpreadObjectStore(stores, prefix: "sessions/"), scratch)
            },
            StoreUnderTest(testDescription: "the far end of the simulation") {
                let end = FarEnd(time: SimulatedTime(), random: SeededRandom(1))
                return (end.connection(), end)
            },
        ]
        + S3Bucket.given.map { bucket in
            StoreUnderTest(testDescription: "\(bucket.place.bucket) at \(bucket.place.endpoint)", countsPuts: false) {
                let scene = try TransferScene()
                return (bucket.store(scene), scene)
            }
        }
        + supabase + encrypted
}

/// What every object store promises: `ObjectStore` says it, this holds it.
///
/// One after the other: all share a bucket, and rclone, which removes folders with their last object, answers 500 to who is just
/// putting something beside them.
@Suite("An object store's contract", .serialized)
struct ObjectStoreContract {
    private static func key(_ text: String) throws -> ObjectKey { try #require(ObjectKey(text)) }

    private static func immutable(_ bytes: [UInt8]) -> PutMode { .immutable(RunningDigest.digest(of: bytes)) }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    private static func whole(_ object: any ObjectBytes) throws -> [UInt8] {
        var all: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1000)
        while true {
            let count = try room.withUnsafeMutableBytes { try object.read(at: Int64(all.count), into: $0) }
            if count == 0 { return all }
            all += room[..<count]
        }
    }

    @Test("gives back what was put, of any size", arguments: StoreUnderTest.all, [0, 1, 999, 3_000_000])
    func putGet(_ tried: StoreUnderTest, size: Int) async throws {
        let (store, keeping) = try tried.make()
        defer { withExtendedLifetime(keeping) {} }
        let bytes = Self.bytes(size)
        let key = try Self.key("sessions/a/segments/one.jsonl")
        try await store.put(MemoryObject(bytes), to: key, Self.immutable(bytes))
        let object = try await store.read(key, range: nil)
        #expect(object.size == Int64(size))
        #expect(try Self.whole(object) == bytes)
        #expect(try await store.readAll(key) == bytes)
    }

    @Test("gives ranges, clamped to what there is", arguments: StoreUnderTest.all)
    func ranges(_ tried: StoreUnderTest) async throws {
        let (store, keeping) = try tried.make()
        defer { withExtendedLifetime(keeping) {} }
        let bytes = Self.bytes(5000)
        let key = try Self.key("a/b")
        try await store.put(MemoryObject(bytes), to: key, Self.immutable(bytes))
        for range in [0..<5000, 0..<1, 4999..<5000, 17..<4000, 4000..<9000, 5000..<5001, 7000..<8000, 30..<30] {
            let object = try await store.read(key, range: Int64(range.lowerBound)..<Int64(range.upperBound))
            let wanted = Array(bytes[min(range.lowerBound, 5000)..<min(range.upperBound, 5000)])
            #expect(try Self.whole(object) == wanted && object.size == Int64(wanted.count), "\(range)")
        }
    }

    @Test("says that an object is not there, and nothing else for it", arguments: StoreUnderTest.all)
    func absent(_ tried: StoreUnderTest) async throws {
        let (store, keeping) = try tried.make()
        defer { withExtendedLifetime(keeping) {} }
        for text in ["nothing", "a/b/c"] {
            let key = try Self.key(text)
            let error = await #expect(throws: DeliveryError.self) { _ = try await store.read(key, range: nil) }
            #expect(error?.code == .notFound)
            #expect(try await store.readAll(key) == nil)
            #expect(try await store.version(of: key) == nil)
            try await store.delete(key)
        }
        #expect(try await store.list("a/").isEmpty)
        #expect(try await store.listFolders("").isEmpty)
        #expect(try await store.isEmpty(below: "a/"))
    }

    @Test("keeps what has a final name: the same bytes are success, others a conflict", arguments: StoreUnderTest.all)
    func immutable(_ tried: StoreUnderTest) async throws {
        let (store, keeping) = try tried.make()
        defer { withExtendedLifetime(keeping) {} }
        let key = try Self.key("sessions/a/segments/one.jsonl")
        let (bytes, other) = (Self.bytes(500), Self.bytes(400))
        let first = try await store.put(MemoryObject(bytes), to: key, Self.immutable(bytes))
        #expect(try await store.put(MemoryObject(bytes), to: key, Self.immutable(bytes)) == first)
        for other in [other, bytes.map { $0 ^ 1 }] {
            let error = await #expect(throws: DeliveryError.self) {
                try await store.put(MemoryObject(other), to: key, Self.immutable(other))
            }
            #expect(error?.code == .conflict)
        }
        #expect(try await store.readAll(key) == bytes)
        #expect(try await store.version(of: key) == first || !tried.tellsFinalVersions)
    }

    @Test("replaces an object only in the place of the version that was expected", arguments: StoreUnderTest.all)
    func replacing(_ tried: StoreUnderTest) async throws {
        let (store, keeping) = try tried.make()
        defer { withExtendedLifetime(keeping) {} }
        let key = try Self.key("sessions/a/manifest.json")
        func refused(_ text: String, over version: ObjectVersion?) async {
            let error = await #expect(throws: DeliveryError.self) {
                try await store.put(MemoryObject(Array(text.utf8)), to: key, .replacing(version))
            }
            #expect(error?.code == .conflict, "\(text)")
        }
        let first = try await store.put(MemoryObject(Array("one".utf8)), to: key, .replacing(nil))
        #expect(try await store.version(of: key) == first)
        await refused("not first", over: nil)
        let second = try await store.put(MemoryObject(Array("two".utf8)), to: key, .replacing(first))
        #expect(second != first)
        await refused("late", over: first)
        await refused("never there", over: ObjectVersion("something"))
        #expect(try await store.readAll(key) == Array("two".utf8))
        // The same bytes are another version: whoever put them has put them.
        let third = try await store.put(MemoryObject(Array("two".utf8)), to: key, .replacing(second))
        #expect(try await store.version(of: key) == third && (third != second || !tried.countsPuts))
        try await store.delete(key)
        await refused("gone", over: third)
        try await store.put(MemoryObject(Array("anew".utf8)), to: key, .replacing(nil))
        #expect(try await store.readAll(key) == Array("anew".utf8))
    }

    @Test("lists all that begins with a prefix, sorted, and the folders below it", arguments: StoreUnderTest.all)
    func list(_ tried: StoreUnderTest) async throws {
        let (store, keeping) = try tried.make()
        defer { withExtendedLifetime(keeping) {} }
        // More than a page of any store.
        let names = (0..<1100).map { "sessions/s\($0 % 7)/segments/session-\($0).jsonl" }
        for name in names + ["sessions/s1/manifest.json", "sessions/s10", "top"] {
            try await store.put(MemoryObject([1]), to: try Self.key(name), Self.immutable([1]))
        }
        #expect(
            try await store.list("sessions/s1/").map(\.rawValue)
                == (names.filter { $0.hasPrefix("sessions/s1/") } + ["sessions/s1/manifest.json"]).sorted())
        #expect(try await store.list("sessions/").count == 1102)
        #expect(try await store.listFolders("sessions/") == (0..<7).map { "s\($0)" })
        #expect(try await store.listFolders("") == ["sessions"])
        for prefix in ["sessions/", "sessions/s1/", "sessions/s1/segments/"] {
            #expect(try await !store.isEmpty(below: prefix), "\(prefix)")
        }
        // Not what only begins like it: "sessions/s10" is an object.
        for prefix in ["sessions/s10/", "sessions/s2/manifest.json/", "other/"] {
            #expect(try await store.isEmpty(below: prefix), "\(prefix)")
        }
    }

    @Test("deletes an object and nothing beside it", arguments: StoreUnderTest.all)
    func delete(_ tried: StoreUnderTest) async throws {
        let (store, keeping) = try tried.make()
        defer { withExtendedLifetime(keeping) {} }
        for name in ["a/b", "a/bb", "a/b.c"] {
            try await store.put(MemoryObject([1]), to: try Self.key(name), Self.immutable([1]))
        }
        try await store.delete(try Self.key("a/b"))
        #expect(try await store.list("a/").map(\.rawValue) == ["a/b.c", "a/bb"])
        // And its name is free.
        try await store.put(MemoryObject([2]), to: try Self.key("a/b"), Self.immutable([2]))
    }

    @Test("takes every key that there can be", arguments: StoreUnderTest.all)
    func oddKeys(_ tried: StoreUnderTest) async throws {
        let (store, keeping) = try tried.make()
        defer { withExtendedLifetime(keeping) {} }
        let component = String(repeating: "x", count: 255)
        let last = String(repeating: "x", count: tried.longestName)
        for name in [
            "a", ".hidden", "-", "a..b", "...", "_/-/.x", last, "y/\(component)/\(last)", "A/a", "a.d/a",
        ] {
            let key = try Self.key(name)
            let bytes = Array(name.utf8)
            try await store.put(MemoryObject(bytes), to: key, Self.immutable(bytes))
            #expect(try await store.readAll(key) == bytes, "\(name)")
        }
    }
}

@Suite("An object's key")
struct ObjectKeyTests {
    @Test(
        "leads nowhere but below its store",
        arguments: [
            "", "/", "/a", "a/", "a//b", ".", "..", "../x", "a/../b", "a/..", "a/./b", "a b", "a\\b", "a\u{0}b", "ä",
            "a\nb", "~", "a%2e%2e", String(repeating: "x", count: 256), String(repeating: "x/", count: 600) + "x",
        ])
    func hostile(_ text: String) { #expect(ObjectKey(text) == nil) }
}
