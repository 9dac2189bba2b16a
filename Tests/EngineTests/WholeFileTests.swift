import Delivery
import Shared
import Store
import Synchronization
import TestSupport
import Testing

@testable import Engine
@testable import Store

/// Streams that are sent as whole files, beside a store that keeps their segments.
@Suite("A whole file")
struct WholeFileTests {
    private static let file = "a/main 1"

    private static func lines(_ numbers: ClosedRange<Int>) -> String {
        numbers.map { "{\"n\":\($0)}\n" }.joined()
    }

    private static func stage() throws -> Stage {
        try Stage {
            $0.segments.maxLines = 2
            $0.destinations.append(DestinationConfiguration(name: "team", place: .agnes(url: "https://agnes.example")))
        }
    }

    private static func spool(_ stage: Stage) throws -> [String] { try Tree.files(stage.scratch("state/spool")) }

    @Test("goes when its session rests, once, and again when it has gone on; until then its lines are in the spool")
    func rests() throws {
        let stage = try Self.stage()
        try stage.live { life in
            try stage.append(Self.lines(1...5), to: "a.jsonl", life)
            try await stage.pass(.seconds(50))
            #expect(stage.fileEnd.puts == 0 && stage.end.keys.contains("\(Stage.prefix)a/manifest.json"))
            #expect(try !Self.spool(stage).isEmpty)
            try await stage.pass(.seconds(30))
            #expect(stage.fileEnd.text(Self.file) == Self.lines(1...5) && stage.fileEnd.puts == 1)
            #expect(try Self.spool(stage).isEmpty)
            try stage.append(Self.lines(6...6), to: "a.jsonl", life)
            try await stage.pass(.seconds(50))
            #expect(stage.fileEnd.puts == 1)
            // What it begins with has left the spool long ago.
            try await stage.pass(.seconds(30))
            #expect(stage.fileEnd.text(Self.file) == Self.lines(1...6) && stage.fileEnd.puts == 2)
            // Days pass, segments are joined, and nothing is sent again.
            try await stage.pass(.seconds(200_000))
            await life.settle()
            #expect(stage.fileEnd.puts == 2 && stage.fileEnd.kept.withLock { $0.broken.isEmpty })
        }
    }

    @Test("that was taken, and nobody said so, is sent until somebody does")
    func unheard() throws {
        let stage = try Self.stage()
        try stage.live { life in
            stage.fileEnd.kept.withLock {
                $0.error = DeliveryError(.transient, "no answer")
                $0.hasTakenItThen = true
            }
            try stage.append(Self.lines(1...3), to: "a.jsonl", life)
            try await stage.pass(.seconds(90))
            #expect(stage.fileEnd.text(Self.file) == Self.lines(1...3) && stage.fileEnd.puts > 1)
            #expect(try !Self.spool(stage).isEmpty, "for us it is not there")
            try stage.append(Self.lines(4...4), to: "a.jsonl", life)
            stage.fileEnd.kept.withLock { $0.error = nil }
            try await stage.pass(.seconds(200))
            #expect(stage.fileEnd.text(Self.file) == Self.lines(1...4))
            #expect(try Self.spool(stage).isEmpty)
            #expect(stage.fileEnd.kept.withLock { $0.broken.isEmpty })
        }
    }

    @Test("that would not begin as the one before did is held, and said, until somebody asks for it")
    func other() throws {
        let stage = try Self.stage()
        try stage.live { life in
            try stage.append(Self.lines(1...3), to: "a.jsonl", life)
            await life.settle()
            #expect(stage.fileEnd.text(Self.file) == Self.lines(1...3))
            try await life.store.meddle()
            try stage.append(Self.lines(4...4), to: "a.jsonl", life)
            await life.settle()
            #expect(stage.fileEnd.text(Self.file) == Self.lines(1...3))
            let entry = life.board.snapshot().health.first { $0.kind == "delivery_conflict" }
            #expect(entry?.subject == "team/a" && entry?.message.contains("does not begin") == true)
            let session = try #require(SessionID("a"))
            let archive = try #require(try await life.store.knownStore(of: "store"))
            #expect(try await life.store.putAgain(session, at: StoreID("files"), from: [archive]) > 0)
            await life.parts.delivery.retry()
            await life.settle()
            #expect(stage.fileEnd.text(Self.file) == Self.lines(1...4))
        }
    }

    @Test("is not sent with a hole in it")
    func hole() throws {
        let stage = try Self.stage()
        try stage.live { life in
            try stage.append(Self.lines(1...4), to: "a.jsonl", life)
            stage.fileEnd.kept.withLock { $0.error = DeliveryError(.transient, "down") }
            await life.settle()
            try await stage.pass(.seconds(10))
            let record = try #require(try await life.segments("a").first)
            stage.end.meddle("\(Stage.prefix)a/\(record.objectPath)", nil)
            for path in try Self.spool(stage) { try stage.scratch.write([], to: "state/spool/\(path)") }
            let before = stage.fileEnd.puts
            stage.fileEnd.kept.withLock { $0.error = nil }
            await life.parts.delivery.retry()
            await life.settle()
            #expect(stage.fileEnd.text(Self.file) == nil && stage.fileEnd.puts == before)
        }
    }
}

extension Store {
    /// As if the server had taken something else.
    fileprivate func meddle() throws { try catalog().run("UPDATE whole_files SET digest = 'x'") }
}
