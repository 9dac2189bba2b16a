import Capture
import Glibc
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// A file that ends in a line without its end, and is renamed: the line goes with the file.
@Suite("A source that is moved with an unterminated last line")
struct MovedSourceTests {
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

    /// What is in the store of a file that was taken up to its torn line, and then moved by `move`.
    private func move(_ move: @escaping @Sendable (Life) async throws -> Void) throws {
        try stage.live { life in
            try write(Self.whole + Self.torn, to: "a.jsonl")
            life.watcher.rang("a.jsonl")
            await life.settle()
            #expect(try await life.segments("a").map(\.partial) == [false])
            try await move(life)
        }
    }

    @Test(
        "keeps it untaken under the new name, so that it may be cut off there",
        arguments: ["moved", "gone", "missed"], ["b.jsonl", "deep/er/b.jsonl"])
    func renamed(told: String, new: String) throws {
        try move { [self] life in
            try rename("home/a.jsonl", "home/\(new)")
            switch told {
            case "moved": life.watcher.moved("a.jsonl", new)
            case "gone": life.watcher.gone("a.jsonl")
            default: life.watcher.rang("a.jsonl")
            }
            await life.settle()
            try await stage.pass(.seconds(100))
            #expect(try await life.segments("a").map(\.partial) == [false])
            try write(Self.whole + Self.next, to: new)
            life.watcher.rang(new)
            await life.settle()
        }
        #expect(try stage.end.content("a") == Self.whole + Self.next)
        #expect(stage.log.count(.generationStarted) == 0)
    }

