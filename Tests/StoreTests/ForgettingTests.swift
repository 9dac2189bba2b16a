import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@Suite("What is here of a forgotten session")
struct ForgettingTests {
    private let far = StoreID("far")

    private func sid(_ text: String) throws -> SessionID { try #require(SessionID(text)) }

    /// A state directory with two sessions, of which "a" waits in the spool with words in its facts.
    private func filled() async throws -> (Scene, Store) {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.use([far])
        for name in ["a", "b"] {
            try await store.seal(Source(name, lines: 4), lines: 2)
            var facts = SessionFacts()
            facts.title = "the words of \(name)"
            try await store.note(facts, of: sid(name))
        }
        return (scene, store)
    }

    /// Every byte of the state directory, but for what may hold the id: the list itself.
    private func holds(_ text: String, _ scene: Scene) throws -> [String] {
        try Tree.files(scene.directory.path).filter { path in
            guard path != "forgotten.txt" else { return false }
            let bytes = try Files.readAll("\(scene.directory.path)/\(path)")
            return String(decoding: bytes, as: UTF8.self).contains(text)
        }
    }

    private func expectGone(_ store: Store, _ scene: Scene) async throws {
        #expect(try await store.standing(of: sid("a")) == .forgotten)
        #expect(try await store.isPurged(sid("a")))
        #expect(try await store.describe(sid("a"))?.streams.isEmpty ?? true)
        #expect(try scene.spoolFiles.filter { $0.hasPrefix("a/") }.isEmpty)
        #expect(try scene.spoolFiles.count == 2)
        #expect(try holds("the words of a", scene).isEmpty)
        #expect(try !holds("the words of b", scene).isEmpty)
        let files = try scene.spoolFiles.reduce(Int64(0)) { sum, path in
            sum + (try Files.status("\(scene.directory.spool)/\(path)")?.size ?? 0)
        }
        #expect(store.spool.bytes == files)
        #expect(try await store.backlog(at: far).segments == 2)
    }

    @Test("goes, the words in the catalog, too, and stays gone without the catalog")
    func gone() async throws {
        let (scene, store) = try await filled()
        #expect(try await store.say(.forgotten, of: sid("a")))
        #expect(try await store.unpurged() == [sid("a")])
        try await store.purge(sid("a"))
        try await expectGone(store, scene)
        await #expect(throws: StoreError.self) { try await store.say(.open, of: sid("a")) }
        #expect(try await !store.say(.forgotten, of: sid("a")))
        #expect(try await store.forgetting(at: far, limit: 9) == [sid("a")])
        try await store.recordErased(sid("a"), at: far)
        #expect(try await store.forgetting(at: far, limit: 9).isEmpty)
        await #expect { try await store.seal(Source("a", lines: 4), lines: 2) } throws: {
            ($0 as? StoreError)?.code == .notOpen
        }
        await store.close()
        for suffix in ["", "-wal", "-shm"] { try Files.unlink(scene.directory.catalog + suffix) }
        let (again, _) = try await scene.open()
        #expect(try await again.standing(of: sid("a")) == .forgotten)
        // What was deleted where is not known any more, so it is looked after once more.
        #expect(try await again.forgetting(at: far, limit: 9) == [sid("a")])
    }

    @Test("is gone after a crash at any point", arguments: [FaultPoint.forgetSaid, .forgetUnlinked, .forgetPurged])
    func crash(_ point: FaultPoint) async throws {
        let (scene, store) = try await filled()
        // The scene holds it.
        defer { scene.faults.set(nil) }
        scene.faults.set { reached in
            if reached == point { #expect(throws: Never.self) { _ = try scene.copy("crashed") } }
        }
        #expect(try await store.say(.forgotten, of: sid("a")))
        try await store.purge(sid("a"))
        await store.close()
        let crashed = try Scene("crashed", in: scene.folder)
        let (again, _) = try await crashed.open()
        try await again.use([far])
        try await expectGone(again, crashed)
        #expect(try await again.forgetting(at: far, limit: 9) == [sid("a")])
    }

    @Test("goes where a spool file of it was set aside")
    func setAside() async throws {
        let (scene, store) = try await filled()
        let file = try #require(try scene.spoolFiles.first { $0.hasPrefix("a/") })
        try Files.rename(
            "\(scene.directory.spool)/\(file)", to: "\(scene.directory.refused)/aside.seg", replacing: false)
        #expect(try await store.say(.forgotten, of: sid("a")))
        try await store.purge(sid("a"))
        #expect(try Files.status("\(scene.directory.refused)/aside.seg") == nil)
        try await expectGone(store, scene)
    }
}
