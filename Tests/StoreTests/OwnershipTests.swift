import Glibc
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@Suite("A directory that was there before us")
struct OwnershipTests {
    private func write(_ text: String, to path: String) throws {
        try Files.makeDirectories(Files.parent(of: path))
        let file = try Descriptor.open(path, [.writeOnly, .create])
        try Array(text.utf8).withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
    }

    private func open(_ scene: Scene, spool: String) async throws -> Store {
        let directory = StateDirectory(scene.directory.path, spool: spool)
        return try await Store.open(
            directory, executor: scene.lane, time: scene.time, random: scene.random, log: scene.log
        ).0
    }

    private func refusal(_ scene: Scene, spool: String) async -> StoreError? {
        await #expect(throws: StoreError.self) { try await open(scene, spool: spool) }
    }

    @Test(
        "is no spool when other files are in it, and they stay as they are",
        arguments: ["README", "a/deep/README", ".tmp-notes", "src/main.seg", ".git/HEAD"])
    func foreignSpool(_ name: String) async throws {
        let scene = try Scene()
        let spool = "\(scene.folder.path)/docs"
        try write("precious", to: "\(spool)/\(name)")
        try write("notes", to: "\(spool)/.tmp-mine")
        let error = await refusal(scene, spool: spool)
        #expect(error?.code == .foreign && error?.isUsersToMend == true && error?.hint?.contains("--spool-dir") == true)
        #expect(error?.message.contains("docs holds what is not uploaderd's: \"") == true)
        #expect(try Tree.files(spool) == [".tmp-mine", name].sorted())
        #expect(try Files.status(scene.directory.path) == nil)
    }

    @Test("is no state directory when other files are in it, and they stay as they are")
    func foreignState() async throws {
        let scene = try Scene()
        let state = scene.directory.path
        try write("a", to: "\(state)/project/main.c")
        try write("b", to: "\(state)/lock/x")
        let error = await #expect(throws: StoreError.self) { try await scene.open() }
        #expect(error?.code == .foreign && error?.hint?.contains("--state-dir") == true)
        #expect(try Tree.files(state) == ["lock/x", "project/main.c"])
    }

    @Test("is ours when nothing is in it, or what every start makes", arguments: ["", ".refused", "lost+found"])
    func ours(_ name: String) async throws {
        let scene = try Scene()
        let spool = "\(scene.folder.path)/spool"
        try Files.makeDirectories(name.isEmpty ? spool : "\(spool)/\(name)")
        if name == ".refused" { try write("of an earlier version", to: "\(spool)/elsewhere.seg") }
        let source = try Source("ses_1", lines: 4)
        try await open(scene, spool: spool).seal(source, lines: 2)
        let found = try Tree.files(spool)
        #expect(found.count { $0.hasPrefix("ses_1/") } == 2)
        #expect(found.contains(".refused/elsewhere.seg") == (name == ".refused"))
    }

    @Test("is ours with nothing of an earlier life but which stores it had")
    func storesAlone() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.note(StoreID("far"), of: "archive")
        await store.close()
        for name in try Files.list(scene.directory.path).map(\.name)
        where name.hasPrefix("catalog.db") || name == "lock" {
            try Files.unlink("\(scene.directory.path)/\(name)")
        }
        let (again, _) = try await scene.open()
        #expect(try await again.knownStore(of: "archive") == StoreID("far"))
    }

    @Test("is ours without its catalog, with a file of the user's beside it")
    func withoutCatalog() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        await store.close()
        for entry in try Files.list(scene.directory.path) where entry.name.hasPrefix("catalog.db") {
            try Files.unlink("\(scene.directory.path)/\(entry.name)")
        }
        try write("mine", to: "\(scene.directory.path)/note.txt")
        let (again, _) = try await scene.open()
        await again.close()
        #expect(try Files.status("\(scene.directory.path)/note.txt") != nil)
    }

    @Test(
        "is no spool when it holds the state directory, or its manifests",
        arguments: ["new", "new/state", "new/state/manifests"])
    func nested(_ place: String) async throws {
        let scene = try Scene("new/state")
        #expect(await refusal(scene, spool: "\(scene.folder.path)/\(place)")?.code == .foreign)
        #expect(try Files.status("\(scene.folder.path)/new") == nil)
    }

    @Test(
        "is refused, and left as it is, where something else stands in the place of a file or folder of ours",
        arguments: [
            "catalog.db/", "catalog.db-wal/", "catalog.db-shm/", "stores.json/", "spool", "manifests", "spool/.refused",
            "catalog.db>nowhere", "spool>nowhere", "manifests>lock", "catalog.db>spool",
        ])
    func otherKinds(_ name: String) async throws {
        let scene = try Scene()
        try await scene.open().0.close()
        let state = scene.directory.path
        let parts = name.split(separator: ">")
        let path = "\(state)/\(parts[0].hasSuffix("/") ? parts[0].dropLast() : parts[0])"
        #expect(rename(path, "\(state)/.tmp-aside") == 0 || errno == ENOENT)
        if parts.count == 2 {
            #expect(symlink("\(state)/\(parts[1])", path) == 0)
        } else if name.hasSuffix("/") {
            try Files.makeDirectories(path)
        } else {
            try write("x", to: path)
        }
        let before = try Tree.files(state)
        let error = await #expect(throws: StoreError.self) { try await scene.open() }
        #expect(error?.code == .foreign && error?.message.contains(path) == true, "\(error.map(\.description) ?? "")")
        #expect(error?.hint?.contains("move it away") == true)
        #expect(try Tree.files(state) == before)
    }

    @Test("is one daemon's spool, whatever state directories two of them have")
    func shared() async throws {
        let (one, other) = (try Scene(), try Scene("other"))
        defer { withExtendedLifetime((one, other)) {} }
        let spool = one.directory.spool
        let (store, _) = try await one.open()
        try await store.seal(try Source("ses_1", lines: 4), lines: 2)
        let before = try Tree.files(spool)
        let error = await refusal(other, spool: spool)
        #expect(error?.code == .locked && error?.message.contains("process id \(Process.id)") == true)
        #expect(error?.hint?.contains("--spool-dir") == true)
        #expect(try Tree.files(spool) == before)
        await store.close()
        try await open(other, spool: spool).close()
    }
}