    @Test("has it taken when no root has the file any more", arguments: [false, true])
    func movedOut(isReplaced: Bool) throws {
        try move { [self] life in
            try rename("home/a.jsonl", "away/a.jsonl")
            if isReplaced {
                try write(Self.next, to: "a.jsonl")
                life.watcher.rang("a.jsonl")
            } else {
                life.watcher.gone("a.jsonl")
            }
            await life.settle()
            let taken = isReplaced ? [false, true, false] : [false, true]
            #expect(try await life.segments("a").map(\.partial) == taken)
        }
        #expect(try stage.end.content("a") == Self.whole + Self.torn)
        if isReplaced { #expect(try stage.end.content("a", generation: 2) == Self.next) }
    }

    @Test("has it taken when the file is deleted while it is looked for")
    func deleted() throws {
        try move { [self] life in
            try rename("home/a.jsonl", "away/a.jsonl")
            life.watcher.gone("a.jsonl")
            try Files.unlink(stage.scratch("away/a.jsonl"))
            await life.settle()
        }
        #expect(try stage.end.content("a") == Self.whole + Self.torn)
    }

    @Test("has it taken at a stop, whether or not that came in time to look for the file")
    func stopped() throws {
        try move { [self] life in
            try rename("home/a.jsonl", "away/a.jsonl")
            life.watcher.gone("a.jsonl")
        }
        try stage.live { life in await life.settle() }
        #expect(try stage.end.content("a") == Self.whole + Self.torn)
    }

    @Test("keeps it untaken when the file is moved back before it was looked for")
    func movedBack() throws {
        try move { [self] life in
            for (old, new) in [("home/a.jsonl", "away/a.jsonl"), ("away/a.jsonl", "home/a.jsonl")] {
                try rename(old, new)
                life.watcher.rang("a.jsonl")
                await Task.yield()
            }
            await life.settle()
            #expect(try await life.segments("a").map(\.partial) == [false])
            try write(Self.whole + Self.next, to: "a.jsonl")
            life.watcher.rang("a.jsonl")
            await life.settle()
        }
        #expect(try stage.end.content("a") == Self.whole + Self.next)
        #expect(stage.log.count(.generationStarted) == 0)
    }

    @Test(
        "keeps it untaken in each of two files that exchange their names",
        arguments: [["a", "b"], ["b", "a"], ["a"], ["b"]])
    func exchanged(told: [String]) throws {
        let other = Array("{\"m\":1}\n".utf8)
        try move { [self] life in
            try write(other + Self.torn, to: "b.jsonl")
            life.watcher.rang("b.jsonl")
            await life.settle()
            for (old, new) in [
                ("home/a.jsonl", "away/a"), ("home/b.jsonl", "home/a.jsonl"), ("away/a", "home/b.jsonl"),
            ] {
                try rename(old, new)
            }
            for name in told { life.watcher.rang("\(name).jsonl") }
            await life.settle()
            try await stage.pass(.seconds(100))
            try write(Self.whole + Self.next, to: "b.jsonl")
            try write(other + Self.next, to: "a.jsonl")
            for name in ["a", "b"] { life.watcher.rang("\(name).jsonl") }
            await life.settle()
            for sid in ["a", "b"] { #expect(try await life.segments(sid).allSatisfy { !$0.partial }) }
        }
        #expect(try stage.end.content("a") == Self.whole + Self.next)
        #expect(try stage.end.content("b") == other + Self.next)
        #expect(stage.log.count(.generationStarted) == 0)
    }

    @Test("has a stream of its own when the file is found again whose place it took")
    func foundAgain() throws {
        try stage.live { [self] life in
            try write(Self.whole, to: "a.jsonl")
            life.watcher.rang("a.jsonl")
            await life.settle()
            // Nobody sees where the file is, and then a generation begins with another one in its place.
            try rename("home/a.jsonl", "away/a.jsonl")
            try write(Self.torn, to: "a.jsonl")
            life.watcher.rang("a.jsonl")
            await life.settle()
            try rename("away/a.jsonl", "home/b.jsonl")
            try write(Self.whole + Self.next, to: "b.jsonl")
            life.watcher.rang("b.jsonl")
            await life.settle()
            try await stage.pass(.seconds(100))
            #expect(try await life.segments("a").map(\.lines).reduce(0, +) == 3)
            try write(Self.torn + Array("\"}\n".utf8), to: "a.jsonl")
            life.watcher.rang("a.jsonl")
            await life.settle()
        }
        #expect(try stage.end.content("a") == Self.whole + Self.next)
        #expect(try stage.end.content("a", generation: 2).isEmpty)
    }

    @Test("stays where it was found when its way there is told later, and leaves its old name to another file")
    func toldLate() throws {
        try move { [self] life in
            try write(Self.next, to: "b.jsonl")
            life.watcher.rang("b.jsonl")
            await life.settle()
            try stage.exchange("a.jsonl", "b.jsonl", life)
            try rename("home/a.jsonl", "home/c.jsonl")
            for name in ["b", "c"] { life.watcher.rang("\(name).jsonl") }
            await life.settle()
            try write(Self.next, to: "a.jsonl")
            life.watcher.moved("b.jsonl", "a.jsonl")
            await life.settle()
            // Nobody waits for the torn line of another.
            let untaken = await life.parts.supervisor.flush(nil)
            #expect(untaken.count == 1)
            let lines = try await life.store.sessions().map(\.lines).reduce(0, +)
            #expect(lines == 4)
        }
    }

    @Test("keeps none waiting that takes the place of another name of it")
    func otherNameReplaced() throws {
        try move { [self] life in
            #expect(link(stage.scratch("home/a.jsonl"), stage.scratch("home/b.jsonl")) == 0)
            life.watcher.rang("b.jsonl")
            await life.settle()
            try write(Self.next + Self.torn, to: ".b")
            try Files.rename(stage.scratch("home/.b"), to: stage.scratch("home/b.jsonl"), replacing: true)
            life.watcher.rang("b.jsonl")
            await life.settle()
            let supervisor = life.parts.supervisor
            let obstacles = await supervisor.obstacles(of: supervisor.flush(nil))
            #expect(obstacles.count == 2 && obstacles.allSatisfy { $0.contains("ends in a line without its end") })
        }
    }
}

/// A file that is deleted while it is read, and whose lines are in another file by then.
@Suite("A source that is replaced by its copy while it is read")
struct CopiedSourceTests {
    @Test("is read to its end before the copy goes on", arguments: 1...6)
    func whileRead(seed: UInt64) throws {
        let stage = try Stage(seed: seed)
        try stage.live { life in
            try stage.append((0...200).map { "{\"n\":\($0)}\n" }.joined(), to: "a.jsonl", life)
            await life.settle()
            // In a segment that stays open for a while.
            try stage.append("{\"read\":1}\n", to: "a.jsonl", life)
            try await stage.pass(.milliseconds(20))
            try stage.append(try stage.source("a.jsonl") + Array("{\"copied\":2}\n".utf8), to: "b.jsonl", nil)
            try Files.unlink(stage.scratch("home/a.jsonl"))
            life.watcher.rang("b.jsonl")
            try await stage.pass(.milliseconds(20))
            // Not by two at once: the first one has nothing open any more.
            #expect(try await life.cuts("a") == [.flush, .end])
            let untaken = await life.parts.supervisor.flush(nil)
            #expect(untaken.isEmpty)
            let taken = try await life.segments("a").map(\.sourceBytes).reduce(0, +)
            #expect(taken == Int64(try stage.source("b.jsonl").count))
            await life.settle()
            #expect(try await life.store.sessions().count == 1)
        }
        #expect(try stage.end.content("a") == stage.source("b.jsonl"))
    }
}
