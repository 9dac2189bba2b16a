import Glibc
import LinuxSystem
import Segments
import Shared
import Store
import Synchronization
import TestSupport
import Testing

/// The disk lets nothing be removed from the spool, until it does: nobody has to start the daemon again for that.
@Suite("A file that could not be removed from the spool", .enabled(if: WatchedDisk.isThere))
final class LeftoverTests: Sendable {
    private let scene: Scene
    private let isBroken = Atomic<Bool>(false)

    init() throws { scene = try Scene() }

    private func live(_ body: (Store) async throws -> Void) async throws {
        let (store, _) = try await scene.open()
        let disk = WatchedDisk(scene.directory.path) { [self] call in
            let isIt = call.kind == .unlink && call.path.hasPrefix("spool/")
            return isIt && isBroken.load(ordering: .relaxed) ? .fails(EIO) : .done
        }
        defer { disk.end() }
        try await body(store)
        await store.close()
    }

    @Test("takes room, and is said, until it can be removed")
    func retired() async throws {
        try await live { store in
            let far = FarEnd("far")
            try await store.use([far.id])
            let source = try Source("ses_1", lines: 10)
            let ids = try await store.seal(source, lines: 1)
            try await store.deliver(to: far)
            try await store.publish(to: far)
            let full = store.spool.bytes
            isBroken.store(true, ordering: .relaxed)
            try await store.retire(ids)
            #expect((store.spool.leftovers, store.spool.bytes) == (10, full))
            #expect(scene.log.kinds.filter { $0 == .persistenceFailed }.count == 10)
            try await store.removeLeftovers()
            #expect((store.spool.leftovers, store.spool.bytes) == (10, full))
            // Each was said once.
            #expect(scene.log.kinds.filter { $0 == .persistenceFailed }.count == 10)
            isBroken.store(false, ordering: .relaxed)
            try await store.removeLeftovers()
            #expect((store.spool.leftovers, store.spool.bytes) == (0, 0))
            #expect(try scene.spoolFiles == [])
            // What follows is not taken for one of them.
            try await store.seal(try Source("ses_2", lines: 3), lines: 1)
            let bytes = store.spool.bytes
            try await store.removeLeftovers()
            #expect(try (scene.spoolFiles.count, store.spool.bytes) == (3, bytes))
        }
    }

    @Test("was never counted when its seal failed, and is removed all the same")
    func abandoned() async throws {
        try await live { store in
            let source = try Source("ses_1", lines: 2)
            let (segment, cursor) = try #require(try source.cut(nil, lines: 1))
            // Its folder cannot be made: a file is in the way.
            try Descriptor.open("\(scene.directory.spool)/ses_1", [.writeOnly, .create]).close()
            isBroken.store(true, ordering: .relaxed)
            await #expect(throws: StoreError.self) {
                try await store.seal(segment, advancing: cursor, source: source.info)
            }
            #expect((store.spool.leftovers, store.spool.bytes) == (1, 0))
            isBroken.store(false, ordering: .relaxed)
            try await store.removeLeftovers()
            #expect((store.spool.leftovers, store.spool.bytes) == (0, 0))
            try Files.unlink("\(scene.directory.spool)/ses_1")
            #expect(try scene.spoolFiles == [])
            try await store.seal(source, lines: 1)
            try await expectWhole(store, source)
        }
    }

    @Test("is the next start's when the store is closed: the spool may be another's then")
    func closed() async throws {
        let (store, _) = try await scene.open()
        await store.close()
        await #expect(throws: StoreError.self) { try await store.removeLeftovers() }
    }
}
