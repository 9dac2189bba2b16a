import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@Suite("What somebody said of sessions")
struct PrivacyTests {
    private let far = StoreID("far")

    private func sid(_ text: String) throws -> SessionID { try #require(SessionID(text)) }

    private func text(_ scene: Scene) throws -> String {
        String(decoding: try Files.readAll(scene.directory.privates), as: UTF8.self)
    }

    private func write(_ text: String, _ scene: Scene) throws {
        try Files.writeDurably(Array(text.utf8), to: scene.directory.privates)
    }

    @Test("is known after a restart, and without the catalog")
    func kept() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        #expect(try await store.say(.private, of: sid("a")))
        #expect(try await !store.say(.private, of: sid("a")))
        #expect(try await store.say(.private, of: sid("b")))
        #expect(try await store.say(.open, of: sid("b")))
        await store.close()
        for losesCatalog in [false, true] {
            if losesCatalog {
                for suffix in ["", "-wal", "-shm"] { try Files.unlink(scene.directory.catalog + suffix) }
            }
            let (again, _) = try await scene.open()
            #expect(try await again.standing(of: sid("a")) == .private)
            #expect(try await again.standing(of: sid("b")) == .open)
            #expect(try await again.standings().map(\.session) == [sid("a")])
            await again.close()
        }
        #expect(try Files.status(scene.directory.privates)?.mode == 0o600)
    }

    @Test("holds between the line in the file and the row in the catalog")
    func crash() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        // The scene holds it.
        defer { scene.faults.set(nil) }
        scene.faults.set { point in
            if point == .privateSaid { #expect(throws: Never.self) { _ = try scene.copy("crashed") } }
        }
        #expect(try await store.say(.private, of: sid("a")))
        await store.close()
        let crashed = try Scene("crashed", in: scene.folder)
        let (again, _) = try await crashed.open()
        #expect(try await again.standing(of: sid("a")) == .private)
    }

    @Test("keeps what is sealed in the spool, lets nothing more be sealed, and does not count as waiting")
    func closed() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.use([far])
        let source = try Source("a", lines: 4)
        let id = try #require(try await store.seal(source, lines: 2, most: 1).first)
        let departure = try #require(try await store.depart(sid("a"), to: far))
        #expect(try await store.claim(id, for: far))
        #expect(try await store.say(.private, of: sid("a")))
        #expect(store.departures.stores(of: try sid("a")) == [far])
        #expect(try await store.release(id, for: far))
        departure.end()
        #expect(store.departures.stores(of: try sid("a")).isEmpty)
        #expect(try await store.depart(sid("a"), to: far) == nil)
        #expect(try await !store.claim(id, for: far))
        #expect(try await store.nextDeliveries(to: far, limit: 9).isEmpty)
        #expect(try await store.backlog(at: far).segments == 0)
        #expect(try await store.missing(at: nil).segments == 0)
        #expect(try await store.mergeCandidates().isEmpty)
        #expect(try scene.spoolFiles.count == 1)
        await #expect { try await store.seal(source, lines: 2) } throws: { ($0 as? StoreError)?.code == .notOpen }
        #expect(try await store.say(.open, of: sid("a")))
        #expect(try await store.seal(source, lines: 2).count == 1)
        #expect(try await store.nextDeliveries(to: far, limit: 9).count == 2)
    }

    @Test("is of a session from its first line on")
    func unknown() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        #expect(try await store.say(.private, of: sid("a")))
        await #expect { try await store.seal(Source("a", lines: 2), lines: 2) } throws: {
            ($0 as? StoreError)?.code == .notOpen
        }
        #expect(try await store.describe(sid("a")) == nil)
        #expect(try scene.spoolFiles.isEmpty)
    }

    @Test(
        "is not guessed where the file cannot be relied on",
        arguments: [
            "2026-11-22T05:00:00Z private\n", "private a\n", "2026-11-22T05:00:00Z forgotten a\n",
            "2026-11-22T05:00:00Z private a\nx\n2026-11-22T05:00:00Z private b\n", "2026-11-22T05:00:00Z private a b\n",
        ])
    func damaged(_ text: String) async throws {
        let scene = try Scene()
        var (store, _) = try await scene.open()
        try await store.use([far])
        let id = try #require(try await store.seal(Source("c", lines: 2), lines: 2).first)
        await store.close()
        try write(text, scene)
        (store, _) = try await scene.open()
        #expect(await store.standingsFault?.code == .damaged)
        #expect(try await !store.claim(id, for: far))
        #expect(try await store.depart(sid("c"), to: far) == nil)
        #expect(try await store.nextDeliveries(to: far, limit: 9).isEmpty)
        #expect(try await store.backlog(at: far).segments == 1)
        await #expect(throws: StoreError.self) { try await store.say(.private, of: sid("c")) }
        #expect(try self.text(scene) == text)
        await store.close()
        try write("2026-11-22T05:00:00Z private a\n", scene)
        (store, _) = try await scene.open()
        #expect(await store.standingsFault == nil)
        #expect(try await store.claim(id, for: far))
        #expect(try await store.standing(of: sid("a")) == .private)
    }

    @Test("is not guessed where the file is gone; what the catalog knows goes back into an empty one")
    func gone() async throws {
        let scene = try Scene()
        var (store, _) = try await scene.open()
        #expect(try await store.say(.private, of: sid("a")))
        let whole = try text(scene)
        await store.close()
        try Files.unlink(scene.directory.privates)
        (store, _) = try await scene.open()
        #expect(await store.standingsFault?.code == .damaged)
        await store.close()
        try write("", scene)
        (store, _) = try await scene.open()
        #expect(await store.standingsFault == nil)
        #expect(try await store.standing(of: sid("a")) == .private)
        #expect(try text(scene) == whole)
    }

    @Test(
        "counts a last line that was cut off only where that closes a session",
        arguments: [
            ("2026-11-22T05:00:00Z private b", SessionStanding.private), ("2026-11-22T05:00:00Z pri", .open),
            ("2026-11-22T05:00:00Z private ", .open), ("\0\0\0\0", .open),
        ])
    func torn(_ tail: String, _ standing: SessionStanding) async throws {
        let scene = try Scene()
        var (store, _) = try await scene.open()
        #expect(try await store.say(.private, of: sid("a")))
        let whole = try text(scene)
        await store.close()
        try write(whole + tail, scene)
        (store, _) = try await scene.open()
        #expect(await store.standingsFault == nil)
        #expect(try await store.standing(of: sid("a")) == .private)
        #expect(try await store.standing(of: sid("b")) == standing)
        #expect(try await store.say(.private, of: sid("c")))
        #expect(
            try text(scene) == whole + (standing == .open ? "" : tail + "\n") + whole.replacing(" a\n", with: " c\n"))
    }

    @Test("opens no session by a line that was cut off")
    func tornOpen() async throws {
        let scene = try Scene()
        var (store, _) = try await scene.open()
        #expect(try await store.say(.private, of: sid("a")))
        await store.close()
        try write(try text(scene) + "2026-11-22T05:00:00Z open a", scene)
        (store, _) = try await scene.open()
        #expect(try await store.standing(of: sid("a")) == .private)
    }
}
