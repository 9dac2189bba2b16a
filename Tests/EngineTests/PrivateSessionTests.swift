import ControlPlane
import Delivery
import LinuxSystem
import Shared
import Store
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("A private session")
struct PrivateSessionTests {
    static func desk(_ life: Life) -> ControlDesk {
        ControlDesk(engine: life.parts) { () async throws(ControlError) in
            ReloadReply(file: nil, changed: [])
        } configuration: {
            ConfigurationReply(file: nil, settings: [])
        }
    }

    static func silent<Element: Sendable>() -> ReplySink<Element> { ReplySink { _ in } }

    /// Whatever is under way when it is asked, and however long that takes.
    @Test("has nothing on its way when that was answered, and nothing of it is put later", arguments: 1...30)
    func nothingLater(seed: UInt64) throws {
        let stage = try Stage(seed: seed, ends: ["store", "mirror"])
        let sid = try #require(SessionID("a"))
        for end in stage.ends.values { end.weather = .rough }
        @Sendable func puts() -> Int {
            stage.ends.values.reduce(0) { $0 + $1.history.count { $0.contains("put sessions/a/") } }
        }
        @Sendable func line(_ number: Int) -> String { "{\"n\":\(number)}\n" }
        try stage.live { life in
            for number in 0..<20 {
                for name in ["a", "b"] { try stage.append(line(number), to: "\(name).jsonl", life) }
                try await stage.pass(stage.world.random.duration(within: .milliseconds(10) ... .seconds(8)))
                if number == 10 {
                    let reply = try await Self.desk(life).addPrivate(sid, progress: Self.silent())
                    #expect(reply.changed && reply.waitingFor.isEmpty)
                    #expect(life.store.departures.stores(of: sid).isEmpty)
                    let before = puts()
                    try await stage.pass(.seconds(60))
                    #expect(puts() == before, "seed \(seed)")
                }
            }
            let before = puts()
            for end in stage.ends.values { end.weather = .fair }
            await life.parts.delivery.retry()
            await life.settle()
            #expect(puts() == before, "seed \(seed)")
            #expect(try stage.contents("b") == [(0..<20).map(line).joined()])
            #expect(try await Self.desk(life).removePrivate(sid).changed)
            await life.settle()
            #expect(try stage.contents("a") == [(0..<20).map(line).joined()], "seed \(seed)")
        }
    }

    @Test("is answered for when a put that hangs has ended, and says meanwhile whom it waits for")
    func hangs() throws {
        let stage = try Stage()
        let sid = try #require(SessionID("a"))
        try stage.live { life in
            stage.end.weather.delay = .seconds(300) ... .seconds(300)
            try stage.append("{\"n\":1}\n", to: "a.jsonl", life)
            await life.parts.supervisor.flush(nil)
            while life.store.departures.stores(of: sid).isEmpty { try await stage.pass(.milliseconds(100)) }
            let asked = stage.world.time.now
            let names = WaitingNames()
            _ = try await Self.desk(life).addPrivate(sid, progress: ReplySink { names.add($0.waitingFor) })
            #expect(stage.world.time.now - asked > .seconds(60))
            #expect(names.all == ["store"])
            stage.end.weather = .fair
            await life.settle()
            #expect(!stage.end.history.contains { $0.contains("/segments/") })
        }
    }

    @Test("holds nobody up, and is not at risk")
    func holdsNobody() throws {
        let stage = try Stage()
        let sid = try #require(SessionID("a"))
        try stage.live { life in
            let desk = Self.desk(life)
            stage.end.weather = .down(.init(.transient, "away"))
            try stage.append("{\"n\":1}\n", to: "a.jsonl", life)
            await life.parts.supervisor.flush(nil)
            #expect(try await desk.sessions(SessionFilter(atRisk: true), limit: 9).map(\.sid) == [sid])
            _ = try await desk.addPrivate(sid, progress: Self.silent())
            #expect(try await desk.sessions(SessionFilter(atRisk: true), limit: 9).isEmpty)
            #expect(try await desk.sessions(SessionFilter(isPrivate: true), limit: 9).map(\.standing) == [.private])
            try stage.append("{\"n\":2}\n", to: "a.jsonl", life)
            stage.end.weather = .fair
            let flushed = try await desk.flush(
                FlushRequest(.everything, wait: true), passed: nil, progress: Self.silent())
            #expect(flushed.queued == 0 && flushed.held.isEmpty && flushed.notTaken.isEmpty)
            await #expect(throws: ControlError.self) {
                try await desk.flush(FlushRequest(.session(sid), wait: true), passed: nil, progress: Self.silent())
            }
            #expect(try await desk.status().reply.destinations.map(\.queued) == [0])
            #expect(!stage.end.keys.contains { $0.hasPrefix("sessions/a/") })
        }
    }
}

/// What was said to be waited for.
private final class WaitingNames: Sendable {
    private let names = Mutex<Set<String>>([])
    func add(_ more: [String]) { names.withLock { $0.formUnion(more) } }
    var all: Set<String> { names.withLock { $0 } }
}
