import Shared
import Store
import Testing

@Suite("Receipts that a store does not live up to")
struct ReceiptsTests {
    /// Four segments at a store; a copy of it; two more segments, or one that joins the four.
    private func goneBack(
        _ scene: Scene, merging: Bool, also: FarEnd? = nil
    ) async throws -> (Store, Source, FarEnd, FarEnd) {
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        let ends = [far] + (also.map { [$0] } ?? [])
        try await store.use(ends.map(\.id))
        var source = try Source("ses_1", lines: 8)
        try await store.seal(source, lines: 2)
        func settle() async throws {
            for end in ends {
                try await store.deliver(to: end)
                try await store.publish(to: end)
            }
            try await store.retire(try await store.retirable(required: ends.map(\.id)))
        }
        let parts = try await store.mergeInput(of: source.key).segments
        if merging {
            try await store.deliver(to: far)
            try await store.publish(to: far)
        } else {
            try await settle()
        }
        let older = FarEnd(copying: far)
        if merging {
            _ = try await store.sealMerged(try source.merged(parts), replacing: parts.map(\.id))
        } else {
            source.generations[0] += Source.lines(9...12, of: "ses_1")
            try await store.seal(source, lines: 2)
        }
        try await settle()
        return (store, source, far, older)
    }

    private func gone(_ store: Store, _ source: Source, _ older: FarEnd) async throws -> [SegmentID] {
        let manifest = try #require(older.manifest)
        let received = try await store.received(source.key.session, at: older.id, besides: manifest)
        #expect(received.allSatisfy { older.objects[$0.path] == nil })
        return received.map(\.id)
    }

    @Test("are not taken back where there is no other copy")
    func only() async throws {
        let scene = try Scene()
        let (store, source, far, older) = try await goneBack(scene, merging: false)
        let session = source.key.session
        #expect(try await store.received(session, at: far.id, besides: far.manifest).isEmpty)
        let gone = try await gone(store, source, older)
        #expect(gone.count == 2)
        let before = try await store.segments(of: source.key)
        let last = try await store.withdraw(receiptsFor: gone, at: far.id)
        #expect(last == before.suffix(2).map(\.record))
        #expect(try await store.segments(of: source.key) == before)
    }

    @Test("are taken back where another store has the object, which is put again")
    func elsewhere() async throws {
        let scene = try Scene()
        let near = FarEnd("near")
        let (store, source, _, older) = try await goneBack(scene, merging: false, also: near)
        #expect(try await store.takeUp(try #require(older.manifest), at: older.id, as: .own).conflicts.isEmpty)
        let gone = try await gone(store, source, older)
        #expect(try await store.withdraw(receiptsFor: gone, at: older.id).isEmpty)
        let next = try await store.nextDeliveries(to: older.id, limit: 9)
        #expect(next.map(\.id) == gone && next.allSatisfy { $0.holders == [near.id] })
        try await store.publish(to: older)
        #expect(older.manifest?.segments.map(\.seq) == [1, 2, 3, 4])
        for delivery in next {
            let path = delivery.record.objectPath
            older.put(path, try #require(near.objects[path]))
            #expect(try await store.claim(delivery.id, for: older.id))
            try await store.record(receiptFor: delivery.id, at: older.id)
        }
        try await store.publish(to: older)
        #expect(try older.content() == source.bytes)
    }

    @Test("of a segment that was joined from what the store has are taken back, and the parts are listed again")
    func joined() async throws {
        let scene = try Scene()
        let (store, source, far, older) = try await goneBack(scene, merging: true)
        #expect(far.manifest?.segments.map(\.seq) == [4] && older.manifest?.segments.map(\.seq) == [1, 2, 3, 4])
        #expect(try await store.takeUp(try #require(older.manifest), at: older.id, as: .own).conflicts.isEmpty)
        let gone = try await gone(store, source, older)
        #expect(gone.count == 1)
        #expect(try await store.withdraw(receiptsFor: gone, at: older.id).isEmpty)
        try await expectWhole(store, source)
        try await store.publish(to: older)
        #expect(older.manifest?.segments.map(\.seq) == [1, 2, 3, 4])
        #expect(older.manifest?.superseded.isEmpty == true)
        #expect(try older.content() == source.bytes)
    }
}
