import Glibc
import LinuxSystem
import Segments
import Shared
import Store
import Synchronization
import TestSupport
import Testing

/// The power goes after any system call of the store's, SQLite's among them. `WatchedDisk` sees each, `DiskImage` says
/// what the disk may hold then, the real recovery boots it, and work goes on from there to its end.
@Suite("The store, when the power goes", .enabled(if: WatchedDisk.isThere))
struct PowerLossTests {
    /// What was promised at some moment, and what the disk was like.
    private struct Moment {
        var image: DiskImage
        var end: FarEnd
        /// By source: bytes that a seal has answered for.
        var promised: [Int]
    }

    /// Ten times as many with `make soak`.
    private static let seeds: ClosedRange<UInt64> = 1...(getenv("UPLOADER_SOAK") == nil ? 4 : 40)

    @Test("keeps what was synced in a folder that was removed and made again", arguments: 1...20)
    func folderAgain(_ seed: UInt64) throws {
        let scratch = try Scratch("disk")
        let root = scratch("root")
        try Files.makeDirectories(root)
        let image = Mutex(DiskImage())
        let disk = WatchedDisk(root, rule: { _ in .done }, seen: { call in image.withLock { $0.note(call) } })
        for name in ["one", "two"] {
            for folder in ["a", "a/b"] { try Files.makeDirectory("\(root)/\(folder)") }
            try Files.writeDurably(Array(name.utf8), to: "\(root)/.tmp")
            try Files.rename("\(root)/.tmp", to: "\(root)/a/b/\(name)", replacing: false)
            for folder in ["/a/b", "", "/a"] { try Files.syncDirectory(root + folder) }
            // Not synced: the power may bring it back.
            guard name == "one" else { break }
            try Files.unlink("\(root)/a/b/one")
            _ = try Files.removeDirectory("\(root)/a/b")
            _ = try Files.removeDirectory("\(root)/a")
        }
        disk.end()
        try image.withLock { image in try image.restore(to: scratch("left"), SeededRandom(seed)) }
        #expect(try Tree.files(scratch("left")) == ["a/b/two"])
    }

    @Test("keeps what was synced in a folder that was there before and empty")
    func emptyFolder() throws {
        let scratch = try Scratch("disk")
        let root = scratch("root")
        try Files.makeDirectories("\(root)/a/b")
        let image = Mutex(try DiskImage(holding: root))
        let disk = WatchedDisk(root, rule: { _ in .done }, seen: { call in image.withLock { $0.note(call) } })
        try Files.writeDurably(Array("one".utf8), to: "\(root)/a/b/one")
        disk.end()
        try image.withLock { image in try image.restore(to: scratch("left"), SeededRandom(1)) }
        #expect(try Tree.files(scratch("left")) == ["a/b/one"])
    }

    @Test("has every byte that it answered for, and goes on", arguments: seeds)
    func anyCall(seed: UInt64) async throws {
        print("seed \(seed)")
        let random = TestSupport.SeededRandom(seed)
        let scene = try Scene(seed: seed)
        let moments = Mutex<[Moment]>([])
        let image = Mutex(DiskImage())
        let end = Mutex(FarEnd("far"))
        let sources = Mutex(try (1...3).map { try Source("ses_\($0)", lines: 1 + random.below(4)) })
        let promised = Mutex([0, 0, 0])
        let calls = Mutex(0)
        let first = random.below(12)
        // Power may go after each call. Every twelfth is enough for one seed, and each seed has others.
        let disk = WatchedDisk(
            scene.directory.path,
            seen: { call in
                image.withLock { $0.note(call) }
                guard call.kind != .read,
                    calls.withLock({
                        $0 += 1; return $0 % 12 == first
                    })
                else { return }
                moments.withLock {
                    $0.append(
                        Moment(
                            image: image.withLock { $0 }, end: FarEnd(copying: end.withLock { $0 }),
                            promised: promised.withLock { $0 }))
                }
            })
        let (store, _) = try await scene.open()
        let far = end.withLock { $0 }
        try await store.use([far.id])
        for step in 0..<40 {
            let index = random.below(3)
            switch random.below(6) {
            case 0, 1:
                let lines = Source.lines(step...step + random.below(5), of: "s\(step)")
                sources.withLock { $0[index].generations[0] += lines }
            case 2, 3:
                let source = sources.withLock { $0[index] }
                while true {
                    guard try await !store.seal(source, lines: 1 + random.below(3), most: 1).isEmpty else { break }
                    let offset = try await store.cursor(of: source.key)?.offset ?? 0
                    promised.withLock { $0[index] = Int(offset) }
                }
            case 4:
                try await store.deliver(to: far, most: 1 + random.below(4))
                if random.percent(60) { try await store.publish(to: far) }
            default: try await store.retire(try await store.retirable(required: [far.id]))
            }
        }
        await store.close()
        disk.end()
        let all = sources.withLock { $0 }
        let found = moments.withLock { $0 }
        #expect(found.count > 20)
        #expect(found.contains { $0.image.doubts > 0 })
        for (number, moment) in found.enumerated() {
            try await boot(moment, all, in: scene, "seed \(seed), moment \(number)", number, random)
        }
    }

    private func boot(
        _ moment: Moment, _ sources: [Source], in old: Scene, _ what: Comment, _ number: Int,
        _ random: TestSupport.SeededRandom
    ) async throws {
        let scene = try Scene("after-\(number)", in: old.folder, seed: random.next())
        try moment.image.restore(to: scene.directory.path, random)
        let (store, report) = try await scene.open()
        #expect(report.missing.isEmpty && report.refused.isEmpty && report.unresolved.isEmpty, what)
        for (index, source) in sources.enumerated() {
            let offset = try await store.cursor(of: source.key)?.offset ?? 0
            #expect(Int(offset) >= moment.promised[index], what)
            try await expectWhole(store, source)
        }
        // Whatever the far end has got is claimed, put and listed again, or was never claimed.
        let end = moment.end
        try await store.use([end.id])
        for source in sources { try await store.seal(source, lines: 2) }
        try await store.deliver(to: end)
        try await store.publish(to: end)
        try await store.retire(try await store.retirable(required: [end.id]))
        for source in sources {
            try await expectWhole(store, source)
            let manifest = try await store.manifestBasis(of: source.key.session, at: end.id).manifest
            #expect(manifest.segments.flatMap { end.objects[$0.path] ?? [] } == source.bytes, what)
        }
        #expect(try scene.spoolFiles.isEmpty, what)
        await store.close()
        Tree.remove(scene.directory.path)
    }
}
