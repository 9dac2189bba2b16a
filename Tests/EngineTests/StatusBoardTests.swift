import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("A status board")
struct StatusBoardTests {
    @Test("keeps one entry for each thing that is wrong, since it was wrong first")
    func health() throws {
        let world = SimulatedWorld(seed: 1)
        try world.run {
            let board = StatusBoard(time: world.time)
            board.report("spool_full", "spool", "once")
            let since = board.snapshot().health[0].since
            try await world.time.sleep(for: .seconds(60))
            board.report("spool_full", "spool", "again", hint: "do this")
            board.report("a_kind", "spool", "other")
            let health = board.snapshot().health
            #expect(health.map(\.kind) == ["a_kind", "spool_full"])
            #expect(health[1].since == since && health[1].message == "again" && health[1].hint == "do this")
            #expect(health[0].since != since)
            #expect(board.clear("spool_full", "spool") && !board.clear("spool_full", "spool"))
        }
    }

    @Test("stays bounded on a machine where everything is wrong")
    func bounded() {
        let board = StatusBoard(time: SimulatedTime())
        for index in 0..<5000 { board.report("kind", "\(index)", "wrong") }
        #expect(board.snapshot().health.count == 1000)
    }

    @Test("rings who listens after each change, and gives each a copy")
    func listeners() throws {
        let world = SimulatedWorld(seed: 1)
        try world.run {
            let board = StatusBoard(time: world.time)
            let bell = Doorbell()
            let listener = board.subscribe(bell)
            let before = board.snapshot()
            board.update("store") { $0.deliveredSegments += 2 }
            #expect(bell.isRung)
            _ = await bell.wait(on: world.time)
            let after = board.snapshot()
            #expect(after.revision > before.revision && after.destinations["store"]?.deliveredSegments == 2)
            #expect(before.destinations.isEmpty)
            board.unsubscribe(listener)
            board.update { $0.noticed.withheldLines += 1 }
            #expect(!bell.isRung)
        }
    }

    @Test("forgets everything when another engine begins, but not how often it changed")
    func reset() {
        let board = StatusBoard(time: SimulatedTime())
        board.report("kind", "subject", "wrong")
        board.update { $0.sealedSegments = 7 }
        let revision = board.snapshot().revision
        board.reset()
        let seen = board.snapshot()
        #expect(seen.health.isEmpty && seen.sealedSegments == 0 && seen.revision > revision)
    }
}
