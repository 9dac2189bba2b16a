import Delivery
import Digests
import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

/// What only a directory can go wrong with.
@Suite("A directory store")
struct DirectoryObjectStoreTests {
    private static func store(
        _ scratch: Scratch, life: String = "00000001", witness: StoreWitness? = nil, faults: any FaultHook = NoFaults()
    ) -> DirectoryObjectStore {
        DirectoryObjectStore(
            root: scratch("root"), owner: "0123abcd", life: life, witness: witness, executor: Lane(name: "store"),
            time: SimulatedTime(), faults: faults)
    }

    private static func put(_ text: String, to key: String, in store: DirectoryObjectStore) async throws {
        let bytes = Array(text.utf8)
        let mode = PutMode.immutable(RunningDigest.digest(of: bytes))
        _ = try await store.put(MemoryObject(bytes), to: try #require(ObjectKey(key)), mode)
    }

    @Test("puts everything while another one sweeps the same folder")
    func swept() async throws {
        let scratch = try Scratch("store")
        let (store, other) = (Self.store(scratch), Self.store(scratch, life: "00000002"))
        try await Self.put("0", to: "sessions/a/0", in: store)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled { try await other.sweep("sessions/a/") }
            }
            for number in 1...1000 { try await Self.put("\(number)", to: "sessions/a/\(number)", in: store) }
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(try await store.list("sessions/a/").count == 1001)
    }

    @Test("does nothing while the object that proves it is not the one that was seen")
    func witness() async throws {
        let scratch = try Scratch("store")
        let witness = try #require(ObjectKey("sessions/.uploaderd.json"))
        let store = Self.store(scratch, witness: StoreWitness(witness))
        try await Self.put("id", to: witness.rawValue, in: store)
        try await Self.put("one", to: "sessions/a/one", in: store)
        try Files.rename(scratch("root"), to: scratch("away"), replacing: false)
        let (key, theirs) = (try #require(ObjectKey("sessions/a/one")), try #require(ObjectKey("sessions/a/two")))
        for attempt in 0..<2 {
            let puts = await #expect(throws: DeliveryError.self) {
                try await Self.put("three", to: "sessions/a/three", in: store)
            }
            let reads = await #expect(throws: DeliveryError.self) { _ = try await store.read(key, range: nil) }
            let looks = await #expect(throws: DeliveryError.self) { _ = try await store.version(of: key) }
            let lists = await #expect(throws: DeliveryError.self) { _ = try await store.list("sessions/") }
            // That it is gone is not noted for an object that is somewhere else.
            let deletes = await #expect(throws: DeliveryError.self) { try await store.delete(theirs) }
            #expect([puts, reads, looks, lists, deletes].allSatisfy { $0?.code == .unusable })
            // A new store in its place is another one.
            if attempt == 0 {
                for object in [witness, theirs] { try scratch.write("theirs", to: "root/\(object)") }
            }
        }
        #expect(try Tree.files(scratch("root")) == [witness.rawValue, theirs.rawValue])
    }

    @Test("knows on every lane that the store is gone, whichever has seen it")
    func spread() async throws {
        let scratch = try Scratch("store")
        let key = try #require(ObjectKey("sessions/.uploaderd.json"))
        let witness = StoreWitness(key)
        let store = SpreadObjectStore(
            (0..<4).map { Self.store(scratch, life: "0000000\($0)", witness: witness) }, prefix: "sessions/")
        func put(_ name: String) async throws {
            let key = try #require(ObjectKey(name))
            let bytes = Array(name.utf8)
            _ = try await store.put(MemoryObject(bytes), to: key, .immutable(RunningDigest.digest(of: bytes)))
        }
        try await put(key.rawValue)
        for session in 0..<16 { try await put("sessions/\(session)/one") }
        #expect(try await store.list("sessions/").count == 17)
        try Files.rename(scratch("root"), to: scratch("away"), replacing: false)
        for session in 16..<32 {
            let error = await #expect(throws: DeliveryError.self) { try await put("sessions/\(session)/one") }
            #expect(error?.code == .unusable)
        }
    }

