import Delivery
import Glibc
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

@Suite("A stream's pipeline that is held up")
struct HeldUpPipelineTests {
    private static func line(_ number: Int) -> String { StreamPipelineTests.line(number) }
    private let file = "a.jsonl"

    @Test("reads nothing while the spool is full, and all of it when there is room again")
    func gate() throws {
        let stage = try Stage { $0.spool.maxBytes = .kibi(8) }
        try stage.live { life in
            try stage.append(Self.line(0), to: "a.jsonl", life)
            await life.settle()
            stage.end.weather = .down(DeliveryError(.transient, "down"))
            for number in 1...40 {
                try stage.append(Self.line(number), to: "a.jsonl", life)
                try await stage.pass(.seconds(10))
            }
            let sealed = try await life.segments("a").count
            #expect(sealed < 40 && life.store.spool.bytes < 16 << 10)
            #expect(life.board.snapshot().health.contains { $0.kind == "spool_full" })
            stage.end.weather = .fair
            try await stage.pass(.seconds(600))
            #expect(life.board.snapshot().health.isEmpty)
        }
        #expect(try stage.end.content("a") == stage.source(file))
        #expect(stage.log.count(.spoolFull) >= 1 && stage.log.count(.spoolRecovered) >= 1)
    }

    @Test("begins again at the cursor when the spool could not be written")
    func retries() throws {
        let stage = try Stage()
        try stage.live { life in
            // A file where the session's folder is to be.
            try stage.scratch.write("in the way", to: "state/spool/a")
            try stage.append(Self.line(1), to: "a.jsonl", life)
            try await stage.pass(.seconds(20))
            #expect(try await life.segments("a").isEmpty)
            #expect(life.board.snapshot().health.map(\.kind) == ["persistence_failed"])
            try stage.append(Self.line(2), to: "a.jsonl", life)
            try Files.unlink(stage.scratch("state/spool/a"))
            try await stage.pass(.seconds(120))
            #expect(try await life.segments("a").map(\.firstLine).first == 1)
            #expect(life.board.snapshot().health.isEmpty)
        }
        #expect(try stage.end.content("a") == stage.source(file))
    }

    @Test("rests when its file cannot be opened, and tries again by itself")
    func rests() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.scratch.write(Self.line(1), to: "elsewhere.jsonl")
            #expect(symlink(stage.scratch("elsewhere.jsonl"), stage.scratch("home/a.jsonl")) == 0)
            life.watcher.rang("a.jsonl")
            try await stage.pass(.seconds(20))
            #expect(life.board.snapshot().health.map(\.kind) == ["source_refused"])
            #expect(stage.log.count(.sourceRefused) == 1)
            try Files.unlink(stage.scratch("home/a.jsonl"))
            try stage.append(Self.line(2), to: "a.jsonl", nil)
            try await stage.pass(.seconds(120))
            #expect(try await life.segments("a").map(\.lines) == [1])
            #expect(life.board.snapshot().health.isEmpty)
        }
        #expect(try stage.end.content("a") == stage.source(file))
    }
}
