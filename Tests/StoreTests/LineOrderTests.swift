import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

@Suite("A store that takes lines in order")
struct LineOrderTests {
    private static func scene(
        _ body: (Store, StoreID) async throws -> Void
    ) async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = StoreID("far")
        try await store.use([far])
        try await store.takesLines(far)
        try await body(store, far)
    }

    private static func next(
        _ store: Store, _ far: StoreID, _ excluding: Set<SegmentID> = []
    ) async throws -> [SegmentID] {
        try await store.nextDeliveries(to: far, limit: 9, excluding: excluding).map(\.id)
    }

    @Test("gets one segment of a stream at a time, and the next when it has that")
    func oneAtATime() async throws {
        try await Self.scene { store, far in
            let ids = try await store.seal(Source("ses_1", lines: 3), lines: 1)
            let agents = try await store.seal(Source("ses_1", "agents/a", lines: 2), lines: 1)
            #expect(try await Self.next(store, far) == [ids[0], agents[0]])
            // On its way, or refused: nothing passes it.
            #expect(try await Self.next(store, far, [ids[0]]) == [agents[0]])
            #expect(try await store.claim(ids[0], for: far))
            #expect(try await Self.next(store, far, [ids[0]]) == [agents[0]])
            #expect(try await Self.next(store, far) == [agents[0]])
            try await store.record(receiptFor: ids[0], at: far)
            #expect(try await Self.next(store, far) == [ids[1], agents[0]])
        }
    }

    @Test("gets what was joined where its lines come, not where its row does")
    func joined() async throws {
        try await Self.scene { store, far in
            let source = try Source("ses_1", lines: 4)
            let ids = try await store.seal(source, lines: 1)
            let parts = Array(try await store.mergeInput(of: source.key).segments.prefix(2))
            let whole = try await store.sealMerged(try source.merged(parts), replacing: [ids[0], ids[1]])
            #expect(try await Self.next(store, far) == [whole])
            #expect(try await store.claim(whole, for: far))
            try await store.record(receiptFor: whole, at: far)
            #expect(try await Self.next(store, far) == [ids[2]])
        }
    }

    @Test("gets a last line without its end when its file is gone; until then that is nothing that waits")
    func partial() async throws {
        let folder = try Scratch("source")
        try await Self.scene { store, far in
            var source = try Source("ses_1", bytes: Array("{\"a\":1}\n{\"b\"".utf8))
            source.info.root = folder("root")
            try Files.makeDirectories(folder("root/ses_1"))
            let path = folder("root/ses_1/main")
            try Files.writeDurably(source.bytes, to: path)
            let ids = try await store.seal(source, lines: 1)
            try #require(ids.count == 2)
            #expect(try await store.claim(ids[0], for: far))
            try await store.record(receiptFor: ids[0], at: far)
            #expect(try await Self.next(store, far) == [])
            #expect(try await store.backlog(at: far).segments == 0)
            #expect(try await store.isDelivered(upTo: ids[1], to: far, besides: []))
            // Another kind of store gets it at once.
            let other = StoreID("other")
            try await store.use([far, other])
            #expect(try await Self.next(store, other) == ids)
            #expect(try await store.backlog(at: other).segments == 2)
            try Files.unlink(path)
            #expect(try await Self.next(store, far) == [ids[1]])
        }
    }

    @Test("gets again what it lost, if that is anywhere")
    func recalled() async throws {
        try await Self.scene { store, far in
            let source = try Source("ses_1", lines: 3)
            let ids = try await store.seal(source, lines: 1)
            for id in ids.prefix(2) {
                #expect(try await store.claim(id, for: far))
                try await store.record(receiptFor: id, at: far)
            }
            let last = try #require(try await store.segment(ids[2])).record
            #expect(try await store.recall(2...2, before: last, at: far) == .waiting)
            #expect(try await Self.next(store, far) == [ids[1]])
            // One that no spool and no store has.
            let basis = try await store.manifestBasis(of: source.key.session, at: far)
            try await store.recordManifest(basis, digest: last.checksum)
            try await store.retire([ids[0]])
            #expect(try await store.recall(1...2, before: last, at: far) == .nowhere)
        }
    }
}
