import Delivery
import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("A session that another program began")
struct ForeignSessionTests {
    private static let lines = (1...3).map { "{\"n\":\($0)}\n" }

    /// What agent-uploader leaves of the first two lines.
    private static func upload(to end: FarEnd) {
        let bytes = Array(lines[..<2].joined().utf8)
        let manifest = """
            {"version":1,"sid":"a","created_at":"2026-03-01T00:00:00Z","updated_at":"2026-03-01T00:10:00Z",
             "active_seq":2,"checkpoints":[],"segments":[
              {"seq":1,"path":"segments/session-000001.jsonl","first_ts":1,"last_ts":2,"lines":2,
               "bytes":\(bytes.count),"gzip_bytes":\(bytes.count)}]}
            """
        end.meddle("\(Stage.prefix)a/segments/session-000001.jsonl", bytes)
        end.meddle("\(Stage.prefix)a/manifest.json", Array(manifest.utf8))
    }

    @Test("is replayed from its first line, from whichever store has that and answers")
    func replay() throws {
        let stage = try Stage(ends: ["archive", "mirror"])
        let (archive, mirror) = (try #require(stage.ends["archive"]), try #require(stage.ends["mirror"]))
        for end in [archive, mirror] { Self.upload(to: end) }
        try stage.live { life in
            try stage.append(Self.lines.joined(), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(60))
            #expect(try await life.segments("a").map(\.firstLine) == [3])
            for away in [archive, mirror] {
                away.weather = .down(DeliveryError(.transient, "away"))
                #expect(try await life.replayed("a") == stage.source("a.jsonl"))
                away.weather = .fair
            }
            for end in [archive, mirror] { end.weather = .down(DeliveryError(.transient, "away")) }
            let error = await #expect(throws: ControlError.self) { _ = try await life.replayed("a") }
            #expect(error?.code == .backendError)
        }
    }
}
