import Glibc
import LinuxSystem
import Shared
import Store
import Synchronization
import TestSupport
import Testing

@Suite("Syncing what comes to the store together")
struct SyncingTests {
    @Test("syncs on many threads what arrives together, and refuses that alone which cannot be")
    func syncsTogether() async throws {
        let scene = try Scene()
        let syncs = FailingSyncs()
        let (store, _) = try await Store.open(
            scene.directory, executor: scene.lane, time: scene.time, random: scene.random, log: scene.log, syncs: syncs)
        let sources = try (1...40).map { try Source("ses_\($0)", lines: 1) }
        let refused = await withTaskGroup(of: Int.self) { group in
            for source in sources {
                group.addTask {
                    do {
                        try await store.seal(source, lines: 1)
                        return 0
                    } catch {
                        return (error as? StoreError)?.code == .io ? 1 : 1_000
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(refused > 0 && refused < 40, "\(refused)")
        #expect(try await store.sessions().count == 40 - refused)
        #expect(try scene.spoolFiles.count == 40 - refused)
        syncs.mend()
        for source in sources {
            try await store.seal(source, lines: 1)
            try await expectWhole(store, source)
        }
    }
}

/// Every fifth file of a batch cannot be made durable, until that is mended.
private final class FailingSyncs: Syncing {
    private let threads = SyncThreads(names: "sync", most: 3)
    private let isMended = Mutex(false)
    private let files = Mutex(0)

    func mend() { isMended.withLock { $0 = true } }

    func sync(_ targets: [SyncTarget]) -> [SystemError?] {
        let results = threads.sync(targets)
        guard isMended.withLock({ !$0 }) else { return results }
        return zip(targets, results).map { target, result in
            guard !target.isDirectory else { return result }
            let number = files.withLock {
                $0 += 1
                return $0
            }
            return number % 5 == 0 ? SystemError("fsync", path: target.path, code: EIO) : result
        }
    }
}
