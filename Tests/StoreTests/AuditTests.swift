import Shared
import Store
import Testing

@Suite("The audit")
struct AuditTests {
    private let far = StoreID("far")

    private func sid(_ text: String) throws -> SessionID { try #require(SessionID(text)) }

    /// `outcome reason times lines`, of one session.
    private func told(_ store: Store, of session: String, _ filter: AuditFilter = AuditFilter()) async throws
        -> [String]
    {
        try await store.audit(filter, limit: 999).filter { $0.key.session.rawValue == session }.map {
            "\($0.key.outcome.rawValue) \($0.key.reason) \($0.times) \($0.lines)"
        }
    }

    @Test("counts an object when its receipt is a row, once, whatever came before")
    func sent() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.use([far])
        let source = try Source("a", lines: 6)
        let ids = try await store.seal(source, lines: 3)
        for id in ids {
            #expect(try await store.claim(id, for: far))
            #expect(try await told(store, of: "a").contains { $0.hasPrefix("sent") } == (id != ids[0]))
            try await store.record(receiptFor: id, at: far)
            try await store.record(receiptFor: id, at: far)
        }
        #expect(try await told(store, of: "a") == ["sent  2 6"])
        let row = try #require(try await store.audit(AuditFilter(), limit: 9).first)
        #expect(row.key.store == far && row.bytes > 0 && row.at == scene.time.wall)
        #expect(row.path == "\(source.info.root)/\(source.info.relativePath)")
        #expect(
            try await told(store, of: "a", AuditFilter(since: WallTime(seconds: scene.time.wall.seconds + 1))) == [])
        #expect(try await told(store, of: "a", AuditFilter(store: StoreID("other"))) == [])
        #expect(try await told(store, of: "a", AuditFilter(session: sid("b"))) == [])
        await store.close()
    }

    @Test("has every attempt that failed, and the words of those that will fail again")
    func failures() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.use([far])
        let id = try #require(try await store.seal(try Source("a", lines: 2), lines: 2).first)
        for setback in [
            Setback("transient", "away", isFinal: false), Setback("permanent", "too large", isFinal: true),
            Setback("permanent", "too large", isFinal: true), nil,
        ] {
            #expect(try await store.claim(id, for: far))
            #expect(try await store.release(id, for: far, because: setback))
        }
        #expect(
            try await told(store, of: "a") == ["failed transient 1 0", "interrupted  1 0", "refused permanent 2 0"])
        let refusals = try await store.refusals(AuditFilter(), limit: 9)
        #expect(refusals.map(\.message) == ["too large"])
        #expect(refusals.first?.times == 2 && refusals.first?.store == far)
        await store.close()
    }

    @Test("has attempts that a crash has cut off, and counts them once")
    func crash() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.use([far])
        let id = try #require(try await store.seal(try Source("a", lines: 2), lines: 2).first)
        #expect(try await store.claim(id, for: far))
        let crashed = try scene.copy("crashed")
        await store.close()
        let (again, _) = try await crashed.open()
        #expect(try await told(again, of: "a") == ["interrupted  1 0"])
        try await again.use([far])
        #expect(try await again.claim(id, for: far))
        try await again.record(receiptFor: id, at: far)
        await again.close()
        let (last, _) = try await crashed.open()
        #expect(try await told(last, of: "a") == ["interrupted  1 0", "sent  1 2"])
        await last.close()
    }

    @Test("says of a session that is kept here by what, where its file is, and that it was forgotten")
    func skipped() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        #expect(try await store.say(.private, of: sid("a")))
        try await store.noteSkipped(sid("a"), at: "/home/u/a.jsonl")
        try await store.judge(sid("b"), as: .excluded, because: "its directory lies in /secret")
        #expect(try await told(store, of: "a") == ["skipped private 1 0"])
        #expect(try await told(store, of: "b") == ["skipped excluded: its directory lies in /secret 1 0"])
        #expect(try await store.audit(AuditFilter(session: sid("a")), limit: 1).first?.path == "/home/u/a.jsonl")
        #expect(try await store.say(.open, of: sid("a")))
        #expect(try await store.say(.private, of: sid("a")))
        #expect(try await store.say(.forgotten, of: sid("a")))
        try await store.use([far])
        try await store.recordErased(sid("a"), at: far)
        try await store.recordErased(sid("a"), at: far)
        try await store.purge(sid("a"))
        try await store.noteSkipped(sid("a"), at: "/home/u/a.jsonl")
        #expect(
            try await told(store, of: "a") == ["skipped forgotten 1 0", "skipped private 2 0", "deleted forgotten 1 0"])
        #expect(try await store.audit(AuditFilter(session: sid("a")), limit: 9).allSatisfy { $0.path == nil })
        await store.close()
        let (again, _) = try await scene.open()
        #expect(try await told(again, of: "a").count == 3)
        await again.close()
    }

    @Test("comes in pages, each behind the last one")
    func pages() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        for number in 0..<7 { try await store.judge(sid("s\(number)"), as: .excluded, because: "rule \(number)") }
        var seen: [String] = []
        var after: AuditRow.Key?
        while true {
            let page = try await store.audit(AuditFilter(), after: after, limit: 3)
            seen += page.map(\.key.session.rawValue)
            guard let last = page.last else { break }
            after = last.key
        }
        #expect(seen == (0..<7).map { "s\($0)" })
        await store.close()
    }

    @Test("keeps no more than so many words of refusals")
    func bound() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        for number in 0..<10_005 {
            try await store.note(
                Setback("permanent", "object \(number)", isFinal: true), ofManifestOf: sid("a"), at: far)
        }
        let left = try await store.refusals(AuditFilter(), limit: 99_999)
        #expect(left.count == 10_000)
        #expect(left.first?.message == "object 5" && left.last?.message == "object 10004")
        await store.close()
    }
}
