import ControlPlane
import Delivery
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

@Suite("A forgotten session")
struct ForgettingSessionTests {
    private func keys(_ end: FarEnd) -> [String] { end.keys.filter { $0.hasPrefix("sessions/a/") } }

    @Test("leaves nothing but its tombstone in any store, whatever is under way", arguments: 1...20)
    func gone(seed: UInt64) throws {
        let stage = try Stage(seed: seed, ends: ["store", "mirror"])
        let sid = try #require(SessionID("a"))
        for end in stage.ends.values { end.weather = .rough }
        try stage.live { life in
            for number in 0..<16 {
                for name in ["a", "b"] { try stage.append("{\"n\":\(number)}\n", to: "\(name).jsonl", life) }
                try await stage.pass(stage.world.random.duration(within: .milliseconds(10) ... .seconds(8)))
                if number == 8 {
                    // Nobody knows a session of which nothing was sealed yet.
                    await life.parts.supervisor.flush(nil)
                    _ = try await PrivateSessionTests.desk(life).forget(sid, progress: PrivateSessionTests.silent())
                }
            }
            for end in stage.ends.values { end.weather = .fair }
            await life.parts.forgetting.retry()
            await life.parts.forgetting.settled()
            await life.parts.delivery.retry()
            await life.settle()
            // A store that could not be read to its end in that weather is read again half a minute later.
            try await stage.pass(.seconds(31))
            for end in stage.ends.values { #expect(keys(end) == ["sessions/a/forgotten.json"], "seed \(seed)") }
            #expect(try stage.contents("b") == [(0..<16).map { "{\"n\":\($0)}\n" }.joined()])
            #expect(life.board.snapshot().health.isEmpty)
            #expect(try await life.store.isPurged(sid))
        }
    }

    @Test("is no other one where its file has another name, before or after", arguments: [false, true], [false, true])
    func renamed(isRenamedFirst: Bool, isRestarted: Bool) throws {
        let stage = try Stage()
        let sid = try #require(SessionID("a"))
        let rename: @Sendable (Life) async throws -> Void = { life in
            try Files.rename(stage.scratch("home/a.jsonl"), to: stage.scratch("home/d.jsonl"), replacing: true)
            life.watcher.moved("a.jsonl", "d.jsonl")
            life.watcher.rang("d.jsonl")
            await life.settle()
        }
        let goOn: @Sendable (Life) async throws -> Void = { life in
            try stage.append("{\"n\":2}\n", to: "d.jsonl", life)
            await life.settle()
            #expect(keys(stage.end) == ["sessions/a/forgotten.json"])
            #expect(!stage.end.keys.contains { $0.hasPrefix("sessions/d/") })
        }
        try stage.live { life in
            try stage.append("{\"n\":1}\n", to: "a.jsonl", life)
            await life.settle()
            if isRenamedFirst { try await rename(life) }
            _ = try await PrivateSessionTests.desk(life).forget(sid, progress: PrivateSessionTests.silent())
            await life.settle()
            if !isRenamedFirst { try await rename(life) }
            if !isRestarted { try await goOn(life) }
        }
        if isRestarted { try stage.live { try await goOn($0) } }
    }

    @Test("is deleted in a destination that was away when that is back, over a restart, and says so meanwhile")
    func away() throws {
        let stage = try Stage(ends: ["store", "mirror"])
        let sid = try #require(SessionID("a"))
        let mirror = try #require(stage.ends["mirror"])
        try stage.live { life in
            try stage.append("{\"n\":1}\n", to: "a.jsonl", life)
            await life.settle()
            mirror.weather = .down(DeliveryError(.transient, "away"))
            let reply = try await PrivateSessionTests.desk(life).forget(sid, progress: PrivateSessionTests.silent())
            #expect(reply.deleted == ["store"])
            #expect(reply.left == [ForgetReply.Leftover(destination: "mirror", reason: "away", willGo: true)])
            #expect(life.board.snapshot().health.map(\.kind).contains("forget_pending"))
        }
        #expect(keys(mirror).count > 1)
        mirror.weather = .fair
        try stage.live { life in
            await life.parts.forgetting.settled()
            #expect(keys(mirror) == ["sessions/a/forgotten.json"])
            #expect(life.board.snapshot().health.isEmpty)
        }
    }

    @Test("that nobody knows is not taken for deleted; one that only a store has is deleted")
    func unknown() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append("{\"n\":1}\n", to: "a.jsonl", life)
            await life.settle()
        }
        try stage.world.run { [stage] in
            let life = try await stage.start("other")
            await life.engine.live()
            let desk = PrivateSessionTests.desk(life)
            let nobody = try #require(SessionID("nobody"))
            await #expect { try await desk.forget(nobody, progress: PrivateSessionTests.silent()) } throws: {
                ($0 as? ControlError)?.code == .noSuchSession
            }
            #expect(!stage.end.keys.contains { $0.hasPrefix("sessions/nobody/") })
            _ = try await desk.forget(try #require(SessionID("a")), progress: PrivateSessionTests.silent())
            #expect(stage.end.keys.filter { $0.hasPrefix("sessions/a/") } == ["sessions/a/forgotten.json"])
            await life.engine.stop(deadline: nil)
        }
    }

    @Test("gets nothing more from another machine that was writing it, and that deletes what it put since")
    func otherMachine() throws {
        let stage = try Stage()
        let sid = try #require(SessionID("a"))
        try stage.world.run { [stage] in
            let one = try await stage.start("one")
            await one.engine.live()
            try stage.append("{\"n\":1}\n", to: "a.jsonl", one)
            await one.settle()
            // Another one forgets it, while the first knows where it writes.
            let tombstone = "sessions/a/forgotten.json"
            for key in stage.end.keys where key.hasPrefix("sessions/a/") { stage.end.meddle(key, nil) }
            stage.end.meddle(tombstone, Array("{}".utf8))
            try stage.append("{\"n\":2}\n", to: "a.jsonl", one)
            await one.settle()
            #expect(stage.end.keys.filter { $0.hasPrefix("sessions/a/") } == [tombstone])
            #expect(
                one.board.snapshot().health.contains {
                    $0.kind == "delivery_conflict" && $0.message.contains("forgotten")
                })
            _ = try await PrivateSessionTests.desk(one).forget(sid, progress: PrivateSessionTests.silent())
            await one.settle()
            #expect(stage.end.keys.filter { $0.hasPrefix("sessions/a/") } == [tombstone])
            await one.engine.stop(deadline: nil)
        }
    }
}
