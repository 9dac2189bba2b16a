import LinuxSystem
import Segments
import Shared
import Store
import Testing

@Suite("Taking up a manifest")
struct TakeUpTests {
    private func published(_ count: Int) async throws -> (Source, FarEnd) {
        let scene = try Scene()
        defer { withExtendedLifetime(scene) {} }
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: count)
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        return (source, far)
    }

    @Test("a new state directory goes on where the store's manifest ends, and sends nothing again")
    func fresh() async throws {
        var (source, far) = try await published(6)
        let scene = try Scene()
        let (store, report) = try await scene.open()
        #expect(report.fresh)
        try await store.use([far.id])
        let manifest = try #require(far.manifest)
        let result = try await store.takeUp(manifest, at: far.id, as: .own)
        #expect(result.added == 3 && result.moved == [source.key] && result.isWhole)
        #expect(try await store.takeUp(manifest, at: far.id, as: .own).known == 3)
        #expect(try await store.nextDeliveries(to: far.id, limit: 9).isEmpty)
        #expect(try await store.publishable(to: far.id).isEmpty)
        #expect(try await store.evidence(of: source.key) != nil)
        let cursor = try #require(try await store.cursor(of: source.key))
        try await store.setChain(source.chain(to: cursor.offset), of: source.key, generation: 1, offset: cursor.offset)
        source.generations[0] += Source.lines(7...9, of: "x")
        try await store.seal(source, lines: 2)
        try await expectWhole(store, source)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(try far.content() == source.bytes)
        #expect(far.manifest?.segments.map(\.seq) == [1, 2, 3, 4, 5])
        #expect(far.manifest?.writer == manifest.writer)
        #expect(far.manifest?.epoch == manifest.epoch + 1)
    }

    @Test("a manifest of parts and one of the whole fit together, in either order", arguments: [true, false])
    func merged(_ wholeFirst: Bool) async throws {
        let (one, other) = (try Scene(), try Scene())
        defer { withExtendedLifetime((one, other)) {} }
        let (origin, _) = try await one.open()
        let (parts, whole) = (FarEnd("parts"), FarEnd("whole"))
        try await origin.use([parts.id, whole.id])
        let source = try Source("ses_1", lines: 8)
        try await origin.seal(source, lines: 2)
        try await origin.deliver(to: parts)
        try await origin.publish(to: parts)
        let segments = try await origin.mergeInput(of: source.key).segments
        _ = try await origin.sealMerged(try source.merged(segments), replacing: segments.map(\.id))
        try await origin.deliver(to: whole)
        try await origin.publish(to: whole)

        let (store, _) = try await other.open()
        try await store.use([parts.id, whole.id])
        for end in wholeFirst ? [whole, parts] : [parts, whole] {
            let result = try await store.takeUp(try #require(end.manifest), at: end.id, as: .own)
            #expect(result.conflicts.isEmpty)
        }
        try await expectWhole(store, source)
        #expect(try await store.segments(of: source.key).map(\.record.seq) == [4])
        let atParts = try await store.manifestBasis(of: source.key.session, at: parts.id)
        #expect(atParts.streams[0].segments.map(\.seq) == [1, 2, 3, 4])
        let atWhole = try await store.manifestBasis(of: source.key.session, at: whole.id)
        #expect(atWhole.streams[0].segments.map(\.seq) == [4])
        let next = try await store.nextDeliveries(to: parts.id, limit: 9)
        #expect(next.map(\.holders) == [[whole.id]])
        #expect(try await store.nextDeliveries(to: whole.id, limit: 9).isEmpty)
    }

    @Test("goes on behind another program's segments, and goes on listing them")
    func foreign() async throws {
        let theirs = try Source("ses_1", lines: 5)
        let size = theirs.bytes.count
        let text = """
            {"version":1,"sid":"ses_1","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z",
             "active_seq":3,"segments":[
              {"seq":1,"path":"segments/session-000001.jsonl.gz","first_ts":1,"last_ts":2,"lines":3,
               "bytes_uncompressed":\(size - 40),"bytes_gzip":10,"checksum":"sha256:\(theirs.chainDigest.hex)"},
              {"seq":2,"path":"segments/session-000002.jsonl.gz","first_ts":1,"last_ts":2,"lines":2,"bytes":40,
               "gzip_bytes":10,"checksum":"sha256:\(theirs.chainDigest.hex)","odd":[1]}],
             "checkpoints":[{"id":"c","seq":2,"line_idx":2,"ts":7}]}
            """
        let manifest = try JSONText.decode(Manifest.self, from: Array(text.utf8))
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = StoreID("far")
        try await store.use([far])
        let result = try await store.takeUp(manifest, at: far, as: .foreign)
        #expect(result.added == 2 && result.conflicts.isEmpty && result.isWhole)
        let cursor = try #require(try await store.cursor(of: theirs.key))
        #expect(cursor.offset == Int64(size) && cursor.line == 5 && cursor.nextSeq == 3)
        #expect(
            try await store.evidence(of: theirs.key)
                == .foreign(offset: Int64(size) - 40, bytes: 40, checksum: theirs.chainDigest))
        let source = try Source("ses_1", lines: 9)
        let id = try #require(try await store.seal(source, lines: 4).first)
        #expect(try await store.segment(id)?.record.seq == 3)
        #expect(try await store.segment(id)?.record.firstLine == 6)
        #expect(try await store.claim(id, for: far))
        try await store.record(receiptFor: id, at: far)
        let basis = try await store.manifestBasis(of: source.key.session, at: far)
        #expect(basis.streams[0].segments.map(\.seq) == [1, 2, 3])
        #expect(basis.streams[0].segments[1].extra["odd"] == .array([.integer(1)]))
        #expect(basis.streams[0].checkpoints.map(\.id) == ["c"])
        #expect(try await store.takeUp(manifest, at: far, as: .foreign).added == 0)
    }

    @Test("keeps what it does not know, and refuses what contradicts itself")
    func odd() async throws {
        let (source, far) = try await published(6)
        var manifest = try #require(far.manifest)
        manifest.activeSeq = 1
        manifest.extra["later"] = .string("feature")
        manifest.segments[0].extra["mark"] = .bool(true)
        manifest.segments[2].sourceOffset = manifest.segments[1].sourceOffset.map { $0 + 1 }
        manifest.streams["//"] = ManifestStream(kind: "x", agentID: nil, activeSeq: 2, segments: [], checkpoints: [])
        let scene = try Scene()
        defer { withExtendedLifetime(scene) {} }
        let (store, _) = try await scene.open()
        let result = try await store.takeUp(manifest, at: far.id, as: .own)
        #expect(result.conflicts.count == 2 && result.added == 2)
        let basis = try await store.manifestBasis(of: source.key.session, at: far.id)
        #expect(basis.extra["later"] == .string("feature"))
        #expect(basis.streams[0].segments[0].extra["mark"] == .bool(true))
        let cursor = try #require(try await store.cursor(of: source.key))
        #expect(cursor.nextSeq == 4 && cursor.line == 4)
    }

    @Test("lines that do not follow those before them are a conflict", arguments: 0..<6)
    func misplaced(_ wrong: Int) async throws {
        let (source, far) = try await published(6)
        var manifest = try #require(far.manifest)
        // Segments of two lines each: 1–2, 3–4, 5–6.
        let (entry, reason): (Int, String)
        switch wrong {
        case 0:
            manifest.segments[0].firstLine = 0
            (entry, reason) = (0, "lines are counted from 1")
        case 1:
            manifest.segments[0].firstLine = 2
            (entry, reason) = (0, "what is before it ends with line 0")
        case 2:
            manifest.segments[1].firstLine = 2
            (entry, reason) = (1, "what is before it ends with line 2")
        case 3:
            manifest.segments[1].firstLine = 4
            (entry, reason) = (1, "what is before it ends with line 2")
        case 4:
            manifest.segments[0].lines = 3
            (entry, reason) = (1, "what is before it ends with line 3")
        default:
            manifest.segments[1].partial = true
            (entry, reason) = (1, "a line without its end")
        }
        let scene = try Scene()
        defer { withExtendedLifetime(scene) {} }
        let (store, _) = try await scene.open()
        let result = try await store.takeUp(manifest, at: far.id, as: .own)
        let conflict = try #require(result.conflicts.first)
        #expect(conflict.hasPrefix(manifest.segments[entry].path) && conflict.contains(reason), "\(conflict)")
        #expect(result.conflicts.count == 1 && result.added == entry)
        #expect(try await store.segments(of: source.key).count == entry)
    }

    /// A store that goes on elsewhere, with lines of which an older copy of its state directory knows nothing.
    private func goneOn(_ most: Int, _ lines: Int) async throws -> (Scene, Source, Manifest) {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        var source = try Source("ses_1", lines: 4)
        try await store.seal(source, lines: 4)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        let older = try scene.copy("older")
        source.generations[0] += Source.lines(5...10, of: "ses_1")
        try await store.seal(source, lines: lines, most: most)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        return (older, source, try #require(far.manifest))
    }

    @Test(
        "other lines in the same place are a conflict, and both stay what they are",
        arguments: [(6, 6), (3, 6), (6, 3), (6, 2)])
    func others(_ theirs: Int, _ ours: Int) async throws {
        let (older, source, manifest) = try await goneOn(1, theirs)
        let (store, _) = try await older.open()
        let far = StoreID("far")
        var mine = source
        mine.generations[0] = Source.lines(1...4, of: "ses_1") + Source.lines(5...10, of: "ses_2")
        try await store.seal(mine, lines: ours)
        let before = try await store.segments(of: source.key)
        let result = try await store.takeUp(manifest, at: far, as: .own)
        // Of equal ranges the digests tell; else somebody has to read.
        #expect(result.conflicts.count == (theirs == ours ? 1 : 0) && result.doubts.count == (theirs == ours ? 0 : 1))
        #expect(result.added == 0)
        #expect(try await store.segments(of: source.key) == before)
        try await expectWhole(store, mine)
        guard let doubt = result.doubts.first else { return }
        #expect(doubt.entry.objectPath == manifest.segments.last?.path)
        let isInOurs = theirs < ours
        #expect((doubt.holder == .entry) == !isInOurs)
        #expect(doubt.parts == (isInOurs ? [doubt.entry] : before.dropFirst().map(\.record)))
    }

    @Test("the same lines, cut in another way, are taken up when they were read", arguments: [(3, 6), (6, 3), (6, 2)])
    func sameLines(_ theirs: Int, _ ours: Int) async throws {
        let (older, source, manifest) = try await goneOn(1, theirs)
        let (store, _) = try await older.open()
        try await store.seal(source, lines: ours)
        let far = StoreID("far")
        let doubts = try await store.takeUp(manifest, at: far, as: .own).doubts
        let same = Set(doubts.map(\.entry.objectPath))
        if theirs == 6 {
            // The manifest's digest of all is ours.
            #expect(doubts.isEmpty)
        } else {
            #expect(same.count == 1)
        }
        let result = try await store.takeUp(manifest, at: far, as: .own, same: same)
        #expect(result.conflicts.isEmpty && result.doubts.isEmpty)
        try await expectWhole(store, source)
        #expect(try await store.segments(of: source.key).count == 2)
    }
}
