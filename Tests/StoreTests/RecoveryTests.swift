import Glibc
import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

@Suite("Opening a state directory")
struct RecoveryTests {
    enum Loss: String, CaseIterable {
        case deleted, emptied, zeroed, truncated, scribbled, onlyLog
    }

    @Test("rebuilds cursors from manifests and spool when the catalog is gone", arguments: Loss.allCases)
    func lost(_ loss: Loss) async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
        let writer = try #require(far.manifest?.writer)
        let path = scene.directory.catalog
        let bytes = try Files.readAll(path)
        switch loss {
        case .deleted: try Files.unlink(path)
        case .emptied: try Scene.rewrite([], to: path)
        case .zeroed: try Scene.rewrite([UInt8](repeating: 0, count: bytes.count), to: path)
        case .truncated: try Scene.rewrite(Array(bytes[..<(bytes.count / 2)]), to: path)
        case .scribbled:
            try Scene.rewrite(Array("no database at all, but long enough to be looked at".utf8) + bytes, to: path)
        case .onlyLog:
            try Files.unlink(path)
            try Scene.rewrite([UInt8](repeating: 7, count: 4096), to: "\(path)-wal")
        }
        let (store, report) = try await scene.open()
        #expect(report.stateLost && !report.fresh)
        #expect(report.takenUp == 4 && report.adopted.count == 2, "\(report)")
        #expect(report.unresolved.isEmpty && report.missing.isEmpty && report.refused.isEmpty)
        #expect(try await store.evidence(of: source.key) == nil)
        #expect(try await store.writer() == writer)
        if loss != .deleted, loss != .emptied {
            #expect(scene.log.kinds.contains(.catalogSetAside) || loss == .onlyLog)
        }
        let cursor = try #require(try await store.cursor(of: source.key))
        #expect(cursor.nextSeq == 7 && cursor.line == 11)
        try await expectWhole(store, source)
        try await store.use([far.id])
        try await store.seal(source, lines: 1)
        let before = far.objects.count
        try await store.deliver(to: far)
        #expect(far.objects.count == before + 3)
        try await store.publish(to: far)
        #expect(try far.content() == source.bytes)
        #expect(far.manifest?.segments.map(\.seq) == [1, 2, 3, 4, 5, 6, 7])
        #expect(try #require(far.manifest).epoch > 2)
    }

    @Test("takes up what an older copy of the catalog does not know, and uses no number again")
    func rolledBack() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 20)
        try await store.seal(source, lines: 2, most: 2)
        await store.close()
        let old = try Files.readAll(scene.directory.catalog)
        // Then: two more, all four delivered and published, three of them retired; then two that are only here.
        let (newer, _) = try await scene.open()
        try await newer.seal(source, lines: 2, most: 2)
        try await newer.deliver(to: far)
        try await newer.publish(to: far)
        try await newer.retire(Array(try await newer.retirable(required: [far.id]).prefix(3)))
        try await newer.seal(source, lines: 2, most: 2)
        let cursor = try await newer.cursor(of: source.key)
        await newer.close()

        for name in ["-wal", "-shm"] { try Files.unlink(scene.directory.catalog + name) }
        try Scene.rewrite(old, to: scene.directory.catalog)
        let (again, report) = try await scene.open()
        #expect(!report.stateLost && report.missing.isEmpty && report.unresolved.isEmpty && report.refused.isEmpty)
        #expect(report.takenUp == 2 && report.adopted.count == 2 && report.fetchable.count == 2, "\(report)")
        #expect(try await again.cursor(of: source.key) == cursor)
        try await expectWhole(again, source)
        try await again.seal(source, lines: 2)
        let before = far.objects
        try await again.deliver(to: far)
        #expect(before.allSatisfy { far.objects[$0.key] == $0.value })
        try await again.publish(to: far)
        #expect(try far.content() == source.bytes)
    }

    @Test("knows to which store each destination led when the catalog is gone, and when that file is")
    func knownStores() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.note(StoreID("one"), of: "archive")
        try await store.note(StoreID("two"), of: "mirror")
        await store.close()
        let kept = "\(scene.directory.path)/stores.json"
        for gone in [scene.directory.catalog, kept, scene.directory.catalog] {
            try Files.unlink(gone)
            let (again, _) = try await scene.open()
            #expect(try await again.knownStore(of: "archive") == StoreID("one"))
            #expect(try await again.knownStore(of: "mirror") == StoreID("two"))
            #expect(try await again.knownStore(of: "local") == nil)
            try await again.note(StoreID("one"), of: "archive")
            await again.close()
            #expect(try Files.status(kept) != nil)
        }
    }

    @Test("with manifests only, the cursor is there and says what to check in the source")
    func manifestsOnly() async throws {
        let scene = try Scene()
        let (source, _) = try await scene.lived()
        try Files.unlink(scene.directory.catalog)
        Tree.remove(scene.directory.spool)
        let (store, report) = try await scene.open()
        #expect(report.stateLost && report.takenUp == 4 && report.adopted.isEmpty)
        let cursor = try #require(try await store.cursor(of: source.key))
        // 5 and 6 are gone; their numbers were told to the store, so they stay used.
        #expect(cursor.line == 8 && cursor.nextSeq >= 5)
        #expect(cursor.chainState.isEmpty && cursor.marks == SourceMarks())
        guard case .segment(let last) = try await store.evidence(of: source.key) else {
            Issue.record("there is no evidence")
            return
        }
        let record = try #require(last)
        let range = Int(record.sourceOffset)..<Int(record.sourceOffset + record.sourceBytes)
        #expect(range.upperBound == Int(cursor.offset))
        #expect(Source.expectedMAC(of: Array(source.bytes[range])) == record.sourceMAC)
        let (_, behind) = try #require(try source.cut(cursor, lines: 1))
        let place = SourceInfo(agent: .claude, root: "/h", relativePath: "renamed.jsonl", kind: "transcript")
        await #expect(throws: StoreError.self) { try await store.markRecomputed(behind, from: place) }
        #expect(try await store.source(of: source.key) == nil)
        var checked = cursor
        checked.chainState = source.chain(to: cursor.offset)
        try await store.markRecomputed(checked, from: place)
        #expect(try await store.source(of: source.key) == place)
        #expect(try await store.evidence(of: source.key) == nil)
        try await store.seal(source, lines: 3)
        try await expectWhole(store, source)
    }

    @Test("a session whose beginning is unknown is not cut until it is resolved")
    func unresolved() async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
        try Files.unlink(scene.directory.catalog)
        Tree.remove(scene.directory.manifests)
        let folder = scene.folder
        let other = try scene.copy("resend")
        let (store, report) = try await scene.open()
        #expect(report.stateLost && report.adopted.count == 4)
        #expect(report.unresolved == [source.key.session])
        #expect(try await store.unresolved().map(\.session) == [source.key.session])
        let (segment, next) = try #require(try source.cut(try await store.cursor(of: source.key), lines: 1))
        let error = await #expect(throws: StoreError.self) {
            try await store.seal(segment, advancing: next, source: source.info)
        }
        #expect(error?.code == .unresolved)
        try await store.use([far.id])
        #expect(try await store.publishable(to: far.id).isEmpty)
        // The store answers.
        let result = try await store.takeUp(try #require(far.manifest), at: far.id, as: .own)
        #expect(result.added == 2 && result.known == 2 && result.isWhole && result.conflicts.isEmpty)
        try await store.resolve(source.key.session)
        try await store.seal(source, lines: 1)
        try await expectWhole(store, source)
        await store.close()

        // Nobody answers, and the user says: send it again.
        let (alone, _) = try await other.open()
        try await alone.resolve(source.key.session)
        let cursor = try #require(try await alone.cursor(of: source.key))
        #expect(cursor.offset == 0 && cursor.nextSeq == 7)
        try await alone.seal(source, lines: 4)
        try await expectWhole(alone, source)
        _ = folder
    }

    @Test("leaves the catalog of a newer version alone")
    func newer() async throws {
        let scene = try Scene()
        _ = try await scene.lived()
        // The user version is a big-endian number at byte 60 of the first page: sqlite.org/fileformat2.html, 1.3.
        var bytes = try Files.readAll(scene.directory.catalog)
        bytes[63] = 99
        try Scene.rewrite(bytes, to: scene.directory.catalog)
        let error = await #expect(throws: StoreError.self) { try await scene.open() }
        #expect(error?.code == .newerCatalog)
        #expect(try Files.readAll(scene.directory.catalog) == bytes)
        #expect(try scene.spoolFiles.count == 4)
    }

    @Test("holds off a second daemon, and says which one runs")
    func lock() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let error = await #expect(throws: StoreError.self) { try await scene.open() }
        #expect(error?.code == .locked)
        #expect(error?.message.contains("\(Process.id)") == true)
        // As it is when both begin at once: locked, and not written yet.
        try Descriptor.open(scene.directory.lock, [.writeOnly]).truncate(to: 0)
        let early = await #expect(throws: StoreError.self) { try await scene.open() }
        #expect(early?.message.hasSuffix("is in use by a daemon that starts") == true)
        await store.close()
        let (again, _) = try await scene.open()
        await again.close()
        let closed = await #expect(throws: StoreError.self) { try await again.sessions() }
        #expect(closed?.code == .closed)
    }
}
