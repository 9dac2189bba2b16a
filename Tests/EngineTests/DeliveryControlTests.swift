import ControlPlane
import Delivery
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("What somebody says about delivery")
struct DeliveryControlTests {
    private static let tooLarge = DeliveryError(.unacceptable, "413 EntityTooLarge", hint: "let it take more")

    private func desk(_ life: Life) -> ControlDesk {
        ControlDesk(engine: life.parts) { () throws(ControlError) in
            throw ControlError(.refused, "there is nothing to reload")
        } configuration: {
            ConfigurationReply(file: nil, settings: [])
        }
    }

    /// A session of three segments, of which the store refuses the second one for good.
    private func refuse(_ stage: Stage, _ life: Life) async throws {
        for number in 1...3 {
            if number == 2 {
                stage.end.weather.failingOnly = "put sessions/a/segments/session-000002"
                stage.end.weather.error = Self.tooLarge
            }
            try stage.append("{\"n\":\(number)}\n", to: "a.jsonl", life)
            try stage.append("{\"m\":\(number)}\n", to: "b.jsonl", life)
            await life.settle()
        }
    }

    private func expectGap(_ stage: Stage, _ reason: String) throws {
        let manifest = try stage.end.manifest("a")
        #expect(manifest.segments.map(\.seq) == [1, 3])
        #expect(manifest.gaps.count == 1)
        #expect(manifest.gaps.first?["seq"]?.int == 2)
        #expect(manifest.gaps.first?["reason"]?.text == reason)
        #expect(manifest.chain?.streams["main"]?["1"] == nil)
        #expect(try stage.end.content("b") == stage.source("b.jsonl"))
    }

    private func spool(_ stage: Stage) throws -> [String] { try Tree.files(stage.scratch("state/spool")).map(\.self) }

    @Test("tries by itself what is refused in words that name no object, as a proxy does that refuses all")
    func refusedByAll() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append("{\"n\":1}\n", to: "a.jsonl", life)
            await life.settle()
            stage.end.weather = .down(DeliveryError(.permanent, "400 Bad Request"))
            for name in ["a", "b"] { try stage.append("{\"n\":2}\n", to: "\(name).jsonl", life) }
            await life.settle()
            try await stage.pass(.seconds(3600))
            #expect(Set(life.board.snapshot().health.map(\.kind)) == ["delivery_refused"])
            #expect(try await desk(life).quarantine(QuarantineRequest(), after: nil, limit: 9).isEmpty)
            stage.end.weather = .fair
            try await stage.pass(.seconds(400))
            for name in ["a", "b"] { #expect(try stage.end.content(name) == stage.source("\(name).jsonl")) }
            #expect(try spool(stage).isEmpty)
            #expect(life.board.snapshot().health.isEmpty, "what was refused has been taken")
        }
    }

    @Test("leaves a segment that is refused for good aside, and delivers what comes behind it and all else")
    func putAside() throws {
        let stage = try Stage()
        try stage.live { life in
            try await refuse(stage, life)
            try expectGap(stage, Self.tooLarge.message)
            let before = stage.end.requests
            try await stage.pass(.seconds(24 * 3600))
            #expect(stage.end.requests - before < 10, "it is tried by nobody")
            #expect(life.board.snapshot().health.map(\.kind) == ["quarantined"])
            let items = try await desk(life).quarantine(QuarantineRequest(destination: "store"), after: nil, limit: 9)
            #expect(items.map(\.seq) == [2] && items.map(\.reason) == [Self.tooLarge.message])
            #expect(items.map(\.sid.rawValue) == ["a"] && items.map(\.hint) == ["let it take more"])
            #expect(try spool(stage).count == 1)
        }
        // In another life, too.
        try stage.live { life in
            try stage.append("{\"n\":4}\n", to: "b.jsonl", life)
            await life.settle()
            try expectGap(stage, Self.tooLarge.message)
            #expect(life.board.snapshot().health.map(\.kind) == ["quarantined"])
            #expect(await life.parts.delivery.settled(perseveres: true).count == 1)
            stage.end.weather = .fair
            #expect(try await desk(life).retryQuarantine(QuarantineRequest(sid: SessionID("b"))) == 0)
            #expect(try await desk(life).retryQuarantine(QuarantineRequest()) == 1)
            await life.settle()
            #expect(life.board.snapshot().health.isEmpty)
            #expect(try spool(stage).isEmpty)
        }
        let manifest = try stage.end.manifest("a")
        #expect(manifest.gaps.isEmpty && manifest.chain?.streams["main"]?["1"] != nil)
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
    }

    @Test("gives up what a store refuses when it is told to, and never takes it again")
    func drop() throws {
        let stage = try Stage()
        try stage.live { life in
            try await refuse(stage, life)
            #expect(try await desk(life).dropQuarantine(QuarantineRequest(id: 99)) == 0)
            #expect(try await desk(life).dropQuarantine(QuarantineRequest(sid: SessionID("a"))) == 1)
            stage.end.weather = .fair
            await life.settle()
            #expect(life.board.snapshot().health.isEmpty)
            #expect(try spool(stage).isEmpty)
        }
        try stage.live { life in
            await life.settle()
            try await stage.pass(.seconds(24 * 3600))
            await life.settle()
            #expect(await life.parts.delivery.settled(perseveres: true).isEmpty)
            #expect(try spool(stage).isEmpty)
        }
        try expectGap(stage, "dropped: \(Self.tooLarge.message)")
    }

    @Test("keeps what one store was told to give up for the others")
    func dropOne() throws {
        let stage = try Stage(ends: ["store", "other"])
        try stage.live { life in
            try await refuse(stage, life)
            #expect(try await desk(life).dropQuarantine(QuarantineRequest(destination: "store")) == 1)
            await life.settle()
            #expect(try spool(stage).isEmpty)
        }
        try expectGap(stage, "dropped: \(Self.tooLarge.message)")
        #expect(try stage.ends["other"]?.content("a") == stage.source("a.jsonl"))
        #expect(try stage.ends["other"]?.manifest("a").gaps.isEmpty == true)
    }

    @Test("puts nothing more there while it is paused, in any life, and all of it when it goes on")
    func pause() throws {
        let stage = try Stage(ends: ["store", "other"])
        try stage.live { life in
            try stage.append("{\"n\":1}\n", to: "a.jsonl", life)
            await life.settle()
            await #expect(throws: ControlError.self) { try await desk(life).pause("nobody") }
            #expect(try await desk(life).pause("store") == PauseReply(changed: ["store"], paused: ["store"]))
            #expect(try await desk(life).pause("store") == PauseReply(changed: [], paused: ["store"]))
            let before = stage.end.requests
            try stage.append("{\"n\":2}\n", to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(3600))
            #expect(stage.end.requests == before)
            #expect(try await desk(life).status().reply.destinations.map(\.state) == [.paused, .idle])
        }
        #expect(try stage.ends["other"]?.content("a") == stage.source("a.jsonl"))
        try stage.live { life in
            try stage.append("{\"n\":3}\n", to: "a.jsonl", life)
            await life.settle()
            #expect(try stage.end.manifest("a").segments.map(\.seq) == [1])
            #expect(life.board.snapshot().health.map(\.kind) == ["destination_paused"])
            #expect(await life.parts.delivery.settled(perseveres: true).map(\.name) == ["store"])
            #expect(try await desk(life).resume(nil) == PauseReply(changed: ["store"], paused: []))
            await life.settle()
            #expect(life.board.snapshot().health.isEmpty)
        }
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
    }
}
