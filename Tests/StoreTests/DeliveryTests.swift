import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

@Suite("Delivery from the store")
struct StoreDeliveryTests {
    @Test("serves sessions in turn, and of each its oldest segment first")
    func fair() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = StoreID("far")
        try await store.use([far])
        let big = try Source("big", lines: 40)
        try await store.seal(big, lines: 1)
        let small = try (1...3).map { try Source("small_\($0)", lines: 2) }
        for source in small { try await store.seal(source, lines: 1) }
        var order: [String] = []
        var flying: Set<SegmentID> = []
        for _ in 0..<6 {
            for delivery in try await store.nextDeliveries(to: far, limit: 2, excluding: flying) {
                order.append("\(delivery.record.stream.session)/\(delivery.record.seq)")
                flying.insert(delivery.id)
            }
        }
        #expect(
            order == [
                "big/1", "small_1/1", "small_2/1", "small_3/1", "big/2", "small_1/2", "small_2/2", "small_3/2", "big/3",
                "big/4", "big/5", "big/6",
            ])
        let more = try await store.nextDeliveries(to: far, limit: 100, excluding: flying)
        #expect(more.count == 34)
        #expect(try await store.backlog(at: far).segments == 46)
        #expect(try await store.nextDeliveries(to: StoreID("other"), limit: 5).isEmpty)
    }

    @Test("counts what waits seldom where that takes long, and never says that something waits when nothing does")
    func counting() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = StoreID("far")
        try await store.use([far])
        let source = try Source("ses_1", lines: 4)
        try await store.seal(source, lines: 2)
        #expect(try await store.backlog(at: far).segments == 2)
        scene.time.passes(.milliseconds(50))
        var counts = [try await store.backlog(at: far).segments]
        try await store.seal(Source("ses_2", lines: 2), lines: 1)
        for _ in 0..<20 { counts.append(try await store.backlog(at: far).segments) }
        #expect(counts.prefix(4) == [2, 2, 2, 2] && counts.last == 4)
        _ = try await store.backlog(at: far)
        for delivery in try await store.nextDeliveries(to: far, limit: 9) {
            #expect(try await store.claim(delivery.id, for: far))
            try await store.record(receiptFor: delivery.id, at: far)
        }
        #expect(try await store.backlog(at: far).segments == 0)
    }

    @Test("claims once, and gives back")
    func claims() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = StoreID("far")
        try await store.use([far])
        let id = try #require(try await store.seal(Source("ses_1", lines: 3), lines: 3).first)
        #expect(try await store.claim(id, for: far))
        #expect(try await !store.claim(id, for: far))
        #expect(try await store.nextDeliveries(to: far, limit: 9).isEmpty)
        #expect(try await store.release(id, for: far))
        #expect(try await store.nextDeliveries(to: far, limit: 9).map(\.id) == [id])
        #expect(try await store.claim(id, for: far))
        await store.close()
        let (again, _) = try await scene.open()
        #expect(try await again.nextDeliveries(to: far, limit: 9).map(\.id) == [id])
        #expect(try await again.claim(id, for: far))
        scene.time.move(by: 60)
        let received = scene.time.wall
        try await again.record(receiptFor: id, at: far)
        try await again.record(receiptFor: id, at: far)
        #expect(try await !again.claim(id, for: far))
        let segment = try #require(try await again.segment(id))
        #expect(segment.holders == [far] && segment.receipts.map(\.at) == [received] && segment.sealedAt < received)
        #expect(try await !again.claim(id, for: StoreID("other")))
    }

    @Test("what became part of another segment under a claim is not wanted back")
    func mergedUnderAClaim() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = StoreID("far")
        try await store.use([far])
        let source = try Source("ses_1", lines: 4)
        let ids = try await store.seal(source, lines: 2)
        #expect(try await store.claim(ids[0], for: far))
        let parts = try await store.mergeInput(of: source.key).segments
        let whole = try await store.sealMerged(try source.merged(parts), replacing: ids)
        #expect(try await !store.release(ids[0], for: far))
        #expect(try await store.nextDeliveries(to: far, limit: 9).map(\.id) == [whole])
    }

    @Test("nothing is retired before every required store has it and a manifest there names it")
    func retire() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let (near, far) = (FarEnd("near"), FarEnd("far"))
        try await store.use([near.id, far.id])
        let source = try Source("ses_1", lines: 10)
        let ids = try await store.seal(source, lines: 1)
        try await store.deliver(to: near)
        try await store.deliver(to: far, most: 4)
        #expect(try await store.retirable(required: [near.id]).isEmpty)
        try await store.publish(to: near)
        #expect(try await store.retirable(required: [near.id]) == ids)
        #expect(try await store.retirable(required: [near.id, far.id]).isEmpty)
        #expect(try await store.retirable(required: []).isEmpty)
        #expect(try await store.retirable(required: [near.id, StoreID("unheard of")]).isEmpty)
        try await store.publish(to: far)
        #expect(try await store.retirable(required: [near.id, far.id]) == Array(ids[..<4]))
        #expect(try await store.retirable(required: [far.id, near.id], limit: 3) == Array(ids[..<3]))
        let before = store.spool.bytes
        try await store.retire(Array(ids[..<2]))
        #expect(store.spool.bytes < before)
        #expect(try scene.spoolFiles.count == 8)
        #expect(try await store.openObject(ids[0]) == nil)
        // Named by no manifest: whatever the caller says, it stays.
        let other = try #require(try await store.seal(Source("ses_2", lines: 1), lines: 1).first)
        try await store.retire([other])
        #expect(try await store.segment(other)?.state == .spooled)
    }

    @Test("a store that comes later is to get everything, from whoever has it")
    func latecomer() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let near = FarEnd("near")
        try await store.use([near.id])
        let source = try Source("ses_1", lines: 6)
        let ids = try await store.seal(source, lines: 2)
        try await store.deliver(to: near)
        try await store.publish(to: near)
        try await store.retire(Array(ids[..<2]))
        let late = StoreID("late")
        try await store.use([near.id, late])
        let next = try await store.nextDeliveries(to: late, limit: 9)
        #expect(next.map(\.id) == ids)
        #expect(next.map(\.isSpooled) == [false, false, true])
        #expect(next.allSatisfy { $0.holders == [near.id] })
        try await store.use([near.id])
        #expect(try await store.nextDeliveries(to: late, limit: 9).isEmpty)
        #expect(try await store.backlog(at: late).segments == 0)
        try await store.use([near.id, late])
        #expect(try await store.nextDeliveries(to: late, limit: 9).count == 3)
    }

    @Test("keeps one manifest for all stores that get one at the same time, and says of each what it has")
    func keepsTogether() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let ends = [FarEnd("one"), FarEnd("two"), FarEnd("three")]
        try await store.use(ends.map(\.id))
        let source = try Source("ses_1", lines: 3)
        try await store.seal(source, lines: 1)
        for (index, end) in ends.enumerated() { try await store.deliver(to: end, most: 3 - index) }
        var texts: [[UInt8]] = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            for end in ends {
                let basis = try await store.manifestBasis(of: source.key.session, at: end.id)
                let text = try JSONText.encode(basis.manifest)
                texts.append(text)
                group.addTask { try await store.keep(text, for: basis) }
            }
            try await group.waitForAll()
        }
        #expect(try Files.readAll(scene.directory.manifest(of: source.key.session)) == texts[0])
        let list = String(
            decoding: try Files.readAll(scene.directory.storesOfManifest(of: source.key.session)), as: UTF8.self)
        for end in ends { #expect(list.contains("\"\(end.id.rawValue)\""), "\(list)") }
        #expect(try Tree.files(scene.directory.manifests).count == 2)
        // It is believed by the next life.
        for end in ends {
            try await store.deliver(to: end)
            try await store.publish(to: end)
        }
        await store.close()
        for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
            try Files.unlink("\(scene.directory.path)/\(name)")
        }
        let (again, report) = try await scene.open()
        #expect(report.unresolved.isEmpty && report.stateLost)
        #expect(try await again.cursor(of: source.key)?.offset == Int64(source.bytes.count))
        await again.close()
    }

    @Test("lists the contiguous prefix, never less than before, and is behind only when something changed")
    func manifests() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 8)
        let sub = try Source("ses_1", "agents/a", lines: 4)
        let ids = try await store.seal(source, lines: 2)
        try await store.seal(sub, lines: 4)
        #expect(try await store.publishable(to: far.id).isEmpty)
        for id in [ids[0], ids[2]] {
            #expect(try await store.claim(id, for: far.id))
            try await store.record(receiptFor: id, at: far.id)
        }
        #expect(try await store.publishable(to: far.id) == [source.key.session])
        let basis = try await store.manifestBasis(of: source.key.session, at: far.id)
        #expect(basis.streams.map(\.stream.stream.rawValue) == ["main", "agents/a"])
        #expect(basis.streams[0].segments.map(\.seq) == [1])
        #expect(basis.streams[0].activeSeq == 5)
        #expect(basis.epoch == 1)
        try await store.publish(to: far)
        #expect(try await store.publishable(to: far.id).isEmpty)
        try await store.note(SessionFacts(agent: .generic), of: source.key.session)
        #expect(try await store.publishable(to: far.id).isEmpty)
        var facts = SessionFacts()
        facts.title = "a title"
        try await store.note(facts, of: source.key.session)
        #expect(try await store.publishable(to: far.id) == [source.key.session])
        // What changes between basis and put is for the next one.
        let stale = try await store.manifestBasis(of: source.key.session, at: far.id)
        try await store.setEnded(source.key.session, reason: "exit")
        try await store.recordManifest(stale, digest: source.chainDigest)
        #expect(try await store.publishable(to: far.id) == [source.key.session])
        let last = try await store.manifestBasis(of: source.key.session, at: far.id)
        #expect(last.epoch == 3 && last.facts.endReason == "exit" && last.facts.title == "a title")
        try await store.publish(to: far)
        try await store.setEnded(source.key.session, reason: "exit")
        #expect(try await store.publishable(to: far.id).isEmpty)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(far.manifest?.segments.map(\.seq) == [1, 2, 3, 4])
        #expect(far.manifest?.streams["agents/a"]?.segments.count == 1)
    }

    @Test("writes checkpoints once, before the manifest that names them")
    func checkpoints() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let compacted = Array("{\"type\":\"compacted\",\"payload\":{\"label\":\"x\"}}\n".utf8)
        let bytes = Source.lines(1...2, of: "a") + compacted + Source.lines(4...6, of: "a")
        let source = try Source("ses_1", bytes: bytes)
        try await store.seal(source, lines: 3)
        try await store.deliver(to: far)
        let basis = try await store.manifestBasis(of: source.key.session, at: far.id)
        #expect(basis.streams[0].newCheckpoints.map(\.line) == [3])
        try await store.publish(to: far)
        let second = try await store.manifestBasis(of: source.key.session, at: far.id)
        #expect(second.streams[0].newCheckpoints.isEmpty)
        #expect(second.streams[0].checkpoints.map(\.lineIndex) == [3])
    }
}

extension Source {
    var chainDigest: Digest256 { Source.expectedMAC(of: bytes) }
}
