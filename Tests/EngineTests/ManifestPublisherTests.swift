import Delivery
import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("A manifest's publication")
struct ManifestPublisherTests {
    private static let count = 60

    private static func puts(_ stage: Stage) -> Int {
        stage.end.history.count { $0.contains("put ") && $0.contains("/checkpoints/") }
    }

    @Test("goes on where it failed: a checkpoint's object that was put is not put again")
    func checkpoints() throws {
        let stage = try Stage { $0.merge.enabled = false }
        try stage.live { life in
            // All segments get there, and no checkpoint's object does: the first manifest has all of them to name.
            stage.end.weather.failing = 100
            stage.end.weather.failingOnly = "/checkpoints/"
            for number in 1...Self.count {
                try stage.append(
                    "{\"type\":\"compacted\",\"timestamp\":\"2026-11-20T05:00:00Z\",\"n\":\(number)}\n", to: "a.jsonl",
                    life)
                try await stage.pass(.seconds(10))
            }
            try await stage.pass(.seconds(3600))
            #expect(stage.end.keys.count { $0.contains("/session-") } == Self.count)
            #expect(try stage.end.manifest("a").checkpoints.isEmpty)
            let before = Self.puts(stage)
            // Half of them: that sixty in a row succeed happens to nobody.
            stage.end.weather.failing = 50
            try await stage.pass(.seconds(4 * 3600))
            #expect(try stage.end.manifest("a").checkpoints.count == Self.count)
            let puts = Self.puts(stage) - before
            #expect(puts >= Self.count && puts < 4 * Self.count)
        }
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
    }

    @Test("lists what cannot be joined as it is, though health has no room left to say that it cannot")
    func unjoined() throws {
        let stage = try Stage()
        try stage.live { life in
            // More are not taken.
            for number in 0..<1000 { life.board.report("test_entry", "\(number)", "one of many") }
            for number in 1...64 {
                try stage.append("{\"n\":\(number)}\n", to: "a.jsonl", life)
                await life.settle()
                try await stage.pass(.seconds(5))
            }
            #expect(try stage.end.manifest("a").segments.count == 64)
            // One that is larger than all of them would take them in.
            stage.end.weather.failing = 100
            stage.end.weather.failingOnly = "read \(Stage.prefix)a/segments/"
            for number in 65...66 {
                try stage.append(
                    "{\"n\":\(number),\"text\":\"\(String(repeating: "x", count: 2000))\"}\n", to: "a.jsonl", life)
                await life.settle()
                try await stage.pass(.seconds(30))
            }
            #expect(try stage.end.manifest("a").segments.count == 66)
            #expect(try Tree.files(stage.scratch("state/spool")).isEmpty)
            // And joined when they can be: the manifest is short again.
            stage.end.weather = .fair
            try await stage.pass(.seconds(3600))
            #expect(try stage.end.manifest("a").segments.count < 65)
        }
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
    }
}
