import Segments
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// Few pipelines read at the same time: they take turns.
@Suite("Pipelines that have much to take")
struct TurnTests {
    @Test(
        "let others take their turn behind each segment: a new line does not wait for the end of large files",
        arguments: 1...4)
    func turns(seed: Int) throws {
        let stage = try Stage(seed: UInt64(seed)) { $0.segments.maxLines = 64 }
        let large = (1...8).map { "large\($0)" }
        let padding = String(repeating: "x", count: 4_000)
        for name in large {
            let lines = (1...640).map { "{\"n\":\($0),\"of\":\"\(name)\",\"text\":\"\(padding)\"}\n" }.joined()
            try stage.append(lines, to: "\(name).jsonl", nil)
        }
        // A segment of its own, so that it is sealed when it is read: time stands still meanwhile.
        try stage.append((1...64).map { "{\"n\":\($0)}\n" }.joined(), to: "new.jsonl", nil)
        try stage.live { life in
            await life.settle()
            let new = try #require(try await life.store.segments(of: life.key("new")).first)
            var finished = 0
            for name in large {
                let ids = try await life.store.segments(of: life.key(name)).map(\.id)
                #expect(ids.count == 10)
                // Ids are given in the order of seals.
                if ids.allSatisfy({ $0 < new.id }) { finished += 1 }
            }
            // Which of those that wait is next is drawn: of one file there may be more. Without turns 5 to 8 were before it.
            #expect(finished <= 2)
        }
        for name in large { #expect(try stage.end.content(name) == stage.source("\(name).jsonl")) }
    }
}
