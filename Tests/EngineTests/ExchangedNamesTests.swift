import Glibc
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// Identity is content first: files that change names among them go on, each in its own stream.
@Suite("Files that exchange their names")
struct ExchangedNamesTests {
    private static let names = ["a", "b", "c"]

    private func begin(_ stage: Stage, _ life: Life) async throws {
        for (number, name) in Self.names.enumerated() {
            let lines = (0...30 + number).map { "{\"\(name)\":\($0)}\n" }.joined()
            try stage.append(lines, to: "\(name).jsonl", life)
        }
        await life.settle()
    }

    /// Adds a line to each file, under the name that it has now, and expects it behind the file's own lines.
    private func goOn(_ stage: Stage, _ life: Life, _ now: [String: String]) async throws {
        for (name, path) in now.sorted(by: <) {
            try stage.append("{\"more of\":\"\(name)\"}\n", to: "\(path).jsonl", life)
        }
        await life.settle()
        for (name, path) in now.sorted(by: <) {
            #expect(try stage.end.content(name) == stage.source("\(path).jsonl"), "\(name) is at \(path)")
            #expect(try await life.segments(name).allSatisfy { $0.generation == 1 })
        }
        #expect(life.board.snapshot().noticed.generations == 0)
        #expect(try await life.store.sessions().count == 3)
    }

    @Test("go on, each under its new name", arguments: [true, false], 1...5)
    func two(isSeen: Bool, seed: UInt64) throws {
        let stage = try Stage(seed: seed)
        try stage.live { life in
            try await begin(stage, life)
            try stage.exchange("a.jsonl", "b.jsonl", isSeen ? life : nil)
            try await goOn(stage, life, ["a": "b", "b": "a", "c": "c"])
            try stage.exchange("a.jsonl", "b.jsonl", isSeen ? life : nil)
            try await goOn(stage, life, ["a": "a", "b": "b", "c": "c"])
        }
    }

    @Test("go on when three do it in a circle", arguments: 1...5)
    func three(seed: UInt64) throws {
        let stage = try Stage(seed: seed)
        try stage.live { life in
            try await begin(stage, life)
            try stage.exchange("a.jsonl", "b.jsonl", nil)
            try stage.exchange("a.jsonl", "c.jsonl", life)
            try await goOn(stage, life, ["a": "b", "b": "c", "c": "a"])
        }
    }

    @Test("go on when it happened between two lives")
    func between() throws {
        let stage = try Stage()
        try stage.live { life in try await begin(stage, life) }
        try stage.exchange("a.jsonl", "b.jsonl", nil)
        try stage.exchange("a.jsonl", "c.jsonl", nil)
        try stage.live { life in try await goOn(stage, life, ["a": "b", "b": "c", "c": "a"]) }
    }

    @Test("go on when the same name is rotated again and again, daemon up or down", arguments: [true, false])
    func rotated(isUp: Bool) throws {
        let stage = try Stage()
        try stage.live { life in try await writeRotated(0, stage, life) }
        if isUp {
            try stage.live { life in
                for number in 1...4 {
                    try rotate(number, stage)
                    life.watcher.moved("a.jsonl", "a-\(number).jsonl")
                    try await writeRotated(number, stage, life)
                }
            }
        } else {
            for number in 1...4 {
                try rotate(number, stage)
                try stage.live { life in try await writeRotated(number, stage, life) }
            }
        }
        #expect(stage.log.count(.generationStarted) == 0)
    }

    private func rotate(_ number: Int, _ stage: Stage) throws {
        let (old, new) = (stage.scratch("home/a.jsonl"), stage.scratch("home/a-\(number).jsonl"))
        try Files.rename(old, to: new, replacing: false)
    }

    /// The file that takes the place of so many that were rotated: each is a stream of the session.
    private func writeRotated(_ number: Int, _ stage: Stage, _ life: Life) async throws {
        let lines = (0...20 + number).map { "{\"file\":\(number),\"n\":\($0)}\n" }.joined()
        try stage.append(lines, to: "a.jsonl", life)
        await life.settle()
        #expect(try await life.store.sessions().count == 1)
        let manifest = try stage.end.manifest("a")
        #expect(manifest.streams.count == number)
        let segments = manifest.segments + manifest.streams.values.flatMap(\.segments)
        let written = (0...number).map { 21 + $0 }.reduce(0, +)
        let taken = segments.map(\.lines).reduce(0, +)
        #expect(taken == written)
    }

    @Test("go on when one takes the name of another, which is gone by that")
    func over() throws {
        let stage = try Stage()
        try stage.live { life in
            try await begin(stage, life)
            let gone = try stage.source("b.jsonl")
            try Files.rename(stage.scratch("home/a.jsonl"), to: stage.scratch("home/b.jsonl"), replacing: true)
            life.watcher.moved("a.jsonl", "b.jsonl")
            try await goOn(stage, life, ["a": "b", "c": "c"])
            #expect(try stage.end.content("b") == gone)
        }
    }

    /// Both are looked at, in whatever order: the file is taken once, and its stream goes on.
    @Test("go on when what replaced one has two names, whichever is looked at first", arguments: [false, true])
    func replacedAndLinked(isKnownFirst: Bool) throws {
        let stage = try Stage()
        let taken = (0..<20).map { "{\"n\":\($0)}\n" }.joined()
        let whole = taken + "{\"more\":1}\n"
        try stage.live { life in
            try stage.append(taken, to: "a.jsonl", life)
            await life.settle()
            try stage.append(whole, to: "new", nil)
            try Files.rename(stage.scratch("home/new"), to: stage.scratch("home/a.jsonl"), replacing: true)
            #expect(link(stage.scratch("home/a.jsonl"), stage.scratch("home/b.jsonl")) == 0)
            let names = ["a.jsonl", "b.jsonl"]
            for name in isKnownFirst ? names : names.reversed() {
                life.watcher.rang(name)
                try await stage.pass(.seconds(100))
            }
            #expect(try await life.store.sessions().count == 1)
        }
        #expect(try stage.contents("a", "b") == [whole])
        #expect(stage.log.count(.generationStarted) == 0)
    }
}
