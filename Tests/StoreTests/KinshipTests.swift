import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

/// The whole state directory was lost, and lines were cut anew before the store that has them could be read.
@Suite("A manifest of an earlier life")
struct KinshipTests {
    let far = FarEnd("far")

    /// What a life put: eight lines, so many in each segment.
    private func life(cutting lines: Int) async throws -> Manifest {
        let scene = try Scene(seed: UInt64(100 + lines))
        defer { withExtendedLifetime(scene) {} }
        let (store, _) = try await scene.open()
        try await store.use([far.id])
        try await store.seal(try Source("ses_1", lines: 8), lines: lines)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        return try #require(far.manifest)
    }

    /// A life that knew nothing of it, and got this far.
    private func anew(
        _ source: Source, cutting lines: Int, isCatalogLost: Bool, _ body: (Store) async throws -> Void
    ) async throws {
        let scene = try Scene(seed: 1)
        defer { withExtendedLifetime(scene) {} }
        var (store, _) = try await scene.open()
        try await store.seal(source, lines: lines)
        if isCatalogLost {
            await store.close()
            for name in try Tree.files(scene.directory.path) where name.hasPrefix("catalog.db") {
                try Files.unlink("\(scene.directory.path)/\(name)")
            }
            (store, _) = try await scene.open()
            #expect(try await store.unresolved().map(\.session) == [source.key.session])
        }
        try await store.use([far.id])
        try await body(store)
    }

    @Test(
        "that lists the same lines cut otherwise is taken up when they were read", arguments: [(2, 8), (8, 2)],
        [true, false])
    func read(_ cuts: (theirs: Int, ours: Int), _ isCatalogLost: Bool) async throws {
        var manifest = try await life(cutting: cuts.theirs)
        // Without the digest of all that it lists somebody has to read.
        manifest.chain = nil
        let source = try Source("ses_1", lines: 8)
        try await anew(source, cutting: cuts.ours, isCatalogLost: isCatalogLost) { store in
            let before = try await store.segments(of: source.key)
            var same: Set<String> = []
            var result = try await store.takeUp(manifest, at: far.id, as: .own)
            while !result.doubts.isEmpty {
                #expect(result.standing == .unfit && result.conflicts.isEmpty)
                #expect(try await store.segments(of: source.key) == before)
                same.formUnion(result.doubts.map(\.entry.objectPath))
                result = try await store.takeUp(manifest, at: far.id, as: .own, same: same)
            }
            #expect(same.count == 8 / cuts.theirs)
            #expect(result.standing == .own && result.conflicts.isEmpty)
            #expect(try await store.writer(of: source.key.session) == manifest.writer)
        }
    }

    /// What cannot be: lines that overlap, and a number that stands for other lines.
    @Test(
        "that does not fit is another writer's, and changes nothing", arguments: [(3, 4), (4, 3), (1, 2)],
        [true, false])
    func unfit(_ cuts: (theirs: Int, ours: Int), _ isCatalogLost: Bool) async throws {
        let manifest = try await life(cutting: cuts.theirs)
        let source = try Source("ses_1", lines: 8)
        try await anew(source, cutting: cuts.ours, isCatalogLost: isCatalogLost) { store in
            let session = source.key.session
            let before = try await store.segments(of: source.key)
            let result = try await store.takeUp(manifest, at: far.id, as: .own)
            #expect(result.standing == .unfit && result.conflicts.count == 1)
            #expect(try await store.segments(of: source.key) == before)
            if isCatalogLost { try await store.resolve(session) }
            #expect(try await store.unresolved().isEmpty)
            let ours = try await store.writer()
            #expect(try await store.writer(of: session) == ours)
            #expect(try await store.writer(of: session) != manifest.writer)
            // All of it is put: nothing that is known says that the store has it.
            #expect(try await store.nextDeliveries(to: far.id, limit: 9).count == before.count)
        }
    }

    @Test("that fits is the session's, and the other one another writer's")
    func oneOfTwo() async throws {
        let (longer, fitting) = (try await life(cutting: 3), try await life(cutting: 2))
        let source = try Source("ses_1", lines: 8)
        try await anew(source, cutting: 2, isCatalogLost: true) { (store: Store) async throws in
            #expect(try await store.takeUp(longer, at: far.id, as: .own).standing == .unfit)
            #expect(try await store.takeUp(fitting, at: far.id, as: .own).standing == .own)
            #expect(try await store.takeUp(longer, at: far.id, as: .own).standing == .another)
            #expect(try await store.writer(of: source.key.session) == fitting.writer)
            #expect(try await store.nextDeliveries(to: far.id, limit: 9).isEmpty)
        }
    }
}
