import Delivery
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("A destination at the other end of a network")
struct FailingDestinationTests {
    private static let away = DeliveryError(.transient, "nobody answers")
    private static let wrongKey = DeliveryError(.authentication, "the key is refused", retryAfter: .seconds(30))

    private func stage(credentials: String? = nil, concurrency: Int = 16, seed: UInt64 = 1) throws -> Stage {
        try Stage(seed: seed) { configuration in
            let place = BucketPlace(
                endpoint: "https://far.example", bucket: "sessions", prefix: "sessions/", region: "us-east-1",
                pathStyle: true)
            configuration.destinations[0].place = .s3(place)
            configuration.destinations[0].credentials = credentials.map { .file($0, guarded: false) }
            configuration.destinations[0].transport.concurrency = concurrency
        }
    }

    private func append(_ sessions: Range<Int>, _ stage: Stage, _ life: Life?) throws {
        for number in sessions { try stage.append("{\"n\":\(number)}\n", to: "s\(number).jsonl", life) }
    }

    private func expectAll(_ sessions: Range<Int>, _ stage: Stage) throws {
        for number in sessions {
            let content = try stage.end.content("s\(number)")
            #expect(try content == stage.source("s\(number).jsonl"), "s\(number)")
        }
        #expect(stage.end.changed.isEmpty)
    }

    @Test("is asked one thing at a time while it fails, ever more seldom, and all at once when it is back")
    func probing() throws {
        let stage = try stage()
        try stage.live { life in
            try append(0..<2, stage, life)
            await life.settle()
            stage.end.weather = .down(Self.away)
            stage.end.weather.delay = .milliseconds(50) ... .milliseconds(50)
            try append(0..<120, stage, life)
            await life.parts.supervisor.flush(nil)
            try await stage.pass(.seconds(10))
            // What was under way when it failed has ended by now.
            _ = stage.end.takeMostAtOnce()
            let before = stage.end.requests
            try await stage.pass(.seconds(3600))
            #expect(stage.end.takeMostAtOnce() == 1)
            // Half a minute at most, a quarter on average; not too seldom either.
            let asked = stage.end.requests - before
            #expect((120...480).contains(asked), "\(asked) requests in an hour")
            stage.end.weather.error = nil
            try await stage.pass(.seconds(60))
            let most = stage.end.takeMostAtOnce()
            #expect(most > 4 && most <= 16 + 16 / 3, "\(most) side by side")
        }
        try expectAll(0..<120, stage)
    }

    @Test("has fewer requests to answer when it says that they are too many")
    func pushback() throws {
        let stage = try stage()
        try stage.live { life in
            stage.end.weather.delay = .milliseconds(50) ... .milliseconds(50)
            try append(0..<200, stage, life)
            await life.settle()
            let worker = life.parts.delivery.workers[0]
            #expect(worker.trips.allowed == 16)
            stage.end.weather.error = DeliveryError(.transient, "slow down", isPushback: true)
            try append(0..<200, stage, life)
            await life.parts.supervisor.flush(nil)
            try await stage.pass(.seconds(300))
            #expect(worker.trips.allowed < 8, "\(worker.trips.allowed)")
            stage.end.weather.error = nil
        }
        try stage.live { life in await life.settle() }
        try expectAll(0..<200, stage)
    }

    @Test("that fails one of twelve requests gets everything, and is never left alone for long", arguments: 1...5)
    func failingInPart(seed: UInt64) throws {
        let stage = try stage(seed: seed)
        try stage.live { life in
            try append(0..<1, stage, life)
            await life.settle()
            stage.end.weather.delay = .milliseconds(20) ... .milliseconds(20)
            stage.end.weather.failing = 8
            try append(0..<200, stage, life)
            await life.parts.supervisor.flush(nil)
            let began = stage.world.time.now
            let isAll = await life.parts.delivery.settled(perseveres: true)
            let took = stage.world.time.now - began
            print("seed \(seed): 200 sessions in \(took), \(stage.end.requests) requests")
            #expect(isAll.isEmpty, "\(isAll)")
            #expect(took < .seconds(60), "\(took)")
        }
        try expectAll(0..<200, stage)
    }

    @Test("that comes back within a minute has all at the end of a run", arguments: 1...20)
    func perseverance(seed: UInt64) throws {
        let stage = try stage(seed: seed)
        try append(0..<20, stage, nil)
        try stage.world.run {
            let life = try await stage.start(once: true)
            await life.engine.live()
            stage.end.weather = .down(Self.away)
            let healing = stage.world.executor("weather").start {
                try? await stage.pass(.seconds(50))
                stage.end.weather = .fair
            }
            let reasons = await life.engine.finish()
            #expect(reasons == [])
            await healing.value
            await life.engine.stop(deadline: nil)
        }
        try expectAll(0..<20, stage)
    }

    @Test("that stays away, or refuses the key, is not waited for at the end of a run", arguments: [true, false])
    func noHope(isAway: Bool) throws {
        let stage = try stage()
        try append(0..<20, stage, nil)
        try stage.world.run {
            let life = try await stage.start(once: true)
            await life.engine.live()
            stage.end.weather = .down(isAway ? Self.away : Self.wrongKey)
            let began = stage.world.time.now
            let reasons = await life.engine.finish()
            let took = stage.world.time.now - began
            #expect(reasons.count == 1 && reasons[0].contains(isAway ? "nobody answers" : "refused"), "\(reasons)")
            #expect(isAway ? took >= .seconds(60) && took < .seconds(100) : took < .seconds(30), "\(took)")
            await life.engine.stop(deadline: nil)
        }
    }

    @Test("which refuses the key is tried within seconds of another one being written")
    func credentials() throws {
        let folder = try Scratch("credentials")
        try folder.append(Array("old\n".utf8), to: "key", at: WallTime(nanoseconds: 0))
        let stage = try stage(credentials: folder("key"))
        try stage.live { life in
            try append(0..<3, stage, life)
            await life.settle()
            stage.end.weather = .down(Self.wrongKey)
            try append(0..<3, stage, life)
            await life.settle()
            #expect(life.board.snapshot().destinations["store"]?.state == .held)
            try await stage.pass(.seconds(600))
            let before = stage.end.requests
            try await stage.pass(.seconds(600))
            let asked = stage.end.requests - before
            #expect((15...25).contains(asked), "\(asked) probes in ten minutes")
            // The moment right after a probe.
            let seen = stage.end.requests
            while stage.end.requests == seen { try await stage.pass(.milliseconds(100)) }
            stage.end.weather = .fair
            try folder.append(Array("new\n".utf8), to: "key", at: WallTime(nanoseconds: 0))
            try await stage.pass(.seconds(3))
            #expect(life.board.snapshot().destinations["store"]?.state == .active)
        }
        try expectAll(0..<3, stage)
    }
}
