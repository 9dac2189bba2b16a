import Glibc
import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

@Suite("A segment whose file a start does not find")
struct LostSegmentsTests {
    @Test("a segment whose file is gone and that no store has is cut again under another number")
    func missing() async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
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

    @Test("are not given up while the spool itself is not where it was")
    func spoolAway() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 4)
        let ids = try await store.seal(source, lines: 2)
        let (spool, aside) = (scene.directory.spool, "\(scene.directory.path)/away")
        try Files.rename(spool, to: aside, replacing: false)
        // Nothing is there, or another directory: both say nothing of the file.
        for isThere in [false, true] {
            if isThere { try Files.makeDirectories(spool) }
            await #expect(throws: StoreError.self) {
                try await store.forsake(ids[0], for: far.id, because: "it is gone")
            }
        }
        #expect(try Files.removeDirectory(spool))
        try Files.rename(aside, to: spool, replacing: false)
        // Whoever read while it was away may come when it is back.
        #expect(try await store.forsake(ids[0], for: far.id, because: "it is gone") == .found)
        #expect(try await store.nextDeliveries(to: far.id, limit: 9).map(\.id) == ids)
        try await expectWhole(store, source)
        let path = "\(spool)/\(try scene.spoolFiles[0])"
        try Files.unlink(path)
        #expect(try await store.forsake(ids[0], for: far.id, because: "it is gone") == .lost(file: nil))
    }

    /// Nobody heard what became of the put, so the object may be there, or not.
    private func tried(_ scene: Scene, at ends: [FarEnd]) async throws -> (source: Source, path: String) {
        let (store, _) = try await scene.open()
        try await store.use(ends.map(\.id))
        let source = try Source("ses_1", lines: 6)
        let ids = try await store.seal(source, lines: 3)
        for end in ends { #expect(try await store.claim(ids[0], for: end.id)) }
        await store.close()
        return (source, try #require(try scene.spoolFiles.first))
    }

    @Test("is put everywhere when its file is back, whether a gap was noted or not", arguments: [false, true])
    func back(isGap: Bool) async throws {
        let scene = try Scene()
        let far = FarEnd("far")
        let (source, path) = try await tried(scene, at: [far])
        let (place, aside) = ("\(scene.directory.spool)/\(path)", "\(scene.directory.path)/aside")
        try Files.rename(place, to: aside, replacing: false)
        var (store, report) = try await scene.open()
        #expect(report.missing.count == 1)
        if isGap { try await store.recordGap(report.missing[0], reason: "the source is gone") }
        await store.close()
        try Files.rename(aside, to: place, replacing: false)
        (store, report) = try await scene.open()
        #expect(report.adopted.count == 1)
        try await store.use([far.id])
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(try far.content() == source.bytes)
    }

    @Test("is put in the other stores when one turns out to have it", arguments: [false, true])
    func heldElsewhere(isGap: Bool) async throws {
        let scene = try Scene()
        let ends = [FarEnd("one"), FarEnd("other")]
        let (source, path) = try await tried(scene, at: ends)
        // One has all of it, by a life that nobody remembers.
        let elder = try scene.copy("elder")
        let (old, _) = try await elder.open()
        try await old.use([ends[0].id])
        try await old.deliver(to: ends[0])
        try await old.publish(to: ends[0])
        await old.close()
        try Files.unlink("\(scene.directory.spool)/\(path)")
        let (store, report) = try await scene.open()
        #expect(report.missing.count == 1)
        try await store.use(ends.map(\.id))
        if isGap { try await store.recordGap(report.missing[0], reason: "the source is gone") }
        _ = try await store.takeUp(try #require(ends[0].manifest), at: ends[0].id, as: .own)
        let waiting = try await store.nextDeliveries(to: ends[1].id, limit: 9)
        #expect(waiting.map(\.record.seq) == [1, 2] && waiting[0].holders == [ends[0].id])
        try await expectWhole(store, source)
    }

    @Test("is taken back when the store that had it does not have it any more")
    func onlyCopy() async throws {
        let scene = try Scene()
        let far = FarEnd("far")
        let (source, path) = try await tried(scene, at: [far])
        let (place, aside) = ("\(scene.directory.spool)/\(path)", "\(scene.directory.path)/aside")
        var (store, report) = try await scene.open()
        try await store.use([far.id])
        try await store.deliver(to: far)
        try await store.publish(to: far)
        await store.close()
        try Files.rename(place, to: aside, replacing: false)
        (store, report) = try await scene.open()
        #expect(report.fetchable.count == 2 || report.fetchable.count == 1)
        let first = try #require(try await store.segments(of: source.key).first)
        far.delete(first.record.objectPath)
        #expect(try await store.note(.missing, of: first.id, at: far.id) == false)
        await store.close()
        try Files.rename(aside, to: place, replacing: false)
        (store, report) = try await scene.open()
        #expect(report.adopted == [first.id])
        try await store.use([far.id])
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(try far.content() == source.bytes)
        #expect(try await store.sessions().first?.lines == 6)
    }

    @Test("is cut again when the source is back, though a gap was noted")
    func reopened() async throws {
        let scene = try Scene()
        let far = FarEnd("far")
        let (source, path) = try await tried(scene, at: [far])
        try Files.unlink("\(scene.directory.spool)/\(path)")
        let (store, report) = try await scene.open()
        try await store.use([far.id])
        try await store.recordGap(try #require(report.missing.first), reason: "the source is gone")
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(far.manifest?.gaps.count == 1)
        #expect(try await !store.reopenGaps(of: source.key, generation: 2))
        #expect(try await store.reopenGaps(of: source.key, generation: 1))
        #expect(try await !store.reopenGaps(of: source.key, generation: 1))
        #expect(try await store.cursor(of: source.key)?.offset == 0)
        try await store.seal(source, lines: 3)
        try await expectWhole(store, source)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(try far.content() == source.bytes)
        #expect(far.manifest?.gaps.isEmpty == true)
    }
}
