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

/// Sessions whose lines were cut by rules that did not know a secret, and lives of a daemon by rules that do.
enum RewritingScene {
    /// By these nothing that is in the lines is a secret.
    static func weak() throws -> Redactor { try redactor(["gone-[0-9]{8}"]) }
    static func strict() throws -> Redactor { try redactor(["gone-[0-9]{8}", "zebra-[0-9]{8}"]) }

    private static func redactor(_ expressions: [String]) throws -> Redactor {
        let rules = expressions.enumerated().map {
            RedactionRule("own-\($0)", $1, source: "", examples: [], nearMisses: [])
        }
        return Redactor(rules: try RedactionRules(RuleSet(rules: rules, fields: [])))
    }

    static let secret = "zebra-12345678"
    static let marker = "[REDACTED:own_1]"

    static func line(_ number: Int, isSecret: Bool = false) -> String {
        "{\"n\":\(number),\"text\":\"\(isSecret ? secret : "plain")\"}\n"
    }

    /// What a store has, without compression: an independent scan of every object.
    static func scan(_ end: FarEnd) throws -> [String] {
        try end.keys.filter { try holds(end.objects[$0] ?? [], secret) }
    }

    private static func holds(_ bytes: [UInt8], _ word: String) throws -> Bool {
        String(decoding: bytes, as: UTF8.self).contains(word)
    }
}

@Suite("Redacting again what was delivered")
struct RewritingTests {
    private static let compacted =
        "{\"type\":\"compacted\",\"n\":9,\"payload\":{\"label\":\"\(RewritingScene.secret)\"}}\n"
    private static let lines: [String] =
        (1...8).map { RewritingScene.line($0, isSecret: $0 == 2 || $0 == 7) } + [compacted] + [RewritingScene.line(10)]
    private static let plain = (1...4).map { RewritingScene.line($0) }

    private static func redacted(_ text: String) -> String {
        text.split(separator: RewritingScene.secret, omittingEmptySubsequences: false)
            .joined(separator: RewritingScene.marker)
    }

    /// Two sessions in two stores: one with secrets, of several segments, some of them joined, and a checkpoint; one without.
    private static func stage(seed: UInt64 = 1, isEnded: Bool = false) throws -> Stage {
        let stage = try Stage(seed: seed, ends: ["store", "mirror"]) { $0.segments.codec = .none }
        try stage.live(redactor: try RewritingScene.weak()) { life in
            for (name, lines) in [("a", Self.lines), ("b", plain)] {
                for pair in stride(from: 0, to: lines.count, by: 2) {
                    try stage.append(lines[pair..<min(pair + 2, lines.count)].joined(), to: "\(name).jsonl", life)
                    await life.settle()
                }
            }
            if isEnded {
                try stage.append("{\"type\":\"session.shutdown\"}\n", to: "a.jsonl", life)
                await life.parts.supervisor.flush(nil)
                await life.parts.merging?.merged()
                await life.settle()
            }
            #expect(try !RewritingScene.scan(stage.end).isEmpty)
        }
        return stage
    }

    private static func expectClean(_ stage: Stage, isEnded: Bool = false) throws {
        let text = lines.joined() + (isEnded ? "{\"type\":\"session.shutdown\"}\n" : "")
        for (name, end) in stage.ends {
            let (scan, strays, manifest) = (try RewritingScene.scan(end), try end.strays(), try end.manifest("a"))
            #expect(scan.isEmpty, "\(name)")
            #expect(strays.isEmpty, "\(name)")
            let (a, b) = (try end.content("a"), try end.content("b"))
            #expect(String(decoding: a, as: UTF8.self) == redacted(text), "\(name)")
            #expect(b == Array(plain.joined().utf8), "\(name)")
            #expect(manifest.chain?.streams["main"]?["1"] == RunningDigest.digest(of: Array(redacted(text).utf8)))
            #expect(manifest.checkpoints.count == 1)
            for checkpoint in manifest.checkpoints {
                #expect(end.keys.contains("\(Stage.prefix)a/checkpoints/\(checkpoint.id).json"), "\(name)")
            }
        }
    }

    @Test(
        "leaves nothing of a secret that only today's rules know, in any store, at once; all other bytes stay",
        arguments: [
            false, true,
        ])
    func all(isEnded: Bool) throws {
        let stage = try Self.stage(isEnded: isEnded)
        let before = stage.ends.mapValues { end in end.keys.filter { $0.contains("/b/segments/") } }
        try stage.live(redactor: try RewritingScene.strict()) { life in
            let began = stage.world.time.now
            let reply = try await PrivateSessionTests.desk(life).resend(
                ResendRequest(.redacted(nil)), progress: PrivateSessionTests.silent())
            #expect(reply.left.isEmpty && reply.failed.isEmpty && reply.waitingFor.isEmpty)
            #expect(reply.segments > 0 && reply.unchanged > 0)
            #expect(stage.world.time.now - began < .seconds(120))
            await life.settle()
            try Self.expectClean(stage, isEnded: isEnded)
            for (name, end) in stage.ends {
                #expect(end.keys.filter { $0.contains("/b/segments/") } == before[name])
            }
            #expect(life.board.snapshot().health.isEmpty)
            let (rules, left) = (try RewritingScene.strict().rules, try await life.store.condemned(of: nil))
            #expect(left.isEmpty)
            try await stage.pass(.seconds(1))
            #expect(try await life.store.rewritingProgress(of: nil, by: rules).sessions == 0)
            // Here, too: neither the spool nor what is kept of the manifest has it.
            let kept = try Files.readAll(life.store.directory.manifest(of: try life.key("a").session))
            #expect(!String(decoding: kept, as: UTF8.self).contains(RewritingScene.secret))
            // Again: there is nothing to do.
            let history = stage.end.history.count
            let again = try await PrivateSessionTests.desk(life).resend(
                ResendRequest(.redacted(nil)), progress: PrivateSessionTests.silent())
            #expect(again.segments == 0 && stage.end.history.count == history)
        }
    }

