import Delivery
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// What a daemon finds in a store where its manifest is, or would be.
@Suite("A writer's place")
struct WriterPlacesTests {
    private static let manifest = "\(Stage.prefix)a/manifest.json"

    private static func line(_ number: Int) -> String { "{\"n\":\(number)}\n" }

    /// Another writer's manifest, in the place of ours.
    private static func other(_ stage: Stage, writer: String = "00000000000000ff") throws -> [UInt8] {
        var manifest = try stage.end.manifest("a")
        manifest.writer = writer
        manifest.epoch += 100
        return try JSONText.encode(manifest, pretty: true)
    }

    private static func conflicts(_ life: Life) -> [HealthEntry] {
        life.board.snapshot().health.filter { $0.kind == "delivery_conflict" }
    }

    @Test("is claimed before anything is put: by a manifest that lists nothing")
    func claim() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append(Self.line(1), to: "a.jsonl", life)
            await life.settle()
            let puts = stage.end.history.filter { $0.contains("put ") && $0.contains("/a/") }
            #expect(puts.first?.hasSuffix(Self.manifest) == true && puts.last?.hasSuffix(Self.manifest) == true)
            #expect(puts.count == 3)
        }
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
    }

    @Test("is not written over when another has put something there, and is again when ours is back")
    func meddled() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append(Self.line(1), to: "a.jsonl", life)
            await life.settle()
            let ours = try #require(stage.end.objects[Self.manifest])
            let theirs = try Self.other(stage)
            stage.end.meddle(Self.manifest, theirs)
            try stage.append(Self.line(2), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(1000))
            #expect(stage.end.objects[Self.manifest] == theirs)
            #expect(Self.conflicts(life).map(\.subject) == ["store/a"])
            #expect(try Tree.files(stage.scratch("state/spool")).count == 1)
            // Other sessions go on.
            try stage.append(Self.line(1), to: "b.jsonl", life)
            await life.settle()
            #expect(try stage.end.content("b") == stage.source("b.jsonl"))
            stage.end.meddle(Self.manifest, ours)
            try await stage.pass(.seconds(301))
            #expect(try Tree.files(stage.scratch("state/spool")).isEmpty)
        }
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
    }

    @Test("is not taken from the one who has it meanwhile by a life that knows nothing of it")
    func restarted() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append(Self.line(1), to: "a.jsonl", life)
            await life.settle()
        }
        let theirs = try Self.other(stage)
        stage.end.meddle(Self.manifest, theirs)
        try stage.live { life in
            try stage.append(Self.line(2), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(1000))
            #expect(Self.conflicts(life).count == 1)
        }
        #expect(stage.end.objects[Self.manifest] == theirs)
        #expect(stage.end.keys.filter { $0.contains("writers/") }.isEmpty)
    }

    @Test("is still ours when the answer to a put was lost, or when nobody noted it before a crash")
    func lostAnswer() throws {
        let stage = try Stage()
        try stage.world.run {
            for round in 1...4 {
                let life = try await stage.start()
                await life.engine.live()
                stage.end.weather.losing = round % 2 == 0 ? 60 : 0
                try stage.append(Self.line(round), to: "a.jsonl", life)
                if round == 3 { stage.faults.stop(at: .manifestPut) { life.line.cut() } }
                try await stage.pass(.seconds(200))
                #expect(Self.conflicts(life).isEmpty)
                stage.end.weather = .fair
                await life.engine.stop(deadline: nil)
            }
            let life = try await stage.start()
            await life.engine.live()
            await life.settle()
            await life.engine.stop(deadline: nil)
        }
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
        #expect(stage.log.count(.manifestConflict) == 0)
    }

    @Test("with a manifest that lists what does not fit ours is left as it is")
    func contradiction() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append(Self.line(1), to: "a.jsonl", life)
            await life.settle()
            try stage.append(Self.line(2), to: "a.jsonl", life)
            await life.settle()
            // Somebody with a copy of our state directory has cut the same lines in another way.
            var manifest = try stage.end.manifest("a")
            manifest.segments[1].sourceOffset = 2
            manifest.segments[1].path = "segments/session-000002-0000000000000000.jsonl.gz"
            manifest.segments[1].objectChecksum = manifest.segments[0].objectChecksum
            let theirs = try JSONText.encode(manifest, pretty: true)
            stage.end.meddle(Self.manifest, theirs)
            try stage.append(Self.line(3), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(100))
            #expect(Self.conflicts(life).count == 1)
            #expect(stage.end.objects[Self.manifest] == theirs)
        }
    }

    /// The home and the state directory go back to what they were when a session had one line; `after` its lines are
    /// `others`, and a daemon goes on. The store knows of lines 2 to 4, `cut` at a time.
    private func restored(
        _ others: [String], cut: Int, body: @escaping @Sendable (Stage, Life) async throws -> Void
    ) throws -> Stage {
        let stage = try Stage { $0.merge.enabled = false }
        try stage.live { life in
            try stage.append(Self.line(1), to: "a.jsonl", life)
            await life.settle()
        }
        try Tree.copy(stage.scratch("state"), to: stage.scratch("older"))
        try stage.live { life in
            for first in stride(from: 2, through: 4, by: cut) {
                let lines = (first..<min(first + cut, 5)).map(Self.line).joined()
                try stage.append(lines, to: "a.jsonl", life)
                await life.settle()
            }
        }
        Tree.remove(stage.scratch("state"))
        try Tree.copy(stage.scratch("older"), to: stage.scratch("state"))
        try stage.scratch.write(Self.line(1), to: "home/a.jsonl")
        try stage.live { life in
            try stage.append(others.joined(), to: "a.jsonl", life)
            await life.settle()
            try await body(stage, life)
        }
        return stage
    }

    @Test("keeps the lines that it has when a restored home has others in their place", arguments: [1, 3], [2, 3, 6])
    func restoredWithOthers(_ cut: Int, _ count: Int) throws {
        let others = (0..<count).map { Self.line(5 + $0) }
        let stage = try restored(others, cut: cut) { stage, life in
            #expect(Self.conflicts(life).map(\.subject) == ["store/a"])
            let spooled = try Tree.files(stage.scratch("state/spool"))
            #expect(spooled.count == 1)
            let own = try await life.segments("a").map(\.lines)
            #expect(own == [1, count])
        }
        #expect(try stage.end.content("a") == Array((1...4).map(Self.line).joined().utf8))
        #expect(try stage.end.manifest("a").superseded.isEmpty)
    }

    @Test("goes on where a restored state directory has cut the same lines in another way", arguments: [1, 2, 3])
    func restoredWithTheSame(_ cut: Int) throws {
        let stage = try restored((2...6).map(Self.line), cut: cut) { stage, life in
            #expect(Self.conflicts(life).isEmpty)
            let spooled = try Tree.files(stage.scratch("state/spool"))
            #expect(spooled.isEmpty)
        }
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
    }
}
