import Delivery
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("Of three destinations one that is dead for an hour")
struct SeveralDestinationsTests {
    private static let files = (0..<6).map { "s\($0)" }
    private static let limit = ByteCount.mebi(1)

    private static func stage() throws -> Stage {
        try Stage(ends: ["dead", "near", "far"]) { configuration in
            for (index, name) in [(0, "dead"), (2, "far")] {
                configuration.destinations[index].place = .s3(
                    BucketPlace(
                        endpoint: "https://\(name).example", bucket: "sessions", prefix: "sessions/",
                        region: "us-east-1", pathStyle: true))
            }
            // What is put first has arrived first.
            configuration.destinations[0].transport.concurrency = 1
            configuration.spool.maxBytes = limit
            configuration.merge.enabled = false
        }
    }

    @Test("slows no other, fills no more of the spool than it may, and gets all in order when it is back")
    func dead() throws {
        let stage = try Self.stage()
        let dead = try #require(stage.ends["dead"])
        let others = try ["near", "far"].map { try #require(stage.ends[$0]) }
        try stage.live { life in
            for name in Self.files { try stage.append("{\"n\":0}\n", to: "\(name).jsonl", life) }
            await life.settle()
            dead.weather = .down(DeliveryError(.transient, "nobody answers"))
            let asked = dead.requests
            for number in 1...60 {
                for name in Self.files {
                    try stage.append("{\"n\":\(number),\"x\":\"\(name)\"}\n", to: "\(name).jsonl", life)
                }
                // Quiet for five seconds: then it is cut, put, and two seconds after the last one, published.
                try await stage.pass(.seconds(10))
                for name in Self.files {
                    for other in others {
                        #expect(
                            try other.content(name) == stage.source("\(name).jsonl"), "\(name) after \(number) minutes")
                    }
                }
                try await stage.pass(.seconds(50))
                #expect(try Self.spooled(stage) <= Self.limit.bytes)
            }
            #expect(dead.requests - asked <= 480)
            #expect(life.board.snapshot().health.map(\.kind) == ["destination_failing"])
            let mark = dead.history.count
            dead.weather = .fair
            try await stage.pass(.seconds(120))
            try Self.expectInOrder(dead.history[mark...])
            #expect(life.board.snapshot().health.isEmpty)
            #expect(try Self.spooled(stage) == 0)
        }
        for name in Self.files { #expect(try dead.content(name) == stage.source("\(name).jsonl")) }
        #expect(stage.ends.values.allSatisfy { $0.changed.isEmpty })
    }

    /// Of each session every segment once, the oldest first; and none waits while another session's come one after the other.
    private static func expectInOrder(_ history: ArraySlice<String>) throws {
        var next = Dictionary(uniqueKeysWithValues: files.map { ($0, 2) })
        for line in history where line.contains("put ") && line.contains("/session-") {
            let name = try #require(files.first { line.contains("/\($0)/") })
            let sequence = try #require(next[name])
            #expect(line.contains("session-\(SegmentRecord.padded(sequence))-"), "\(line), in the place of \(sequence)")
            next[name] = sequence + 1
            let ahead = sequence + 1 - (next.values.min() ?? 0)
            #expect(ahead <= 1, "\(line): another session waits with \(ahead) older ones")
        }
        #expect(next.values.allSatisfy { $0 == 62 }, "\(next)")
    }

    private static func spooled(_ stage: Stage) throws -> Int64 {
        try Tree.files(stage.scratch("state/spool")).reduce(0) { sum, path in
            sum + (try Files.status(stage.scratch("state/spool/\(path)"))?.size ?? 0)
        }
    }
}
