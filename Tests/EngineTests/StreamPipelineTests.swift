import Delivery
import Glibc
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// Every test lives on a simulated machine: hours cost nothing, files and SQLite are real.
@Suite("A stream's pipeline")
struct StreamPipelineTests {
    static func line(_ number: Int) -> String { "{\"n\":\(number)}\n" }
    static let compacted = "{\"type\":\"compacted\",\"timestamp\":\"2026-11-20T05:00:00Z\"}\n"
    static let shutdown = "{\"type\":\"session.shutdown\"}\n"
    private let file = "a.jsonl"

    @Test("seals what is open when no line came for as long as quiet says")
    func quiet() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append(Self.line(1), to: "a.jsonl", life)
            try await stage.pass(.seconds(3))
            try stage.append(Self.line(2), to: "a.jsonl", life)
            try await stage.pass(.milliseconds(4900))
            #expect(try await life.segments("a").isEmpty)
            try await stage.pass(.milliseconds(200))
            let segments = try await life.segments("a")
            #expect(segments.map(\.cut) == [.quiet] && segments.map(\.lines) == [2])
        }
        #expect(try stage.end.content("a") == stage.source(file))
    }

    @Test("seals a segment that is old, though lines keep coming")
    func age() throws {
        let stage = try Stage()
        try stage.live { life in
            for number in 1...35 {
                try stage.append(Self.line(number), to: "a.jsonl", life)
                try await stage.pass(.seconds(2))
            }
            let segments = try await life.segments("a")
            #expect(segments.first?.cut == .age)
            #expect(segments.first.map { (29...31).contains($0.lines) } == true)
            await life.settle()
        }
        #expect(try stage.end.content("a") == stage.source(file))
    }

    @Test("seals at once for a flush, and says so only when it is durable")
    func flush() throws {
        let stage = try Stage()
        try stage.live { life in
            // The watcher knows nothing of it: a flush looks for itself.
            try stage.append(Self.line(1), to: "a.jsonl", nil)
            await life.parts.supervisor.flush(nil)
            #expect(try await life.cuts("a") == [.flush])
        }
    }

    @Test("seals at once when the daemon stops, and goes on behind that in the next life")
    func shutdown() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append(Self.line(1) + "{\"half", to: "a.jsonl", life)
            try await stage.pass(.seconds(1))
            await life.engine.seal()
            #expect(try await life.cuts("a") == [.shutdown])
        }
        try stage.live { life in
            try stage.append("\":2}\n", to: "a.jsonl", life)
            await life.settle()
            #expect(try await life.segments("a").map(\.firstLine) == [1, 2])
        }
        #expect(try stage.end.content("a") == stage.source(file))
    }

    @Test("seals behind a checkpoint, whose object is in the store before the manifest names it")
    func checkpoint() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append(Self.line(1) + Self.compacted + Self.line(3), to: "a.jsonl", life)
            try await stage.pass(.seconds(1))
            #expect(try await life.cuts("a") == [.checkpoint])
            await life.settle()
        }
        let id = "2026-11-20T05-00-00Z-s000001-l000002"
        #expect(try stage.end.manifest("a").checkpoints.map(\.id) == [id])
        let puts = stage.end.history.filter { $0.contains("put") }
        let object = try #require(puts.firstIndex { $0.hasSuffix("checkpoints/\(id).json") })
        // But for the one that says who writes here, and names nothing.
        #expect(puts[..<object].count { $0.hasSuffix("manifest.json") } == 1)
    }

    @Test("seals at the session's end, joins what is small then, and lets the session go on all the same")
    func end() throws {
        let stage = try Stage()
        try stage.live { life in
            for number in 1...4 {
                try stage.append(Self.line(number), to: "a.jsonl", life)
                try await stage.pass(.seconds(10))
            }
            #expect(try await life.segments("a").count == 4)
            try stage.append(Self.shutdown, to: "a.jsonl", life)
            try await stage.pass(.seconds(1))
            let session = try #require(SessionID("a"))
            #expect(try await life.cuts("a").last == .end)
            #expect(try await life.store.describe(session)?.summary.endedAt != nil)
            try await stage.pass(.seconds(30))
            #expect(try await life.segments("a").map(\.lines) == [5])
            #expect(try stage.end.manifest("a").session?.endReason == "shutdown")
            try stage.append(Self.line(6), to: "a.jsonl", life)
            try await stage.pass(.seconds(30))
            #expect(try await life.store.describe(session)?.summary.endedAt == nil)
            #expect(try stage.end.manifest("a").session?.endedAt == nil)
        }
        #expect(try stage.end.content("a") == stage.source(file))
        #expect(try stage.end.manifest("a").superseded.count == 5)
    }

    @Test("begins a generation when the file is cut off while it is open, and keeps what was read")
    func truncated() throws {
        let stage = try Stage()
        let before = Self.line(1) + Self.line(2) + Self.line(3)
        try stage.live { life in
            try stage.append(before, to: "a.jsonl", life)
            try await stage.pass(.seconds(1))
            try stage.scratch.write(Self.line(9), to: "home/a.jsonl")
            try stage.scratch.setTime(of: "home/a.jsonl", to: stage.world.time.wall)
            life.watcher.rang("a.jsonl")
            try await stage.pass(.seconds(30))
            let segments = try await life.segments("a")
            #expect(segments.map(\.cut) == [.truncated, .quiet] && segments.map(\.generation) == [1, 2])
        }
        #expect(try stage.end.content("a") == Array(before.utf8))
        #expect(try stage.end.content("a", generation: 2) == stage.source(file))
        #expect(stage.log.count(.generationStarted) == 1)
    }

    @Test("begins one generation when the file is emptied, however often it is looked at before it has a line")
    func emptied() throws {
        let stage = try Stage()
        try stage.live { life in
            for generation in 1...3 {
                try stage.append(Self.line(generation) + Self.line(2), to: "a.jsonl", life)
                try await stage.pass(.seconds(30))
                #expect(try await life.segments("a").last?.generation == generation)
                for _ in 1...4 {
                    try stage.scratch.write("", to: "home/a.jsonl")
                    try stage.scratch.setTime(of: "home/a.jsonl", to: stage.world.time.wall)
                    life.watcher.rang("a.jsonl")
                    try await stage.pass(.seconds(30))
                    #expect(life.board.snapshot().noticed.generations == generation)
                    #expect(stage.log.count(.generationStarted) == generation)
                }
            }
        }
    }

    @Test("begins a generation when another file takes the name, and one that was only moved goes on")
    func replaced() throws {
        let stage = try Stage()
        let before = Self.line(1) + Self.line(2)
        try stage.live { life in
            try stage.append(before, to: "a.jsonl", life)
            try await stage.pass(.seconds(1))
            try stage.scratch.write(Self.line(7) + Self.line(8), to: "home/new")
            try Files.rename(stage.scratch("home/new"), to: stage.scratch("home/a.jsonl"), replacing: true)
            life.watcher.rang("a.jsonl")
            try await stage.pass(.seconds(120))
            #expect(try await life.segments("a").map(\.generation) == [1, 2])
            try Files.rename(stage.scratch("home/a.jsonl"), to: stage.scratch("home/b.jsonl"), replacing: false)
            life.watcher.moved("a.jsonl", "b.jsonl")
            try stage.append(Self.line(9), to: "b.jsonl", life)
            try await stage.pass(.seconds(120))
            #expect(try await life.segments("a").map(\.generation) == [1, 2, 2])
        }
        #expect(try stage.end.content("a") == Array(before.utf8))
        #expect(try stage.end.content("a", generation: 2) == stage.source("b.jsonl"))
    }

    @Test("waits for the end of the last line, and takes it as it is when the file is gone")
    func partial() throws {
        let stage = try Stage()
        let text = Self.line(1) + "{\"n\":2,\"half"
        try stage.live { life in
            try stage.append(text, to: "a.jsonl", life)
            try await stage.pass(.seconds(600))
            #expect(try await life.segments("a").map(\.lines) == [1])
            try Files.unlink(stage.scratch("home/a.jsonl"))
            life.watcher.gone("a.jsonl")
            try await stage.pass(.seconds(120))
            #expect(try await life.segments("a").map(\.partial) == [false, true])
        }
        #expect(try stage.end.content("a") == Array(text.utf8))
    }

    @Test("lets the whole line take the place of the part that was taken when the session had ended")
    func superseded() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append(Self.line(1) + Self.shutdown + "{\"n\":3,\"half", to: "a.jsonl", life)
            try await stage.pass(.seconds(30))
            #expect(try await life.segments("a").map(\.partial).contains(true))
            #expect(try stage.end.content("a") == stage.source("a.jsonl"))
            try stage.append("\":true}\n" + Self.line(4), to: "a.jsonl", life)
            try await stage.pass(.seconds(30))
            #expect(try await life.segments("a").map(\.partial).contains(true) == false)
        }
        #expect(try stage.end.content("a") == stage.source(file))
    }

    @Test("streams a line over 8 MiB into a segment of its own")
    func long() throws {
        let stage = try Stage()
        let text = String(repeating: "x", count: 9 << 20)
        try stage.live { life in
            try stage.append(Self.line(1), to: "a.jsonl", life)
            try await stage.pass(.seconds(1))
            try stage.append("{\"text\":\"\(text)", to: "a.jsonl", life)
            try await stage.pass(.seconds(20))
            try stage.append("\"}\n" + Self.line(3), to: "a.jsonl", life)
            try await stage.pass(.seconds(20))
            let segments = try await life.segments("a")
            #expect(segments.map(\.lines) == [1, 1, 1] && segments[1].bytes > 9 << 20)
        }
        #expect(try stage.end.content("a") == stage.source(file))
    }

    @Test("withholds a line over max_line: one line stands for it, and health says so")
    func withheld() throws {
        let stage = try Stage { $0.segments.maxLine = .mebi(9) }
        let text = "{\"text\":\"" + String(repeating: "x", count: 10 << 20) + "\"}\n"
        try stage.live { life in
            try stage.append(Self.line(1) + text + Self.line(3), to: "a.jsonl", life)
            try await stage.pass(.seconds(20))
            #expect(life.board.snapshot().health.map(\.kind) == ["lines_withheld"])
        }
        let notice = "{\"type\":\"uploaderd.withheld\",\"bytes\":\(text.utf8.count),\"reason\":\"too_long\"}\n"
        #expect(try stage.end.content("a") == Array((Self.line(1) + notice + Self.line(3)).utf8))
    }

    @Test("takes each of many sessions whole, whatever the order of things", arguments: 1...5)
    func many(seed: UInt64) throws {
        print("seed \(seed)")
        let stage = try Stage(seed: seed)
        try stage.live { life in
            stage.end.weather = .rough
            for round in 1...5 {
                for session in 1...12 { try stage.append(Self.line(round), to: "s\(session).jsonl", life) }
                try await stage.pass(.seconds(round * 3))
            }
            try await stage.pass(.seconds(900))
        }
        for session in 1...12 { #expect(try stage.end.content("s\(session)") == stage.source("s\(session).jsonl")) }
        #expect(stage.end.changed.isEmpty)
    }
}
