import Capture
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

/// Whoever flushes is answered, whatever becomes of the source meanwhile, and all that it held then is durable.
@Suite("A flush")
struct FlushTests {
    /// That its pipeline begins is all that happens: it never ends, for its last line may still come.
    @Test("is answered for a source whose turn has yet to come, and that ends in a line without its end")
    func endless() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append("{\"n\":1}\n{\"torn", to: "a.jsonl", nil)
            let source = life.watcher.source("a.jsonl")
            #expect(await life.parts.supervisor.flush([source]) == [source])
            // Not by a scan of an hour later.
            #expect(try await life.cuts("a") == [.flush])
        }
    }

    /// The path leads to another file at any moment: also between the look at it and the reading.
    @Test("leaves nothing out of two files that exchange their names, and takes nothing twice", arguments: 1...10)
    func exchange(seed: UInt64) throws {
        for jobs in stride(from: 1, through: 121, by: 5) {
            let stage = try Stage(seed: seed)
            let known = (1...40).map { "{\"known\":\($0)}\n" }.joined()
            let new = (1...50).map { "{\"new\":\($0)}\n" }.joined()
            try stage.live { life in
                try stage.append(known, to: "a.jsonl", life)
                await life.settle()
                try stage.append(new, to: "b.jsonl", life)
                stage.world.interrupt(after: jobs) {
                    #expect(throws: Never.self) { try stage.exchange("a.jsonl", "b.jsonl", life) }
                }
                await life.parts.supervisor.flush(nil)
                if try stage.source("a.jsonl") == Array(known.utf8) { try stage.exchange("a.jsonl", "b.jsonl", life) }
                await life.settle()
            }
            #expect(try stage.contents("a", "b") == [known, new], "seed \(seed), after \(jobs) jobs")
        }
    }
}
