import Delivery
import Shared
import TestSupport
import Testing

@testable import Engine

/// Objects that a merge has replaced, a day later.
@Suite("Superseded objects")
struct SupersededObjectsTests {
    /// Sessions of two lines, each of which is joined when it ends.
    private static func join(_ sessions: [String], _ stage: Stage, _ life: Life) async throws {
        for session in sessions {
            for number in 1...2 {
                try stage.append("{\"n\":\(number)}\n", to: "\(session).jsonl", life)
                try await stage.pass(.seconds(10))
            }
            try stage.append("{\"type\":\"session.shutdown\",\"n\":3}\n", to: "\(session).jsonl", life)
            try await stage.pass(.seconds(30))
        }
    }

    private static func objects(_ session: String, in end: FarEnd) -> Int {
        end.keys.count { $0.hasPrefix("\(Stage.prefix)\(session)/segments/") }
    }

    @Test("that one destination does not delete are no fault of another's")
    func apart() throws {
        let stage = try Stage(ends: ["archive", "mirror"])
        let (archive, mirror) = (try #require(stage.ends["archive"]), try #require(stage.ends["mirror"]))
        try stage.live { life in
            try await Self.join(["a"], stage, life)
            #expect(Self.objects("a", in: archive) == 4 && Self.objects("a", in: mirror) == 4)
            // The one that is asked first, and the other one.
            for (failing, sound, name) in [(archive, mirror, "mirror"), (mirror, archive, "archive")] {
                let session = "b\(name)"
                try await Self.join([session], stage, life)
                failing.weather.failing = 100
                failing.weather.failingOnly = "delete"
                try await stage.pass(.seconds(26 * 3600))
                #expect(Self.objects(session, in: failing) == 4 && Self.objects(session, in: sound) == 1, "\(name)")
                let seen = life.board.snapshot()
                #expect(seen.destinations[name]?.state == .active, "\(name)")
                #expect(!seen.health.contains { $0.subject == name }, "\(name)")
                failing.weather = .fair
                try await stage.pass(.seconds(2 * 3600))
                #expect(Self.objects(session, in: failing) == 1, "\(name)")
            }
        }
    }

    @Test("of a session that somebody else writes stay, and hold back no other session")
    func ofOneSession() throws {
        let stage = try Stage()
        try stage.live { life in try await Self.join(["a", "b"], stage, life) }
        let key = "\(Stage.prefix)a/manifest.json"
        var theirs = try stage.end.manifest("a")
        theirs.writer = "00000000000000ff"
        stage.end.meddle(key, try JSONText.encode(theirs, pretty: true))
        try stage.live { life in
            try await stage.pass(.seconds(26 * 3600))
            #expect(Self.objects("a", in: stage.end) == 4)
            #expect(Self.objects("b", in: stage.end) == 1)
            let seen = life.board.snapshot()
            #expect(seen.destinations["store"]?.state == .active)
            #expect(seen.health.map { "\($0.kind) \($0.subject)" } == ["delivery_conflict store/a"])
        }
    }
}
