import LinuxSystem
import Segments
import Shared
import Store
import Synchronization
import TestSupport
import Testing

/// Every test runs with a hook that copies the state directory at a fault point: what a crash there would leave. Then
/// the copies are opened, and everything goes on from there.
@Suite("The store, stopped at a fault point")
struct CrashTests {
    /// Copies the directory whenever the point is reached.
    private func snapshots(of scene: Scene, at point: FaultPoint) -> Snapshots {
        let list = Snapshots()
        scene.faults.set { reached in
            guard reached == point else { return }
            list.add { try scene.copy("crash-\($0)") }
        }
        return list
    }

    @Test("loses no byte and takes none twice", arguments: [FaultPoint.sealWritten, .sealRenamed, .sealCommitted])
    func seal(_ point: FaultPoint) async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let taken = snapshots(of: scene, at: point)
        var source = try Source("ses_1", bytes: Source.lines(1...20, of: "a") + Array("{\"n\":".utf8))
        let other = try Source("ses_1", "agents/b", lines: 6)
        try await store.seal(source, lines: 4)
        try await store.seal(other, lines: 3)
        source.generations[0] += Array("21}\n".utf8)
        try await store.seal(source, lines: 4)
        let grown = source
        source.generations.append(Source.lines(1...3, of: "c"))
        try await store.seal(source, lines: 1)
        scene.faults.set(nil)
        let copies = try taken.all()
        #expect(copies.count == 12)
        for (index, copy) in copies.enumerated() {
            let (again, report) = try await copy.open()
            #expect(report.refused.isEmpty && report.missing.isEmpty && report.unresolved.isEmpty)
            switch point {
            case .sealWritten: #expect(report.temporariesDeleted == 1 && report.adopted.isEmpty)
            case .sealRenamed: #expect(report.adopted.count == 1)
            default: #expect(report.adopted.isEmpty)
            }
            #expect(try await again.evidence(of: source.key) == nil)
            // What a cursor stands on is in the spool, with its file in place.
            let sealed = index + (point == .sealWritten ? 0 : 1)
            if sealed > 0, sealed <= 6 {
                let cursor = try #require(try await again.cursor(of: source.key))
                #expect(cursor.nextSeq == sealed + 1)
            }
            // The file may have grown meanwhile, or be another one.
            if index < 9 {
                try await again.seal(grown, lines: 4)
                try await expectWhole(again, grown)
            }
            try await again.seal(source, lines: 2)
            try await again.seal(other, lines: 2)
            try await expectWhole(again, source)
            try await expectWhole(again, other)
            #expect(try copy.spoolFiles.allSatisfy { !$0.hasPrefix(".") })
            await again.close()
        }
    }

    @Test("adopts all that one batch had placed, in order")
    func batch() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let sources = try (1...30).map { try Source("ses_\($0)", lines: 4) }
        let taken = snapshots(of: scene, at: .sealRenamed)
        await withTaskGroup(of: Void.self) { group in
            for source in sources {
                group.addTask { await #expect(throws: Never.self) { try await store.seal(source, lines: 2) } }
            }
        }
        scene.faults.set(nil)
        for copy in try taken.all() {
            let (again, report) = try await copy.open()
            #expect(!report.adopted.isEmpty && report.refused.isEmpty)
            for source in sources {
                try await again.seal(source, lines: 2)
                try await expectWhole(again, source)
            }
            await again.close()
        }
    }

    @Test(
        "puts every object once under its name, and lets nothing leave the spool too early",
        arguments: [
            FaultPoint.deliverClaimed, .deliverPut, .deliverReceipt, .manifestKept, .manifestPut, .manifestRow,
            .retireRow, .retireUnlinked,
        ])
    func deliver(_ point: FaultPoint) async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let (far, near) = (FarEnd("far"), FarEnd("near"))
        try await store.use([far.id, near.id])
        let source = try Source("ses_1", lines: 12)
        let taken = snapshots(of: scene, at: point)
        try await run(store, source, [far, near], scene.faults)
        scene.faults.set(nil)
        #expect(try scene.spoolFiles.isEmpty)
        let copies = try taken.all()
        #expect(!copies.isEmpty)
        for copy in copies {
            let (again, report) = try await copy.open()
            #expect(report.refused.isEmpty && report.missing.isEmpty)
            try await expectWhole(again, source)
            // The far ends are as they were left at the end: later than the crash, never earlier, and nothing changes.
            let before = far.objects
            try await run(again, source, [far, near], copy.faults)
            #expect(far.objects == before && near.objects == before)
            #expect(try far.content() == source.bytes)
            #expect(try copy.spoolFiles.isEmpty, "\(point)")
            await again.close()
        }
    }

    private func run(_ store: Store, _ source: Source, _ ends: [FarEnd], _ faults: FaultClosure) async throws {
        for _ in 0..<3 {
            try await store.seal(source, lines: 2, most: 2)
            for end in ends {
                try await store.deliver(to: end, most: 1, faults: faults)
                try await store.publish(to: end, faults: faults)
            }
            let retirable = try await store.retirable(required: ends.map(\.id))
            for id in retirable {
                let segment = try #require(try await store.segment(id))
                #expect(Set(segment.holders) == Set(ends.map(\.id)))
                for end in ends { #expect(end.manifest?.segments.contains { $0.seq == segment.record.seq } == true) }
            }
            try await store.retire(retirable)
        }
        try await store.seal(source, lines: 2)
        for end in ends {
            try await store.deliver(to: end, faults: faults)
            try await store.publish(to: end, faults: faults)
        }
        try await store.retire(try await store.retirable(required: ends.map(\.id)))
    }

    @Test("keeps the parts or the whole of a merge", arguments: [FaultPoint.sealRenamed, .mergeSealed, .manifestRow])
    func merge(_ point: FaultPoint) async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 12)
        try await store.seal(source, lines: 2)
        try await store.deliver(to: far, most: 4)
        try await store.publish(to: far)
        let taken = snapshots(of: scene, at: point)
        let parts = Array(try await store.mergeInput(of: source.key).segments[1...4])
        _ = try await store.sealMerged(try source.merged(parts), replacing: parts.map(\.id))
        try await expectWhole(store, source)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        scene.faults.set(nil)
        for copy in try taken.all() {
            let (again, report) = try await copy.open()
            #expect(report.refused.isEmpty && report.missing.isEmpty)
            try await expectWhole(again, source)
            try await again.deliver(to: far)
            try await again.publish(to: far)
            #expect(try far.content() == source.bytes)
            await again.close()
        }
    }

    @Test("at any moment of random work, from a seed", arguments: [11, 12, 13, 14])
    func random(_ seed: UInt64) async throws {
        print("seed \(seed)")
        let random = SeededRandom(seed)
        var scene = try Scene(seed: seed)
        let folder = scene.folder
        let far = FarEnd("far")
        var (store, _) = try await scene.open()
        try await store.use([far.id])
        var sources = try (1...4).map { try Source("ses_\($0)", lines: 1 + random.below(3)) }
        for step in 0..<60 {
            let crash = Snapshots()
            let wanted = FaultPoint.allCases[random.below(FaultPoint.allCases.count)]
            let here = scene
            scene.faults.set { point in if point == wanted { crash.addOnce { _ in try here.copy("life-\(step)") } } }
            let index = random.below(sources.count)
            let length = sources[index].generations[0].count
            switch random.below(5) {
            case 0, 1: sources[index].generations[0] += Source.lines(length...length + random.below(6), of: "more")
            case 2:
                try await store.seal(sources[index], lines: 1 + random.below(3), most: 1 + random.below(3))
            case 3:
                try await store.deliver(to: far, most: 1 + random.below(4), faults: scene.faults)
                if random.below(2) == 0 { try await store.publish(to: far, faults: scene.faults) }
            default: try await store.retire(try await store.retirable(required: [far.id]))
            }
            scene.faults.set(nil)
            if let copy = try crash.all().first {
                await store.close()
                scene = copy
                let (again, report) = try await scene.open()
                #expect(report.missing.isEmpty && report.refused.isEmpty, "seed \(seed), step \(step)")
                store = again
            }
            for source in sources { try await expectWhole(store, source) }
        }
        for source in sources { try await store.seal(source, lines: 2) }
        try await store.deliver(to: far)
        try await store.publish(to: far)
        let retirable = try await store.retirable(required: [far.id])
        try await store.retire(retirable)
        for source in sources {
            try await expectWhole(store, source)
            let manifest = try await store.manifestBasis(of: source.key.session, at: far.id).manifest
            let bytes = manifest.segments.flatMap { far.objects[$0.path] ?? [] }
            #expect(bytes == source.bytes, "seed \(seed)")
        }
        #expect(try scene.spoolFiles.isEmpty)
        _ = folder
    }
}

/// Copies that a hook makes; what went wrong with one is thrown when they are asked for.
final class Snapshots: Sendable {
    private let list = Mutex<[Result<Scene, any Error>]>([])

    func add(_ make: (Int) throws -> Scene) { list.withLock { list in list.append(Result { try make(list.count) }) } }
    func addOnce(_ make: (Int) throws -> Scene) { if list.withLock({ $0.isEmpty }) { add(make) } }
    func all() throws -> [Scene] { try list.withLock { try $0.map { try $0.get() } } }
}
