import Capture
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// A generation ends when another file takes the path of the one that it was taken from, which may come back.
@Suite("The file of an ended generation")
struct EndedGenerationTests {
    private let stage: Stage
    private static let whole = Array("{\"n\":1}\n{\"n\":2}\n".utf8)
    private static let torn = Array("{\"n\":3,\"half".utf8)
    private static let next = Array("{\"n\":4}\n".utf8)

    init() throws { stage = try Stage() }

    private func write(_ bytes: [UInt8], to file: String) throws {
        try stage.scratch.write(bytes, to: "home/\(file)")
        try stage.scratch.setTime(of: "home/\(file)", to: stage.world.time.wall)
    }

    private func rename(_ old: String, _ new: String) throws {
        try Files.makeDirectories(Files.parent(of: stage.scratch(new)))
        try Files.rename(stage.scratch(old), to: stage.scratch(new), replacing: false)
    }

    @Test("is not taken again when it comes back in the place of another one", arguments: [false, true])
    func inPlaceOfAnother(isRestarted: Bool) throws {
        let comeBack: @Sendable (Life) async throws -> Void = { [self] life in
            try Files.rename(stage.scratch("away/a.jsonl"), to: stage.scratch("home/b.jsonl"), replacing: true)
            life.watcher.rang("b.jsonl")
            await life.settle()
        }
        try stage.live { [self] life in
            try write(Self.whole, to: "a.jsonl")
            try write(Self.next, to: "b.jsonl")
            for name in ["a", "b"] { life.watcher.rang("\(name).jsonl") }
            await life.settle()
            try rename("home/a.jsonl", "away/a.jsonl")
            try write(Self.next, to: "a.jsonl")
            life.watcher.rang("a.jsonl")
            await life.settle()
            if !isRestarted { try await comeBack(life) }
        }
        try stage.live { life in
            if isRestarted { try await comeBack(life) }
            #expect(try stage.end.content("b", generation: 2).isEmpty)
            try stage.append(Self.next, to: "b.jsonl", life)
            await life.settle()
        }
        #expect(try stage.end.content("b") == Self.next)
        #expect(try stage.end.content("b", generation: 2) == Self.whole + Self.next)
        #expect(try stage.end.content("a") == Self.whole && stage.end.content("a", generation: 2) == Self.next)
    }

    @Test(
        "is not taken again when it comes back under a third name, after another one took its own; but where it goes on",
        arguments: [false, true], [false, true])
    func thirdName(isTorn: Bool, isRestarted: Bool) throws {
        let first = isTorn ? Self.whole + Self.torn : Self.whole
        let comeBack: @Sendable (Life) async throws -> Void = { [self] life in
            try rename("away/a.jsonl", "home/c.jsonl")
            life.watcher.rang("c.jsonl")
            await life.settle()
            #expect(try await life.store.sessions().map(\.session.rawValue) == ["a"])
            life.watcher.rang("c.jsonl")
            await life.settle()
            #expect(try await life.store.sessions().count == 1)
        }
        try stage.live { [self] life in
            try write(first, to: "a.jsonl")
            life.watcher.rang("a.jsonl")
            await life.settle()
            try rename("home/a.jsonl", "away/a.jsonl")
            try write(Self.next, to: "a.jsonl")
            life.watcher.rang("a.jsonl")
            await life.settle()
            #expect(try await life.segments("a").map(\.partial) == (isTorn ? [false, true, false] : [false, false]))
            if !isRestarted { try await comeBack(life) }
        }
        try stage.live { [self] life in
            if isRestarted { try await comeBack(life) }
            #expect(try stage.end.content("a") == first && stage.end.content("a", generation: 2) == Self.next)
            try stage.append(Self.next, to: "c.jsonl", life)
            await life.settle()
        }
        #expect(try stage.end.content("c") == first + Self.next)
        #expect(try stage.end.content("a") == first)
    }
}
