import Delivery
import Digests
import LinuxSystem
import Redaction
import Segments
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

@Suite("A segment that older rules cut")
struct OutdatedSegmentTests {
    private static let lines = (1...6).map { RewritingScene.line($0, isSecret: $0 % 3 == 0) }
    private static var redacted: String {
        lines.joined().split(separator: RewritingScene.secret, omittingEmptySubsequences: false)
            .joined(separator: RewritingScene.marker)
    }

    /// Three segments in the spool, of which no store has anything.
    private static func stage(seed: UInt64 = 1, ends: [String] = ["store"]) throws -> Stage {
        let stage = try Stage(seed: seed, ends: ends) { $0.segments.codec = .none }
        for end in stage.ends.values { end.weather = .down(DeliveryError(.transient, "away")) }
        try stage.live(redactor: try RewritingScene.weak()) { life in
            for pair in 0..<3 {
                try stage.append(lines[pair * 2] + lines[pair * 2 + 1], to: "a.jsonl", life)
                await life.parts.supervisor.flush(nil)
            }
            #expect(try await life.segments("a").count == 3)
        }
        return stage
    }

    @Test("leaves by the rules in force, under its number; one of which no byte changes stays as it is")
    func renewed() throws {
        let stage = try Self.stage(ends: ["store", "mirror"])
        for end in stage.ends.values { end.weather = .fair }
        try stage.live(redactor: try RewritingScene.strict()) { life in
            await life.settle()
            for (name, end) in stage.ends {
                #expect(try RewritingScene.scan(end).isEmpty, "\(name)")
                #expect(try end.content("a") == Array(Self.redacted.utf8), "\(name)")
                let manifest = try end.manifest("a")
                let (rules, strays) = (try RewritingScene.strict().rules, try end.strays())
                #expect(Set(manifest.segments.map(\.rules)) == [rules])
                #expect(manifest.superseded.isEmpty && strays.isEmpty)
                #expect(!end.history.contains { $0.contains("delete") })
            }
            let segments = try await life.segments("a")
            #expect(segments.map(\.firstLine) == segments.map { $0.firstLine }.sorted())
            #expect(segments.reduce(0) { $0 + $1.lines } == 6)
            #expect(segments.reduce(0) { $0 + ($1.redactions["own_1"] ?? 0) } == 2)
            #expect(life.board.snapshot().health.isEmpty)
            // The session goes on, and its chain is that of what is stored.
            try stage.append(RewritingScene.line(7), to: "a.jsonl", life)
            await life.settle()
            let chain = try #require(try stage.end.manifest("a").chain?.streams["main"]?["1"])
            #expect(chain == RunningDigest.digest(of: Array((Self.redacted + RewritingScene.line(7)).utf8)))
        }
    }

    @Test(
        "is redacted again before its claim wherever the daemon dies on the way",
        arguments: [
            FaultPoint.rewriteWritten, .rewriteRenamed, .rewriteCommitted, .rewriteUnlinked,
        ])
    func killed(_ point: FaultPoint) throws {
        for count in 1...2 {
            let stage = try Self.stage(seed: UInt64(count))
            stage.end.weather = .fair
            try stage.world.run { [stage] in
                let life = try await stage.start(redactor: try RewritingScene.strict())
                let died = Doorbell()
                stage.faults.stop(at: point, count: count) {
                    life.line.cut()
                    died.ring()
                }
                await life.engine.live()
                life.parts.delivery.ring()
                _ = await died.wait(on: stage.world.time)
                #expect(stage.faults.count(point) >= count)
                await life.engine.stop(deadline: nil)
            }
            #expect(try RewritingScene.scan(stage.end).isEmpty)
            try stage.live(redactor: try RewritingScene.strict()) { (life) async throws in
                await life.settle()
                #expect(try stage.end.content("a") == Array(Self.redacted.utf8))
                #expect(try RewritingScene.scan(stage.end).isEmpty)
                #expect(life.board.snapshot().health.isEmpty)
            }
        }
    }

    @Test("stays as it is where nothing is redacted any more")
    func off() throws {
        let stage = try Self.stage()
        stage.end.weather = .fair
        try stage.live { (life) async throws in
            await life.settle()
            #expect(try stage.end.content("a") == Array(Self.lines.joined().utf8))
        }
    }
}