    @Test(
        "goes on after a start wherever the daemon died, and at no moment is a line in no object",
        arguments: [
            FaultPoint.rewriteWritten, .rewriteRenamed, .rewriteCommitted, .rewriteUnlinked, .rewriteSettled,
            .deliverPut,
            .deliverReceipt, .manifestPut, .manifestRow, .rewriteDeleted,
        ])
    func killed(_ point: FaultPoint) throws {
        for count in [1, 2] {
            let stage = try Self.stage(seed: UInt64(count))
            try stage.world.run { [stage] in
                let life = try await stage.start(redactor: try RewritingScene.strict())
                let died = Doorbell()
                await life.engine.live()
                stage.faults.stop(at: point, count: count) {
                    life.line.cut()
                    died.ring()
                }
                let asking = life.parts.world.loop.start {
                    _ = try? await PrivateSessionTests.desk(life).resend(
                        ResendRequest(.redacted(nil)), progress: PrivateSessionTests.silent())
                }
                _ = await died.wait(until: stage.world.time.now + .seconds(300), on: stage.world.time)
                asking.cancel()
                await life.engine.stop(deadline: nil)
            }
            for end in stage.ends.values {
                let now = String(decoding: try end.content("a"), as: UTF8.self)
                #expect(Self.redacted(now) == Self.redacted(Self.lines.joined()))
            }
            try stage.live(redactor: try RewritingScene.strict()) { life in
                let rules = try RewritingScene.strict().rules
                var waited = 0
                while try await life.store.rewritingProgress(of: nil, by: rules).sessions > 0, waited < 600 {
                    try await stage.pass(.seconds(1))
                    waited += 1
                }
                #expect(waited < 600, "\(point) \(count)")
                await life.settle()
                try Self.expectClean(stage)
                #expect(life.board.snapshot().health.isEmpty)
            }
        }
    }

    @Test("is told of a destination that is away, and done there when that is back, after a start, too")
    func away() throws {
        let stage = try Self.stage()
        let mirror = try #require(stage.ends["mirror"])
        mirror.weather = .down(DeliveryError(.transient, "away"))
        try stage.live(redactor: try RewritingScene.strict()) { life in
            let reply = try await PrivateSessionTests.desk(life).resend(
                ResendRequest(.redacted(nil)), progress: PrivateSessionTests.silent())
            #expect(reply.left == [ForgetReply.Leftover(destination: "mirror", reason: "away", willGo: true)])
            #expect(try RewritingScene.scan(stage.end).isEmpty)
            #expect(try !RewritingScene.scan(mirror).isEmpty)
        }
        mirror.weather = .fair
        try stage.live(redactor: try RewritingScene.strict()) { life in
            let rules = try RewritingScene.strict().rules
            while try await life.store.rewritingProgress(of: nil, by: rules).sessions > 0 {
                try await stage.pass(.seconds(1))
            }
            await life.settle()
            try Self.expectClean(stage)
        }
    }

    @Test("is refused where nothing is redacted, and for a session that is private or not there")
    func refused() throws {
        let stage = try Self.stage()
        try stage.live { life in
            await #expect { _ = try await Self.ask(life, "a") } throws: { ($0 as? ControlError)?.code == .refused }
        }
        try stage.live(redactor: try RewritingScene.strict()) { life in
            await #expect { _ = try await Self.ask(life, "x") } throws: {
                ($0 as? ControlError)?.code == .noSuchSession
            }
            _ = try await PrivateSessionTests.desk(life).addPrivate(
                try life.key("a").session, progress: PrivateSessionTests.silent())
            await #expect { _ = try await Self.ask(life, "a") } throws: { ($0 as? ControlError)?.code == .refused }
        }
    }

    private static func ask(_ life: Life, _ sid: String) async throws -> ResendReply {
        try await PrivateSessionTests.desk(life).resend(
            ResendRequest(.redacted(try life.key(sid).session)), progress: PrivateSessionTests.silent())
    }

    @Test("delivered again, a session has every object where one was missing, and what is whole stays")
    func again() throws {
        let stage = try Self.stage()
        try stage.live(redactor: try RewritingScene.weak()) { life in
            let mirror = try #require(stage.ends["mirror"])
            let lost = try #require(mirror.keys.first { $0.contains("a/segments/") })
            mirror.meddle(lost, nil)
            let epoch = try mirror.manifest("a").epoch
            let reply = try await PrivateSessionTests.desk(life).resend(
                ResendRequest(.again(try life.key("a").session, destination: "mirror")),
                progress: PrivateSessionTests.silent())
            #expect(reply.left.isEmpty && reply.segments == 1 && reply.unchanged > 0)
            let (content, now) = (try mirror.content("a"), try mirror.manifest("a").epoch)
            #expect(mirror.keys.contains(lost) && content == Array(Self.lines.joined().utf8) && now > epoch)
            #expect(stage.end.history.last?.contains("put sessions/a/segments") != true)
        }
    }
}
