import Glibc
import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

@Suite("Opening a state directory")
struct RecoveryTests {
    /// What a life left: segments 1–2 are safe elsewhere and retired, 3–4 delivered, 5–6 only here.
    private func lived(_ scene: Scene) async throws -> (Source, FarEnd) {
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 12)
        try await store.seal(source, lines: 2, most: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        try await store.retire(try await store.retirable(required: [far.id]))
        try await store.seal(source, lines: 2, most: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        try await store.seal(source, lines: 2, most: 1)
        try await store.seal(source, lines: 1, most: 1)
        #expect(try await store.segments(of: source.key).count == 6)
        #expect(try scene.spoolFiles.count == 4)
        await store.close()
        return (source, far)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        try Files.unlink(path)
        let file = try Descriptor.open(path, [.writeOnly, .create])
        try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
    }

    enum Loss: String, CaseIterable {
        case deleted, emptied, zeroed, truncated, scribbled, onlyLog
    }

    @Test("rebuilds cursors from manifests and spool when the catalog is gone", arguments: Loss.allCases)
    func lost(_ loss: Loss) async throws {
        let scene = try Scene()
        let (source, far) = try await lived(scene)
        let writer = try #require(far.manifest?.writer)
        let path = scene.directory.catalog
        let bytes = try Files.readAll(path)
        switch loss {
        case .deleted: try Files.unlink(path)
        case .emptied: try write([], to: path)
        case .zeroed: try write([UInt8](repeating: 0, count: bytes.count), to: path)
        case .truncated: try write(Array(bytes[..<(bytes.count / 2)]), to: path)
        case .scribbled: try write(Array("no database at all, but long enough to be looked at".utf8) + bytes, to: path)
        case .onlyLog:
            try Files.unlink(path)
            try write([UInt8](repeating: 7, count: 4096), to: "\(path)-wal")
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
        try write(old, to: scene.directory.catalog)
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
        let (source, _) = try await lived(scene)
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
        await #expect(throws: StoreError.self) { try await store.markRecomputed(behind) }
        var checked = cursor
        checked.chainState = source.chain(to: cursor.offset)
        try await store.markRecomputed(checked)
        #expect(try await store.evidence(of: source.key) == nil)
        try await store.seal(source, lines: 3)
        try await expectWhole(store, source)
    }

    @Test("a session whose beginning is unknown is not cut until it is resolved")
    func unresolved() async throws {
        let scene = try Scene()
        let (source, far) = try await lived(scene)
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
        _ = try await lived(scene)
        // The user version is a big-endian number at byte 60 of the first page: sqlite.org/fileformat2.html, 1.3.
        var bytes = try Files.readAll(scene.directory.catalog)
        bytes[63] = 99
        try write(bytes, to: scene.directory.catalog)
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

    @Test("sets aside what is no segment of ours, and goes on")
    func foreign() async throws {
        let scene = try Scene()
        let (source, _) = try await lived(scene)
        let spool = scene.directory.spool
        let names = try scene.spoolFiles
        let good = try Files.readAll("\(spool)/\(names[3])")
        try write(Array(good.dropLast()), to: "\(spool)/ses_1/main/000009-0123456789abcdef.seg")
        try write(Array("nothing".utf8), to: "\(spool)/ses_1/main/000010-0123456789abcdef.seg")
        try write([], to: "\(spool)/ses_1/main/000011-0123456789abcdef.seg")
        try write(good, to: "\(spool)/elsewhere.seg")
        try write(good, to: "\(spool)/ses_1/notes.txt")
        try write(good, to: "\(spool)/.tmp-1234")
        var torn = good
        torn[good.count - 1] ^= 1
        try Files.unlink("\(spool)/\(names[3])")
        try write(torn, to: "\(spool)/\(names[3]).seg")
        try #require(symlinked("/etc/passwd", "\(spool)/ses_1/main/000012-0123456789abcdef.seg"))
        try write(Array("{".utf8), to: "\(scene.directory.manifests)/ses_9.json")
        let (store, report) = try await scene.open()
        #expect(report.refused.count == 8, "\(report.refused)")
        #expect(report.temporariesDeleted == 1)
        #expect(report.missing.count == 1)
        #expect(try Files.list(scene.directory.refused).count == 7)
        #expect(try scene.spoolFiles.count == 3)
        try await store.seal(source, lines: 5)
        try await expectWhole(store, source)
    }

    @Test("does not wait for who would write into a FIFO where a local manifest's stores are said")
    func fifoOfStores() async throws {
        let scene = try Scene()
        let (source, far) = try await lived(scene)
        let path = scene.directory.storesOfManifest(of: source.key.session)
        try Files.unlink(path)
        try #require(mkfifo(path, 0o600) == 0)
        try Files.unlink(scene.directory.catalog)
        let (store, report) = try await scene.open()
        #expect(report.takenUp == 4 && report.refused.isEmpty)
        try await store.use([far.id])
        try await expectWhole(store, source)
    }

    @Test("a file whose bytes rows have is deleted, one that is damaged is not believed")
    func coveredAndDamaged() async throws {
        let scene = try Scene()
        let (source, _) = try await lived(scene)
        // The last three lines once more, cut otherwise: what a seal left whose commit failed.
        let other = try Scene("other", in: scene.folder)
        let (store, _) = try await other.open()
        try await store.seal(source, lines: 8, most: 1)
        try await store.seal(source, lines: 3, most: 1)
        await store.close()
        let names = try other.spoolFiles
        let left = "\(scene.directory.spool)/\(names[1])"
        try Files.writeDurably(try Files.readAll("\(other.directory.spool)/\(names[1])"), to: left)
        let (again, report) = try await scene.open()
        #expect(report.coveredDeleted == 1 && report.adopted.isEmpty && report.refused.isEmpty, "\(report)")
        try await expectWhole(again, source)
        await again.close()
        #expect(try Files.status(left) == nil)

        let last = "\(scene.directory.spool)/\(try scene.spoolFiles[3])"
        var bytes = try Files.readAll(last)
        bytes[bytes.count - 3] ^= 1
        try write(bytes, to: last)
        try Files.unlink(scene.directory.catalog)
        let (third, second) = try await scene.open()
        #expect(second.refused.map(\.path) == [last])
        try await third.seal(source, lines: 2)
        try await expectWhole(third, source)
    }

    @Test("a file that a failed seal left is not believed beside the row that has its number")
    func numberGivenAgain() async throws {
        let scene = try Scene()
        let source = try Source("ses_1", lines: 20)
        let (store, _) = try await scene.open()
        try await store.seal(source, lines: 5, most: 1)
        await store.close()
        let other = try Scene("other", in: scene.folder)
        let (failed, _) = try await other.open()
        try await failed.seal(source, lines: 8, most: 1)
        await failed.close()
        let name = try other.spoolFiles[0]
        let left = try Files.readAll("\(other.directory.spool)/\(name)")
        try Files.writeDurably(left, to: "\(scene.directory.spool)/\(name)")
        let (again, report) = try await scene.open()
        #expect(report.adopted.isEmpty && report.refused.count == 1, "\(report)")
        try await again.seal(source, lines: 5)
        try await expectWhole(again, source)
    }

    @Test("a file of other lines than those known of its range is set aside, not deleted")
    func otherLines() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.seal(try Source("ses_1", bytes: Array("{\"n\":1}\n".utf8)), lines: 1)
        await store.close()
        let other = try Scene("other", in: scene.folder)
        let (stranger, _) = try await other.open()
        try await stranger.seal(try Source("ses_1", bytes: Array("{\"n\":2}\n".utf8)), lines: 1)
        await stranger.close()
        let name = try #require(try other.spoolFiles.first)
        let strange = try Files.readAll("\(other.directory.spool)/\(name)")
        try Files.writeDurably(strange, to: "\(scene.directory.spool)/\(name)")
        let (again, report) = try await scene.open()
        #expect(report.adopted.isEmpty && report.coveredDeleted == 0 && report.refused.count == 1, "\(report)")
        let kept = try #require(report.refused.first).path
        #expect(try Files.readAll("\(scene.directory.refused)/\(Files.name(of: kept))") == strange)
        try await expectWhole(again, try Source("ses_1", bytes: Array("{\"n\":1}\n".utf8)))
    }

    @Test("a segment whose file is gone and that no store has is cut again under another number")
    func missing() async throws {
        let scene = try Scene()
        let (source, far) = try await lived(scene)
        let names = try scene.spoolFiles
        try Files.unlink("\(scene.directory.spool)/\(names[2])")  // segment 5: nowhere else
        try Files.unlink("\(scene.directory.spool)/\(names[0])")  // segment 3: in the store
        let gone = try scene.copy("gone")
        let (store, report) = try await scene.open()
        #expect(report.missing.count == 1 && report.fetchable.count == 1)
        let cursor = try #require(try await store.cursor(of: source.key))
        #expect(cursor.line == 8 && cursor.nextSeq == 7)
        // Its predecessor is in the spool, so the chain is known.
        #expect(!cursor.chainState.isEmpty)
        #expect(try await store.evidence(of: source.key) == nil)
        #expect(try await store.describe(source.key.session)?.lost == report.missing)
        try await store.seal(source, lines: 3)
        try await expectWhole(store, source)
        #expect(try await store.segments(of: source.key).map(\.record.seq) == [1, 2, 3, 4, 7, 8])
        #expect(try await store.describe(source.key.session)?.lost == [])
        try await store.use([far.id])
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(try far.content() == source.bytes)
        await store.close()

        // The source is gone too.
        let (again, second) = try await gone.open()
        try await again.recordGap(try #require(second.missing.first), reason: "the source is gone")
        let behind = try #require(try await again.cursor(of: source.key))
        #expect(behind.line == 11)
        try await again.use([far.id])
        let end = FarEnd("far")
        try await again.deliver(to: end, most: 100)
        let basis = try await again.manifestBasis(of: source.key.session, at: end.id)
        #expect(basis.gaps.count == 1)
        #expect(basis.gaps[0]["reason"] == .string("the source is gone"))
        #expect(basis.streams[0].segments.map(\.seq) == [1, 2, 3, 4, 6])
    }

    @Test(
        "what follows a lost segment is cut again to its end, whatever is taken up meanwhile", arguments: [2, 3],
        [false, true])
    func numbersGoUp(_ lines: Int, _ restarts: Bool) async throws {
        let scene = try Scene()
        var (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 10)
        let ids = try await store.seal(source, lines: 2)
        let path = try #require(try scene.spoolFiles.first { $0.contains("000002-") })
        for id in ids where id != ids[1] {
            let record = try #require(try await store.segment(id)?.record)
            #expect(try await store.claim(id, for: far.id))
            far.put(record.objectPath, try #require(try await store.object(id)))
            try await store.record(receiptFor: id, at: far.id)
        }
        try await store.publish(to: far)
        #expect(far.manifest?.segments.map(\.seq) == [1])
        await store.close()
        try Files.unlink("\(scene.directory.spool)/\(path)")
        (store, _) = try await scene.open()
        try await store.use([far.id])
        // The first of them ends with the lost lines, or inside what follows.
        try await store.seal(source, lines: lines, most: 1)
        if restarts {
            await store.close()
            (store, _) = try await scene.open()
        }
        _ = try await store.takeUp(try #require(far.manifest), at: far.id, as: .own)
        try await store.resolve(source.key.session)
        try await store.seal(source, lines: lines)
        try await expectWhole(store, source)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        let numbers = try #require(far.manifest?.segments.map(\.seq))
        #expect(numbers == numbers.sorted())
        #expect(try far.content() == source.bytes)
    }

    @Test("a lost segment between others is cut again, and what follows is not listed twice")
    func missingInside() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let source = try Source("ses_1", lines: 20)
        try await store.seal(source, lines: 2)
        await store.close()
        try Files.unlink("\(scene.directory.spool)/\(try scene.spoolFiles[3])")
        let (again, report) = try await scene.open()
        #expect(report.missing.count == 1)
        #expect(try await again.cursor(of: source.key)?.line == 6)
        // Cut otherwise than before, and stopped in the middle of what is there.
        try await again.seal(source, lines: 3, most: 1)
        await again.close()
        let (third, second) = try await scene.open()
        #expect(second.isUneventful, "\(second)")
        try await third.seal(source, lines: 3)
        try await expectWhole(third, source)
        #expect(try await third.segments(of: source.key).map(\.record.seq) == [1, 2, 3, 11, 12, 13, 14, 15])
        await third.close()
        let (fourth, last) = try await scene.open()
        #expect(last.isUneventful, "\(last)")
        try await expectWhole(fourth, source)
    }
}
