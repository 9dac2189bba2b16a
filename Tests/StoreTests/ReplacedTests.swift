import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

/// Objects that were put, and replaced before any manifest named them; then the catalog was lost.
@Suite("What no manifest has named")
struct ReplacedTests {
    private let scene: Scene
    private let far = FarEnd("far")

    init() throws { scene = try Scene() }

    private func opened() async throws -> Store {
        let (store, _) = try await scene.open()
        try await store.use([far.id])
        return store
    }

    private func withoutCatalog(_ store: Store, isUsed: Bool = true, isAsked: Bool = true) async throws -> Store {
        await store.close()
        for path in try Tree.files(scene.directory.path) where path.hasPrefix("catalog.db") {
            try Files.unlink("\(scene.directory.path)/\(path)")
        }
        let (next, _) = try await scene.open()
        if isUsed { try await next.use([far.id]) }
        if isAsked { try await resolve(next) }
        return next
    }

    /// Every store was asked, and none knows more.
    private func resolve(_ store: Store) async throws {
        for session in try await store.unresolved() { try await store.resolve(session.session) }
    }

    private func merge(_ store: Store, _ source: Source) async throws {
        let parts = try await store.mergeInput(of: source.key).segments
        _ = try await store.sealMerged(try source.merged(parts), replacing: parts.map(\.id))
    }

