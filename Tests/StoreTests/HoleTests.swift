import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@Suite("What is missing when state was lost")
struct HoleTests {
    /// Segment 1 is safe elsewhere; 2 to 6 are only here.
    private func lived(_ scene: Scene) async throws -> (Source, FarEnd) {
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 12)
        try await store.seal(source, lines: 2, most: 1)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        try await store.retire(try await store.retirable(required: [far.id]))
        try await store.seal(source, lines: 2)
        await store.close()
        return (source, far)
    }

    private func lose(_ scene: Scene, _ files: Range<Int>, catalog: Bool) throws {
        for path in try scene.spoolFiles.sorted()[files] { try Files.unlink("\(scene.directory.spool)/\(path)") }
        if catalog { try Files.unlink(scene.directory.catalog) }
    }

    @Test("a range that neither spool nor store has is cut again, also when the manifest is read once more")
    func hole() async throws {
        let scene = try Scene()
        let (source, far) = try await lived(scene)
        try lose(scene, 1..<2, catalog: true)
        let (store, report) = try await scene.open()
        #expect(report.unresolved == [source.key.session])
        try await store.use([far.id])
        let manifest = try #require(far.manifest)
        _ = try await store.takeUp(manifest, at: far.id, as: .own)
        try await store.resolve(source.key.session)
        let hole = try #require(try await store.cursor(of: source.key))
        #expect(hole.line == 4)
        _ = try await store.takeUp(manifest, at: far.id, as: .own)
        #expect(try await store.cursor(of: source.key) == hole)
        try await store.seal(source, lines: 2)
        try await expectWhole(store, source)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(try far.content() == source.bytes)
        #expect(try await store.describe(source.key.session)?.summary.lines == 12)
    }

    @Test("a session that waits for a store waits in the next life, too, and is said again")
    func stillUnresolved() async throws {
        let scene = try Scene()
        let (source, _) = try await lived(scene)
        try lose(scene, 1..<2, catalog: true)
        await (try await scene.open()).0.close()
        let (store, report) = try await scene.open()
        #expect(report.unresolved == [source.key.session] && !report.isUneventful)
        try await store.resolve(source.key.session)
        await store.close()
        #expect(try await scene.open().1.unresolved.isEmpty)
    }

    @Test("lines are counted once, whatever became of the files that held them")
    func counts() async throws {
        let scene = try Scene()
        let (source, far) = try await lived(scene)
        let session = source.key.session
        let path = try #require(try scene.spoolFiles.sorted().dropFirst().first)
        let bytes = try Files.readAll("\(scene.directory.spool)/\(path)")
        try lose(scene, 1..<2, catalog: false)
        let (store, report) = try await scene.open()
        #expect(report.missing.count == 1)
        #expect(try await store.describe(session)?.summary.lines == 10)
        await store.close()
        // It was elsewhere, and is put back.
        try Files.writeDurably(bytes, to: "\(scene.directory.spool)/\(path)")
        let (whole, _) = try await scene.open()
        #expect(try await whole.describe(session)?.summary.lines == 12)
        await whole.close()
        try lose(scene, 1..<2, catalog: false)
        let (again, _) = try await scene.open()
        try await again.use([far.id])
        // One is cut again, and the manifest is read: what follows is to be cut again, too, for numbers ascend.
        try await again.seal(source, lines: 2, most: 1)
        _ = try await again.takeUp(try #require(far.manifest), at: far.id, as: .own)
        try await again.seal(source, lines: 2)
        #expect(try await again.describe(session)?.summary.lines == 12)
        try await expectWhole(again, source)
        let numbers = try await again.segments(of: source.key).map(\.record.seq)
        #expect(numbers == numbers.sorted())
    }

    @Test("after the catalog and the manifests were lost nothing is sent before the stores were read, in any life")
    func unread() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let source = try Source("ses_1", lines: 4)
        try await store.seal(source, lines: 2)
        await store.close()
        try Files.unlink(scene.directory.catalog)
        let far = FarEnd("far")
        for _ in 0..<2 {
            let (store, report) = try await scene.open()
            #expect(report.storesUnread && report.unresolved == [source.key.session])
            try await store.use([far.id])
            #expect(try await store.nextDeliveries(to: far.id, limit: 9).isEmpty)
            let id = try #require(try await store.segments(of: source.key).first?.id)
            #expect(try await !store.claim(id, for: far.id))
            #expect(try await store.backlog(at: far.id).segments == 2)
            await store.close()
        }
        let (again, _) = try await scene.open()
        try await again.resolve(source.key.session)
        try await again.noteStoresRead()
        try await again.deliver(to: far)
        try await again.publish(to: far)
        #expect(try far.content() == source.bytes)
        await again.close()
        #expect(try await scene.open().1.isUneventful)
    }
}
