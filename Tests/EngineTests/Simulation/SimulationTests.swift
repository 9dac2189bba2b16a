import Digests
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("The engine, simulated")
struct SimulationTests {
    @Test("conserves every line through a day of crashes, outages and lost events", arguments: 1...20)
    func day(seed: UInt64) throws {
        print("seed \(seed)")
        let day = try SimulatedDay(seed: seed)
        try day.pass()
        try expectConserved(day)
    }

    @Test("gives the same sequence of events for the same seed, and another one for another", arguments: [3, 14])
    func same(seed: UInt64) throws {
        print("seed \(seed)")
        let days = try [seed, seed, seed + 1].map { try SimulatedDay(seed: $0) }
        for day in days { try day.pass() }
        let traces = days.map(\.trace)
        // To be compared between processes, too: tables have another order in each.
        print("seed \(seed), trace \(RunningDigest.digest(of: Array(traces[0].joined(separator: "\n").utf8)))")
        let difference = zip(traces[0], traces[1]).first { $0 != $1 }
        #expect(difference == nil, "seed \(seed)")
        #expect(traces[0].count == traces[1].count)
        #expect(traces[0] != traces[2])
        #expect(days[0].stage.end.keys == days[1].stage.end.keys)
    }

    private func expectConserved(_ day: SimulatedDay) throws {
        let (stage, end) = (day.stage, day.stage.end)
        let seed = stage.world.seed
        for file in try Tree.files(stage.scratch("home")) {
            let parts = file.split(separator: "/").map(String.init)
            let sid = parts[1].replacing(".jsonl", with: "")
            let stream = parts.count > 2 ? "agents/" + parts[3].dropFirst(6).replacing(".jsonl", with: "") : "main"
            #expect(try end.content(sid, stream) == stage.source(file), "seed \(seed): \(file)")
        }
        #expect(end.changed == [], "seed \(seed)")
        #expect(try end.strays() == [], "seed \(seed)")
        let spool = try Tree.files(stage.scratch("\(day.state)/spool"))
        #expect(spool == [], "seed \(seed)")
        #expect(stage.log.count(.manifestConflict) == 0 && stage.log.count(.spoolFileRefused) == 0, "seed \(seed)")
    }
}