    /// All objects are listed or named as superseded once there is nothing more to do, and nothing is due sooner.
    private func expectNamed(_ store: Store, _ source: Source, listed: Int) async throws {
        let later = scene.time.wall
        let before = Set(far.objects.keys)
        #expect(try await store.supersededDue(before: later, at: far.id).isEmpty, "due before anything replaces them")
        #expect(
            try await store.manifestBasis(of: source.key.session, at: far.id).superseded.isEmpty,
            "named before what replaces them is listed")
        try await store.deliver(to: far)
        try await store.publish(to: far)
        let manifest = try #require(far.manifest)
        #expect(manifest.segments.count == listed)
        let names = Set(manifest.segments.map(\.path)), gone = manifest.superseded.map(\.path)
        #expect(names.isDisjoint(with: gone) && Set(gone).count == gone.count)
        // A file that was found may never have been put.
        #expect(names.union(gone).isSuperset(of: far.objects.keys))
        #expect(names.union(gone).isSuperset(of: before))
        #expect(try far.content() == source.bytes)
        #expect(try await store.supersededDue(before: later, at: far.id).map(\.path).sorted() == gone.sorted())
        for object in try await store.supersededDue(before: later, at: far.id) {
            try await store.recordDeleted(object, at: far.id)
        }
        #expect(try await store.supersededFirst(at: far.id) == nil)
        try await expectWhole(store, source)
    }

    @Test("is named when the merged segment is listed that the spool alone knows", arguments: [1, 2])
    func merged(_ rounds: Int) async throws {
        let source = try Source("ses_1", lines: 16)
        var store = try await opened()
        for round in 1...rounds {
            try await store.seal(source, lines: 2, most: 4)
            try await store.deliver(to: far)
            try await merge(store, source)
            if round < rounds { try await store.deliver(to: far) }
        }
        store = try await withoutCatalog(store)
        try await expectNamed(store, try Source("ses_1", lines: 8 * rounds), listed: 1)
    }

    /// Of a segment that is known from its file alone nobody knows where it was sent.
    @Test("is what was put and is joined after the loss", arguments: [true, false])
    func joinedLater(_ isUsed: Bool) async throws {
        let source = try Source("ses_1", lines: 8)
        var store = try await opened()
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far)
        store = try await withoutCatalog(store, isUsed: isUsed)
        try await merge(store, source)
        try await store.use([far.id])
        try await expectNamed(store, source, listed: 1)
    }

    @Test("is what was put after the copy of the catalog that came back")
    func older() async throws {
        let source = try Source("ses_1", lines: 12)
        var store = try await opened()
        try await store.seal(source, lines: 2, most: 4)
        await store.close()
        let older = scene.folder.path + "/older"
        try Tree.copy(scene.directory.path, to: older)
        (store, _) = try await scene.open()
        try await store.use([far.id])
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far)
        await store.close()
        try Files.rename("\(older)/catalog.db", to: scene.directory.catalog, replacing: true)
        (store, _) = try await scene.open()
        try await store.use([far.id])
        try await merge(store, source)
        try await expectNamed(store, source, listed: 1)
    }

    @Test("is passed on by a life that ends before it has put anything")
    func twice() async throws {
        let source = try Source("ses_1", lines: 12)
        var store = try await opened()
        try await store.seal(source, lines: 2, most: 4)
        try await store.deliver(to: far)
        try await merge(store, source)
        store = try await withoutCatalog(store)
        let cursor = try #require(try await store.cursor(of: source.key))
        try await store.setChain(source.chain(to: cursor.offset), of: source.key, generation: 1, offset: cursor.offset)
        try await store.seal(source, lines: 2)
        try await merge(store, source)
        store = try await withoutCatalog(store)
        try await expectNamed(store, source, listed: 1)
    }

    @Test("is the merged segment itself, where its parts are what a manifest lists")
    func covered() async throws {
        let source = try Source("ses_1", lines: 8)
        var store = try await opened()
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        try await store.retire(try await store.retirable(required: [far.id]))
        try await merge(store, source)
        try await store.deliver(to: far)
        store = try await withoutCatalog(store)
        _ = try await store.takeUp(try #require(far.manifest), at: far.id, as: .own)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        let manifest = try #require(far.manifest)
        #expect(manifest.segments.map(\.seq) == [4] && manifest.superseded.count == 4)
        #expect(Set((manifest.segments.map(\.path)) + manifest.superseded.map(\.path)) == Set(far.objects.keys))
    }

    @Test("is a line that had no end")
    func partial() async throws {
        var source = try Source("ses_1", bytes: Array("{\"n\":1}\n{\"n\":".utf8))
        var store = try await opened()
        try await store.seal(source, lines: 1)
        try await store.deliver(to: far)
        source.generations[0] += Array("2}\n".utf8)
        try await store.seal(source, lines: 1)
        store = try await withoutCatalog(store)
        try await expectNamed(store, source, listed: 2)
    }

    @Test("is left alone where it is listed again")
    func listedAgain() async throws {
        let source = try Source("ses_1", lines: 8)
        var store = try await opened()
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far)
        let before = try await store.manifestBasis(of: source.key.session, at: far.id).manifest
        try await merge(store, source)
        store = try await withoutCatalog(store, isAsked: false)
        // Its put was heard of by nobody: it lists the parts.
        _ = try await store.takeUp(before, at: far.id, as: .own)
        try await resolve(store)
        let basis = try await store.manifestBasis(of: source.key.session, at: far.id)
        #expect(basis.superseded.isEmpty && basis.streams[0].segments.map(\.seq) == [1, 2, 3, 4])
        try await expectNamed(store, source, listed: 1)
    }

    /// The manifest of a life that cut the same lines again under higher numbers, and put them.
    private func recut(_ manifest: Manifest, only count: Int = .max) -> Manifest {
        var next = manifest
        next.epoch += 1
        for index in manifest.segments.indices.prefix(count) {
            let old = manifest.segments[index]
            let name = "segments/session-\(SegmentRecord.padded(old.seq + 4))"
            next.segments[index].seq = old.seq + 4
            next.segments[index].path = name + old.path.dropFirst(name.utf8.count)
            far.put(next.segments[index].path, far.objects[old.path] ?? [])
        }
        next.activeSeq = manifest.activeSeq + 4
        next.superseded = manifest.segments.map {
            SupersededObject(path: $0.path, at: RFC3339.text(WallTime(nanoseconds: 0)))
        }
        return next
    }

    @Test("stays superseded by what took its place, though an older catalog has it")
    func olderCatalog() async throws {
        let source = try Source("ses_1", lines: 8)
        let store = try await opened()
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        let old = try #require(far.manifest)
        let manifest = recut(old)
        far.put(manifest)
        // A day later: what is superseded is gone.
        for object in manifest.superseded { far.delete(object.path) }
        let result = try await store.takeUp(manifest, at: far.id, as: .own)
        #expect(result.conflicts.isEmpty && result.doubts.isEmpty)
        try await store.wantManifests(of: source.key.session)
        try await store.publish(to: far)
        #expect(far.manifest?.segments.map(\.path) == manifest.segments.map(\.path))
        #expect(try far.content() == source.bytes)
        for object in try await store.supersededDue(before: scene.time.wall, at: far.id) {
            #expect(try await store.isSuperseded(object, at: far.id))
        }
        try await expectWhole(store, source)
    }

    @Test("is not deleted when it is listed, whatever a manifest says of it")
    func listedAndSuperseded() async throws {
        let source = try Source("ses_1", lines: 8)
        let store = try await opened()
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        // It names four as replaced, and has something in the place of one of them.
        var manifest = recut(try #require(far.manifest), only: 1)
        let paths = manifest.segments.map(\.path)
        manifest.segments.removeSubrange(1...)
        let session = source.key.session
        _ = try await store.takeUp(manifest, at: far.id, as: .own)
        try await store.wantManifests(of: session)
        try await store.publish(to: far)
        #expect(far.manifest?.segments.map(\.path) == paths)
        for path in paths {
            #expect(try await !store.isSuperseded(DueObject(session: session, path: path), at: far.id))
        }
        let due = try await store.supersededDue(before: scene.time.wall, at: far.id).map(\.path)
        #expect(due == Array(Set(manifest.superseded.map(\.path)).subtracting(paths)))
        #expect(try far.content() == source.bytes)
    }
}
