import Shared
import Store
import TestSupport
import Testing

@Suite("What hooks told")
struct CaptureRowTests {
    private let sid: SessionID
    private let process = AgentProcess(pid: 4711, started: 99, boot: "b")

    init() throws { sid = try #require(SessionID("ses_1")) }

    private func event(
        _ kind: CapturedEvent.Kind, at seconds: Int64, reason: String? = nil, process: AgentProcess? = nil
    ) -> CapturedEvent {
        CapturedEvent(
            kind, agent: .claude, sid: sid, at: WallTime(seconds: seconds), path: "/p/\(seconds).jsonl", reason: reason,
            process: process)
    }

    @Test("is one row a session, however often and in whatever order it is told")
    func once() async throws {
        let scene = try Scene()
        let store = try await scene.open().0
        let events = [
            event(.start, at: 10, process: process), event(.prompt, at: 20), event(.end, at: 30, reason: "logout"),
        ]
        var orders: [CaptureRow?] = []
        for order in [events, events + events, [events[2], events[0], events[1]], [events[1], events[2], events[0]]] {
            try await store.note(order)
            orders.append(try await store.capture(of: sid))
            #expect(try await store.openCaptures().map(\.sid) == [sid])
        }
        let row = try #require(orders[0])
        #expect(
            row.endReason == "logout" && row.endedAt == WallTime(seconds: 30) && row.isDue && row.path == "/p/30.jsonl")
        #expect(Set(orders) == [row])
    }

    @Test("is an end that was queued, though its line in sessions.txt is imported first")
    func queuedEnd() async throws {
        let scene = try Scene()
        let store = try await scene.open().0
        try await store.note([event(.queued, at: 1_900_000_000)])
        try await store.note([event(.end, at: 30, reason: "logout", process: process)])
        let row = try #require(try await store.capture(of: sid))
        #expect(
            row.endReason == "logout" && row.endedAt == WallTime(seconds: 30) && row.isDue && row.process == process)
        #expect(row.path == "/p/30.jsonl")
    }

    @Test("is an end until the session goes on behind it")
    func resumed() async throws {
        let scene = try Scene()
        let store = try await scene.open().0
        try await store.note([event(.end, at: 30, reason: "clear")])
        try await store.note([event(.queued, at: 99)])
        #expect(try await store.capture(of: sid)?.endReason == "clear")
        try await store.note([event(.start, at: 31, process: process)])
        let row = try #require(try await store.capture(of: sid))
        #expect(row.endReason == nil && !row.isDue && row.process == process)
        // What waited in a queue comes late, and is before that.
        try await store.note([event(.end, at: 30, reason: "clear")])
        #expect(try await store.capture(of: sid)?.endReason == nil)
    }

    @Test("is told to the session when something of it was taken, and once")
    func settled() async throws {
        let scene = try Scene()
        let store = try await scene.open().0
        try await store.note([event(.end, at: 30, reason: "logout")])
        #expect(try await !store.settleEnd(of: sid))
        let source = try Source("ses_1", lines: 4)
        _ = try await store.seal(source, lines: 2, most: 1)
        #expect(try await store.settleEnd(of: sid))
        let summary = try #require(try await store.describe(sid)?.summary)
        #expect(summary.facts.endReason == "logout" && summary.endedAt == WallTime(seconds: 30))
        #expect(try await store.openCaptures().isEmpty)
        // A further line takes it back; the process that is gone gives it again, with the reason that was said.
        _ = try await store.seal(source, lines: 2, most: 1)
        #expect(try await store.describe(sid)?.summary.endedAt == nil)
        try await store.note([event(.end, at: 30, reason: "logout", process: process)])
        #expect(try await store.noteGone(process) == [sid])
        #expect(try await store.settleEnd(of: sid))
        #expect(try await store.describe(sid)?.summary.facts.endReason == "logout")
        #expect(try await store.noteGone(process).isEmpty)
    }

    @Test("lasts over a restart, with the process that may be gone by then")
    func restart() async throws {
        let scene = try Scene()
        let store = try await scene.open().0
        try await store.note([event(.start, at: 10, process: process)], elsewhere: [sid])
        await store.close()
        let again = try await scene.open().0
        let row = try #require(try await again.openCaptures().first)
        #expect(row.process == process && row.isWaiting && row.path == "/p/10.jsonl")
        try await again.noteLookedAt(sid)
        #expect(try await again.noteGone(process) == [sid])
        let gone = try #require(try await again.capture(of: sid))
        #expect(gone.endReason == "process_gone" && gone.isDue && gone.process == nil && !gone.isWaiting)
    }
}