    @Test("says of an object's name that something else has it, which is no fault of the rest of the store")
    func notAFile() async throws {
        let scratch = try Scratch("store")
        let store = Self.store(scratch)
        try Files.makeDirectories(scratch("root/a/one"))
        for attempt in 0..<2 {
            if attempt == 1 {
                #expect(rmdir(scratch("root/a/one")) == 0)
                #expect(symlink("/dev/null", scratch("root/a/one")) == 0)
            }
            let error = await #expect(throws: DeliveryError.self) {
                try await Self.put("one", to: "a/one", in: store)
            }
            #expect(error?.code == .conflict)
        }
        try await Self.put("two", to: "a/two", in: store)
    }

    @Test("follows no link below its root, whatever is asked, and the rest of it goes on")
    func links() async throws {
        let scratch = try Scratch("store")
        try Files.makeDirectories(scratch("disk"))
        #expect(symlink("disk", scratch("root")) == 0)  // the root itself is what the user named
        let store = Self.store(scratch)
        try await Self.put("one", to: "sessions/a/one", in: store)
        try scratch.write("secret", to: "outside/deep/one")
        try scratch.write("secret", to: "outside/one")
        #expect(symlink(scratch("outside"), scratch("disk/sessions/b")) == 0)
        #expect(symlink(scratch("outside"), scratch("disk/sessions/a/streams")) == 0)
        #expect(symlink("../a", scratch("disk/sessions/a/inside")) == 0)
        for (link, name) in [
            ("sessions/b", "one"), ("sessions/b", "two"), ("sessions/b", "deep/one"), ("sessions/b", "new/one"),
            ("sessions/a/streams", "one"), ("sessions/a/streams", "new/one"), ("sessions/a/inside", "one"),
        ] {
            let key = try #require(ObjectKey("\(link)/\(name)"))
            let tried: [() async throws -> Void] = [
                { try await Self.put("secret", to: key.rawValue, in: store) },
                { _ = try await store.put(MemoryObject([1]), to: key, .replacing(nil)) },
                { _ = try await store.read(key, range: nil) },
                { _ = try await store.version(of: key) },
                { try await store.delete(key) },
                { _ = try await store.list("\(link)/") },
                { _ = try await store.listFolders("\(link)/") },
            ]
            for (number, attempt) in tried.enumerated() {
                let error = await #expect(throws: DeliveryError.self, "\(key), \(number)") { try await attempt() }
                #expect(error?.code == .conflict && error?.hint != nil, "\(key), \(number)")
                #expect(error?.message.contains("\(scratch("root"))/\(link) is a link") == true, "\(key), \(number)")
            }
        }
        #expect(try Tree.files(scratch("outside")) == ["deep/one", "one"])
        #expect(try await store.listFolders("sessions/") == ["a"])
        try await Self.put("two", to: "sessions/a/two", in: store)
        try await store.delete(try #require(ObjectKey("sessions/a/one")))
    }

    @Test("is not used at all where its identity is reached through a link only")
    func linkToAll() async throws {
        let scratch = try Scratch("store")
        let witness = try #require(ObjectKey("sessions/.uploaderd.json"))
        let store = Self.store(scratch, witness: StoreWitness(witness))
        try await Self.put("id", to: witness.rawValue, in: store)
        try Files.rename(scratch("root/sessions"), to: scratch("outside"), replacing: false)
        #expect(symlink(scratch("outside"), scratch("root/sessions")) == 0)
        for key in [witness.rawValue, "sessions/a/one"] {
            let error = await #expect(throws: DeliveryError.self) { try await Self.put("id", to: key, in: store) }
            #expect(error?.code == .unusable, "\(key)")
        }
        #expect(try Tree.files(scratch("outside")) == [".uploaderd.json"])
    }

    @Test("lists no temporary file, and leaves none behind after a failure")
    func temporaries() async throws {
        let scratch = try Scratch("store")
        let store = Self.store(scratch)
        try await Self.put("one", to: "a/one", in: store)
        try scratch.write("half", to: "root/a/.tmp-0123abcd-00000009-1")
        #expect(try await store.list("a/").map(\.rawValue) == ["a/one"])
        struct Short: ObjectBytes {
            let size: Int64 = 100
            func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int { offset < 50 ? 50 : 0 }
        }
        let key = try #require(ObjectKey("a/two"))
        let error = await #expect(throws: DeliveryError.self) {
            _ = try await store.put(Short(), to: key, .replacing(nil))
        }
        #expect(error?.isTransient == true)
        #expect(try Tree.files(scratch("root/a")) == [".tmp-0123abcd-00000009-1", "one"])
    }

    @Test("sweeps up what killed processes of its machine left, and nothing that is being written")
    func sweep() async throws {
        let scratch = try Scratch("store")
        let (ours, held, theirs) = (".tmp-0123abcd-00000009-1", ".tmp-0123abcd-00000008-7", ".tmp-ffffffff-00000009-1")
        for name in [ours, held, theirs] { try scratch.write("half", to: "root/a/\(name)") }
        let writer = try Descriptor.open(scratch("root/a/\(held)"), [.readOnly])
        #expect(try writer.lock())
        try await Self.put("one", to: "a/one", in: Self.store(scratch))
        #expect(try Tree.files(scratch("root/a")) == [held, theirs, "one"])
        try writer.close()
        let old = WallTime(nanoseconds: SimulatedTime().wall.nanoseconds - 25 * 3600 * 1_000_000_000)
        try scratch.setTime(of: "root/a/\(theirs)", to: old)
        try await Self.put("two", to: "a/two", in: Self.store(scratch, life: "00000002"))
        #expect(try Tree.files(scratch("root/a")) == ["one", "two"])
    }

    @Test("sweeps what is below a session when it is told to, over however many lanes it is spread")
    func sweepBelow() async throws {
        let scratch = try Scratch("store")
        let ours = ".tmp-0123abcd-00000009-1"
        for folder in ["a", "a/segments", "b"] { try scratch.write("half", to: "root/sessions/\(folder)/\(ours)") }
        let store = SpreadObjectStore(
            (0..<4).map { Self.store(scratch, life: "0000000\($0)") }, prefix: "sessions/")
        try await store.sweep("sessions/a/")
        #expect(try Tree.files(scratch("root")) == ["sessions/b/\(ours)"])
    }

    @Test("tells what a disk may get over from what somebody has to mend")
    func errors() async throws {
        let scratch = try Scratch("store")
        try scratch.write("a file", to: "root")
        let error = await #expect(throws: DeliveryError.self) {
            try await Self.put("one", to: "a/one", in: Self.store(scratch))
        }
        #expect(error?.isTransient == true && error?.message.contains(scratch("root")) == true)
        let other = try Scratch("store")
        let store = Self.store(other)
        try await Self.put("one", to: "a/one", in: store)
        guard geteuid() != 0 else { return }  // modes bind root to nothing
        chmod(other("root/a"), 0o500)
        let refused = await #expect(throws: DeliveryError.self) { try await Self.put("two", to: "a/two", in: store) }
        chmod(other("root/a"), 0o700)
        #expect(refused?.code == .unusable && refused?.hint != nil)
    }
}
