import LinuxSystem
import Segments
import Shared
import Store
import Testing

@Suite("Merging in the store")
struct MergeTests {
    @Test("looks at a stream again when one segment was added")
    func candidates() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        var source = try Source("ses_1", lines: 1)
        try await store.seal(source, lines: 1)
        // The first one has nothing to be joined with.
        #expect(try await store.mergeCandidates().isEmpty)
        for number in 2...4 {
            source.generations[0] += Source.lines(number...number, of: "ses_1")
            try await store.seal(source, lines: 1)
            #expect(try await store.mergeCandidates() == [source.key])
            try await store.settleMerge(of: source.key, try await store.mergeInput(of: source.key))
            #expect(try await store.mergeCandidates().isEmpty)
        }
        let parts = try await store.mergeInput(of: source.key).segments
        _ = try await store.sealMerged(try source.merged(parts), replacing: parts.map(\.id))
        source.generations[0] += Source.lines(5...5, of: "ses_1")
        try await store.seal(source, lines: 1)
        #expect(try await store.mergeCandidates() == [source.key])
        await store.close()
    }

    @Test("looks at a stream again whose partial line has become a whole one, which may be joined")
    func completed() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        var source = try Source("ses_1", bytes: Source.lines(1...2, of: "a") + Array("{\"n\":".utf8))
        try await store.seal(source, lines: 2)
        let seen = try await store.mergeInput(of: source.key)
        #expect(seen.segments.map(\.record.partial) == [false, true])
        try await store.settleMerge(of: source.key, seen)
        #expect(try await store.mergeCandidates().isEmpty)
        source.generations[0] += Array("3}\n".utf8)
        try await store.seal(source, lines: 2)
        #expect(try await store.mergeCandidates() == [source.key])
        // What was looked at is not all that is there.
        let old = try await store.mergeInput(of: source.key)
        source.generations[0] += Source.lines(4...4, of: "a")
        try await store.seal(source, lines: 1)
        try await store.settleMerge(of: source.key, old)
        #expect(try await store.mergeCandidates() == [source.key])
        await store.close()
    }

    @Test("the whole replaces its parts where it is delivered; where it is not they stay listed")
    func merge() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 12)
        let ids = try await store.seal(source, lines: 2)
        #expect(try await store.mergeCandidates() == [source.key])
        try await store.deliver(to: far, most: 3)
        try await store.publish(to: far)
        let input = try await store.mergeInput(of: source.key)
        #expect(input.segments.map(\.id) == ids && !input.isEnded)
        let parts = Array(input.segments[1...4])
        let wrong = try source.merged(parts)
        let error = await #expect(throws: StoreError.self) {
            try await store.sealMerged(wrong, replacing: parts.dropLast().map(\.id))
        }
        #expect(error?.code == .stale)
        #expect(try scene.spoolFiles.count == 6)
        let whole = try await store.sealMerged(try source.merged(parts), replacing: parts.map(\.id))
        #expect(try scene.spoolFiles.count == 3)
        try await expectWhole(store, source)
        #expect(try await store.segments(of: source.key).map(\.record.seq) == [1, 5, 6])
        try await store.settleMerge(of: source.key, try await store.mergeInput(of: source.key))
        #expect(try await store.mergeCandidates().isEmpty)

        // The store has 1 2 3: these are what a manifest goes on listing.
        let basis = try await store.manifestBasis(of: source.key.session, at: far.id)
        #expect(basis.streams[0].segments.map(\.seq) == [1, 2, 3] && basis.superseded.isEmpty)
        #expect(try await store.nextDeliveries(to: far.id, limit: 9).map(\.id) == [ids[5], whole])
        #expect(try await !store.claim(parts[3].id, for: far.id))
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(far.manifest?.segments.map(\.seq) == [1, 5, 6])
        #expect(far.manifest?.superseded.count == 2)
        #expect(try far.content() == source.bytes)

        #expect(try await store.supersededDue(before: WallTime(seconds: 0), at: far.id).isEmpty)
        scene.time.move(by: 86_400)
        let due = try await store.supersededDue(before: scene.time.wall, at: far.id)
        let session = source.key.session
        #expect(due == parts.prefix(2).map { DueObject(session: session, path: $0.record.objectPath) })
        for object in due {
            far.delete(object.path)
            try await store.recordDeleted(object, at: far.id)
        }
        #expect(try await store.supersededDue(before: scene.time.wall, at: far.id).isEmpty)
        try await store.publish(to: far)
        #expect(far.manifest?.superseded.isEmpty == true)
        #expect(try far.content() == source.bytes)
        await store.close()
        let (again, report) = try await scene.open()
        #expect(report.isUneventful)
        try await expectWhole(again, source)
        try await again.retire(try await again.retirable(required: [far.id]))
        #expect(try scene.spoolFiles.isEmpty)
    }

    @Test("what is replaced is remembered without a catalog, and only what can be a segment's object is deleted")
    func supersededTakenUp() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 8)
        let parts = try await publishedAndMerged(source, store, far)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        await store.close()
        var manifest = try #require(far.manifest)
        #expect(Set(manifest.superseded.map(\.path)) == Set(parts.map(\.record.objectPath)))
        let at = manifest.superseded[0].at
        manifest.superseded += [
            "manifest.json", "../ses_2/segments/session-000001-0123456789abcdef.jsonl.gz",
            "streams/../segments/session-000001-0123456789abcdef.jsonl.gz", "segments/session-000001.jsonl.gz",
            manifest.segments[0].path,
        ].map { SupersededObject(path: $0, at: at) }

        let elsewhere = try Scene()
        let (again, _) = try await elsewhere.open()
        try await again.use([far.id])
        _ = try await again.takeUp(manifest, at: far.id, as: .own)
        let session = source.key.session
        #expect(try await again.supersededFirst(at: far.id) == RFC3339.parse(at))
        let due = try await again.supersededDue(before: elsewhere.time.wall, at: far.id)
        #expect(
            Set(due) == Set(parts.map { DueObject(session: session, path: $0.record.objectPath) }))
        #expect(
            try await again.manifestBasis(of: session, at: far.id).superseded.count == parts.count)
    }

    @Test("when the whole is lost and stores have the parts, these are listed again")
    func lostWhole() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 8)
        _ = try await publishedAndMerged(source, store, far)
        await store.close()
        try Files.unlink("\(scene.directory.spool)/\(try scene.spoolFiles[0])")
        let (again, report) = try await scene.open()
        #expect(report.missing.isEmpty)
        try await expectWhole(again, source)
        try await again.publish(to: far)
        #expect(far.manifest?.segments.map(\.seq) == [1, 2, 3, 4])
        #expect(try await again.sessions().first?.lines == 8)
    }

    /// Segments of two lines each are at the far end, and joined here.
    private func publishedAndMerged(_ source: Source, _ store: Store, _ far: FarEnd) async throws -> [StoredSegment] {
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        let parts = try await store.mergeInput(of: source.key).segments
        _ = try await store.sealMerged(try source.merged(parts), replacing: parts.map(\.id))
        return parts
    }

    @Test("when the rows are lost, a merged file is taken up in place of its parts")
    func rolledBack() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let source = try Source("ses_1", lines: 8)
        try await store.seal(source, lines: 2)
        await store.close()
        let old = try Files.readAll(scene.directory.catalog)
        let (newer, _) = try await scene.open()
        let parts = try await newer.mergeInput(of: source.key).segments
        _ = try await newer.sealMerged(try source.merged(parts), replacing: parts.map(\.id))
        await newer.close()
        try Files.writeDurably(old, to: scene.directory.catalog)
        let (again, report) = try await scene.open()
        #expect(report.adopted.count == 1 && report.missing.isEmpty, "\(report)")
        try await expectWhole(again, source)
        #expect(try await again.segments(of: source.key).map(\.record.seq) == [4])
        #expect(try await again.evidence(of: source.key) == nil)
    }

    @Test("a checkpoint at the end of the parts moves with its line")
    func checkpoint() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let compacted = Array("{\"type\":\"compacted\",\"payload\":{\"label\":\"x\"}}\n".utf8)
        let source = try Source("ses_1", bytes: Source.lines(1...3, of: "a") + compacted)
        try await store.seal(source, lines: 2)
        let parts = try await store.mergeInput(of: source.key).segments
        let last = try await store.mergeInput(of: source.key).checkpoints.last
        _ = try await store.sealMerged(try source.merged(parts, checkpoint: last), replacing: parts.map(\.id))
        try await store.deliver(to: far)
        let basis = try await store.manifestBasis(of: source.key.session, at: far.id)
        #expect(basis.streams[0].checkpoints.map(\.seq) == [2])
        #expect(basis.streams[0].checkpoints.map(\.lineIndex) == [4])
    }
}
