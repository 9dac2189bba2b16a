import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("A clock that is set")
struct ClockWatchTests {
    private func entry(_ life: Life, _ kind: String) -> HealthEntry? {
        life.board.snapshot().health.first { $0.kind == kind }
    }

    @Test("is said when it was by more than a minute, until it is set back or an hour has passed")
    func jumps() throws {
        let stage = try Stage()
        try stage.live { life in
            let time = stage.world.time
            time.shiftWall(by: .seconds(59))
            #expect(entry(life, ClockWatch.jumped) == nil)
            // What came before counts.
            time.shiftWall(by: .seconds(7_141))
            let said = try #require(entry(life, ClockWatch.jumped))
            #expect(said.message.contains("forward by 2 h") && said.hint?.contains("timedatectl") == true)
            time.shiftWall(by: .seconds(-7_190))
            #expect(entry(life, ClockWatch.jumped) == nil)
            time.shiftWall(by: .seconds(-3 * 365 * 86_400))
            #expect(entry(life, ClockWatch.jumped)?.message.contains("back by 1094 days") == true)
            try await stage.pass(.seconds(3_599))
            #expect(entry(life, ClockWatch.jumped) != nil)
            try await stage.pass(.seconds(2))
            #expect(entry(life, ClockWatch.jumped) == nil)
            time.shiftWall(by: .seconds(59))
            #expect(entry(life, ClockWatch.jumped) == nil)
        }
        #expect(stage.log.count(.clockJumped) == 2)
    }

    @Test("is said at the start when it is behind what was written last, until it no longer is")
    func behind() throws {
        let stage = try Stage()
        let time = stage.world.time
        try stage.live { life in
            try stage.append("{\"n\":1}\n", to: "it.jsonl", life)
            await life.settle()
            #expect(life.board.snapshot().health.isEmpty)
        }
        time.shiftWall(by: .seconds(-7_200))
        try stage.live { life in
            #expect(entry(life, ClockWatch.behind)?.message.contains("behind") == true)
            // Nothing waits for it.
            try stage.append("{\"n\":2}\n", to: "it.jsonl", life)
            await life.settle()
            #expect(try stage.end.content("it") == stage.source("it.jsonl"))
            time.shiftWall(by: .seconds(7_200))
            #expect(entry(life, ClockWatch.behind) == nil)
        }
        // Before the line that was written while the clock was wrong.
        time.shiftWall(by: .seconds(-7_500))
        try stage.live { life in
            #expect(entry(life, ClockWatch.behind) != nil)
            try await stage.pass(.seconds(301))
            #expect(life.board.snapshot().health.isEmpty)
        }
    }
}
