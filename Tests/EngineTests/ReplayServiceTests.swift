import ControlPlane
import Delivery
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

@Suite("Replaying")
struct ReplayServiceTests {
    /// Ten lines, the n-th of n bytes and its end, in segments of three lines.
    private static let lines = (1...10).map { String(repeating: "x", count: $0) + "\n" }

    private static func live(_ body: @escaping @Sendable (Stage, Life) async throws -> Void) throws {
        let stage = try Stage {
            $0.segments.maxLines = 3
            $0.merge.enabled = false
        }
        try stage.live { life in
            try stage.append(lines.joined(), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(60))
            try await body(stage, life)
        }
    }

    @Test(
        "gives the lines that were asked for, each piece with its place in the generation", arguments: [nil, "store"])
    func ranges(from: String?) throws {
        try Self.live { _, life in
            let volume = try await life.volume("a", from: from)
            #expect(volume.lines == 10 && volume.parts.count == 4)
            for first in 1...10 {
                for last in first...10 {
                    var sent: [UInt8] = []
                    var begin: Int64?
                    try await life.parts.replay.send(
                        volume, lines: first...last, again: { () throws(ControlError) in volume }
                    ) { offset, bytes throws(ControlError) in
                        begin = begin ?? offset
                        #expect(offset == (begin ?? 0) + Int64(sent.count))
                        sent += bytes
                    }
                    #expect(sent == Array(Self.lines[first - 1..<last].joined().utf8), "\(first)-\(last)")
                    #expect(begin == Int64(Self.lines[..<(first - 1)].joined().utf8.count), "\(first)-\(last)")
                }
            }
        }
    }

    @Test("goes on in the joined segment when what it was about to read has left the spool")
    func joined() throws {
        let stage = try Stage { $0.segments.maxLines = 1 }
        stage.end.weather = .down(DeliveryError(.transient, "away"))
        try stage.live { life in
            let lines = (1...200).map { String(repeating: "x", count: $0) + "\n" }
            try stage.append(lines.joined(), to: "a.jsonl", life)
            await life.settle()
            let volume = try await life.volume("a")
            #expect(volume.parts.count == 200)
            _ = await life.parts.merging?.merged()
            let key = try life.key("a")
            var renewals = 0
            var sent: [UInt8] = []
            try await life.parts.replay.send(
                volume, lines: 3...190,
                again: { () async throws(ControlError) in
                    renewals += 1
                    return try await life.parts.replay.volume(
                        of: key.session, key.stream, generation: nil, from: nil, isOwn: true)
                }
            ) { _, bytes throws(ControlError) in sent += bytes }
            #expect(sent == Array(lines[2..<190].joined().utf8))
            #expect(renewals == 1, "nothing was joined")
        }
    }

    @Test("of lines that are whole is not kept up by others that are lost")
    func elsewhere() throws {
        try Self.live { stage, life in
            let key = try await life.segments("a")[1].objectPath
            stage.end.meddle("\(Stage.prefix)a/\(key)", nil)
            #expect(try await life.replayed("a", lines: 7...10) == Array(Self.lines[6...].joined().utf8))
            #expect(try await life.replayed("a", lines: 1...3) == Array(Self.lines[..<3].joined().utf8))
            let error = await #expect(throws: ControlError.self) { _ = try await life.replayed("a", lines: 3...4) }
            #expect(error?.code == .damaged)
        }
    }

    @Test("says what there is where it is asked for something else")
    func nothing() throws {
        try Self.live { _, life in
            let stream = await #expect(throws: ControlError.self) { _ = try await life.replayed("a", "agents/x") }
            #expect(stream?.code == .noMatch && stream?.hint == "it has main")
            let generation = await #expect(throws: ControlError.self) {
                _ = try await life.replayed("a", generation: 2)
            }
            #expect(generation?.code == .noMatch)
            for from in [nil, "store"] {
                let session = await #expect(throws: ControlError.self) { _ = try await life.replayed("b", from: from) }
                #expect(session?.code == .noSuchSession)
            }
            let destination = await #expect(throws: ControlError.self) { _ = try await life.replayed("a", from: "x") }
            #expect(destination?.code == .noMatch && destination?.hint == "there is store")
        }
    }

    @Test("says which manifest of another writer cannot be read, and reads all others")
    func unreadable() throws {
        try Self.live { stage, life in
            let session = try life.key("a").session
            let home = "\(Stage.prefix)a/"
            func writer(_ id: String) throws -> [UInt8] {
                var manifest = try stage.end.manifest("a")
                manifest.writer = id
                return try JSONText.encode(manifest, pretty: true)
            }
            func said() -> [String] {
                life.board.snapshot().health.filter { $0.kind == "manifest_unreadable" }
                    .map { "\($0.subject): \($0.message)" }
            }
            let broken = "\(home)writers/00000000000000aa/manifest.json"
            stage.end.meddle(broken, Array("{".utf8))
            let other = "00000000000000bb"
            stage.end.meddle("\(home)writers/\(other)/manifest.json", try writer(other))
            for (path, bytes) in stage.end.objects where path.hasPrefix("\(home)segments/") {
                stage.end.meddle("\(home)writers/\(other)/\(path.dropFirst(home.count))", bytes)
            }
            #expect(try await life.parts.replay.others(of: session).writers.map(\.writer) == [other])
            #expect(try await life.replayed("a") == stage.source("a.jsonl"))
            #expect(try await life.volume("a").unread.count == 1)
            #expect(said().count == 1)
            #expect(said().first?.hasPrefix("store/a: ") == true && said().first?.contains(broken) == true)
            stage.end.meddle("\(Stage.prefix)b/manifest.json", Array("{".utf8))
            let error = await #expect(throws: ControlError.self) { _ = try await life.volume("b") }
            #expect(error?.code == .damaged && error?.message.contains("b/manifest.json") == true)
            stage.end.meddle("\(Stage.prefix)b/manifest.json", nil)
            #expect(await #expect(throws: ControlError.self) { _ = try await life.volume("b") }?.code == .noSuchSession)
            // A store that does not answer says nothing of it.
            stage.end.weather = .down(DeliveryError(.transient, "away"))
            #expect(try await life.volume("a").unread.isEmpty)
            #expect(said().count == 1)
            stage.end.weather = .fair
            stage.end.meddle(broken, try writer("00000000000000aa"))
            #expect(try await life.volume("a").unread.isEmpty)
            #expect(said().isEmpty)
        }
    }

    @Test("says so in a life that has put nothing there, too")
    func restarted() throws {
        let stage = try Stage { $0.merge.enabled = false }
        try stage.live { life in
            try stage.append(Self.lines.joined(), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(60))
        }
        #expect(try Tree.files(stage.scratch("state/spool")).isEmpty)
        stage.end.meddle("\(Stage.prefix)a/writers/00000000000000aa/manifest.json", Array("{".utf8))
        try stage.live { life in
            let volume = try await life.volume("a")
            #expect(volume.unread.count == 1)
            let bytes = try await life.replayed("a")
            #expect(bytes == Array(Self.lines.joined().utf8))
        }
    }
}
