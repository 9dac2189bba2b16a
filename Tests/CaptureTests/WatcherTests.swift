import Capture
import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

// Counted from when all tests start: on a busy machine of two cores that is minutes before this one runs.
@Suite("A watcher", .timeLimit(.minutes(10)))
struct WatcherTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func root(_ name: String = "", exclude: [Glob] = []) -> WatchRoot {
        WatchRoot(agent: .generic, root: name.isEmpty ? scratch.path : scratch[name], exclude: exclude)
    }

    @Test("finds what is there, and hears appends, new files and losses")
    func basics() throws {
        try scratch.makeDirectory("d")
        try scratch.write("d/a.jsonl", "one\n")
        try scratch.write("d/a.txt", "no\n")
        try WatchFixture.watch([root()]) { [scratch] watch in
            let source = try await watch.found(scratch.source("d/a.jsonl"))
            #expect(source.size == 4)
            try await watch.event("swept") { $0 == .swept(root: scratch.path) }
            try await watch.event("ready") { $0 == .ready }
            try scratch.append("d/a.jsonl", "two\n")
            try await watch.changed(scratch.source("d/a.jsonl"))
            try scratch.write("b.jsonl", "x\n")
            try await watch.found(scratch.source("b.jsonl"))
            try Files.unlink(scratch["b.jsonl"])
            try await watch.event("gone") { $0 == .gone(scratch.source("b.jsonl")) }
            #expect(!watch.rest.contains { "\($0)".contains("a.txt") })
            #expect(watch.watcher.watches == 3)
        }
    }

    @Test("loses nothing in directories that are made while they are filled")
    func races() throws {
        let seed = UInt64(getpid())
        print("seed of the watcher's races: \(seed)")
        let random = SeededRandom(seed)
        try WatchFixture.watch([root()]) { [scratch] watch in
            let names = (0..<400).map { _ in
                let depth = Int(random.next() % 5) + 1
                let folder = (0..<depth).map { _ in "d\(random.next() % 30)" }.joined(separator: "/")
                return (folder, "\(folder)/f\(random.next() % 100_000).jsonl")
            }
            // On a thread of its own, so that the loop and the scanner are at work meanwhile.
            let writer = Lane(name: "writer")
            await writer.start {
                do {
                    for (folder, name) in names {
                        try scratch.makeDirectory(folder)
                        try scratch.append(name, "x\n")
                    }
                } catch {
                    Issue.record(error)
                }
            }.value
            writer.stop()
            let wanted = Set(names.map { scratch.source($0.1) })
            try await watch.all(wanted)
        }
    }

    @Test("hears of a move, and of a directory's move")
    func moves() throws {
        try scratch.makeDirectory("d/e")
        try scratch.write("d/a.jsonl", "x\n")
        try scratch.write("d/e/deep.jsonl", "x\n")
        try WatchFixture.watch([root()]) { [scratch] watch in
            try await watch.event("ready") { $0 == .ready }
            try scratch.rename("d/a.jsonl", to: "d/e/b.jsonl")
            try await watch.event("moved") {
                $0 == .moved(from: scratch.source("d/a.jsonl"), to: scratch.source("d/e/b.jsonl"))
            }
            try scratch.rename("d/e/b.jsonl", to: "d/e/b.old")
            try await watch.event("gone") { $0 == .gone(scratch.source("d/e/b.jsonl")) }
            try scratch.rename("d", to: "n")
            try await watch.event("directory gone") { $0 == .directoryGone(root: scratch.path, relativePath: "d") }
            try await watch.found(scratch.source("n/e/deep.jsonl"))
            try scratch.append("n/e/deep.jsonl", "y\n")
            try await watch.changed(scratch.source("n/e/deep.jsonl"))
            #expect(watch.watcher.watches == 4)
        }
    }

    @Test("waits for a root, however much of its path is missing, and through its removal")
    func appears() throws {
        let path = "p/q/root"
        try WatchFixture.watch([root(path)]) { [scratch] watch in
            try await watch.event("ready") { $0 == .ready }
            #expect(watch.log.count(.rootMissing) == 1)
            for round in 0..<3 {
                try scratch.makeDirectory("\(path)/d")
                let name = "d/a\(round).jsonl"
                try scratch.append("\(path)/\(name)", "x\n")
                try await watch.found(scratch.source(name, root: path))
                #expect(try watch.directories.directory(scratch[path]).path == scratch[path])
                try Files.unlink(scratch["\(path)/\(name)"])
                // Once all at once, so that the ancestors go too; else by a rename.
                if round == 1 {
                    try scratch.rename("p", to: "gone\(round)")
                    watch.watcher.rescan()
                } else {
                    Scratch.clear(scratch["p"])
                }
                try await watch.event("root gone") { $0 == .directoryGone(root: scratch[path], relativePath: "") }
            }
        }
    }

    @Test("says of a root that is to be scanned and is not there that it is not")
    func absent() throws {
        try WatchFixture.watch([root("late")]) { [scratch] watch in
            try await watch.event("ready") { $0 == .ready }
            watch.watcher.rescan()
            try await watch.event("absent") { $0 == .absent(root: scratch["late"]) }
        }
    }

    @Test("takes a root that is a link, and another directory in its place")
    func linkedRoot() throws {
        try scratch.makeDirectory("one")
        try scratch.makeDirectory("two")
        try scratch.write("one/a.jsonl", "x\n")
        try scratch.write("two/b.jsonl", "x\n")
        try scratch.link("root", to: scratch["one"])
        try WatchFixture.watch([root("root")]) { [scratch] watch in
            try await watch.found(scratch.source("a.jsonl", root: "root"))
            try scratch.append("one/a.jsonl", "y\n")
            try await watch.changed(scratch.source("a.jsonl", root: "root"))
            try Files.unlink(scratch["root"])
            try scratch.link("root", to: scratch["two"])
            try await watch.found(scratch.source("b.jsonl", root: "root"))
            try scratch.rename("two", to: "three")
            try await watch.event("root gone") { $0 == .directoryGone(root: scratch["root"], relativePath: "") }
        }
    }

    @Test("follows no link below a root, not even one that takes a directory's place")
    func links() throws {
        try scratch.makeDirectory("outside")
        try scratch.write("outside/secret.jsonl", "x\n")
        try scratch.makeDirectory("root/d")
        try scratch.write("root/d/a.jsonl", "x\n")
        try scratch.link("root/l", to: scratch["outside"])
        try scratch.link("root/nowhere", to: scratch["not there"])
        try WatchFixture.watch([root("root")]) { [scratch] watch in
            let first = try await watch.raised("source_refused")
            #expect(first.subject == scratch["root/l"])
            try scratch.rename("root/d", to: "moved")
            try scratch.link("root/d", to: scratch["outside"])
            let second = try await watch.raised("source_refused")
            #expect(second.subject == scratch["root/d"])
            try scratch.append("outside/secret.jsonl", "y\n")
            try scratch.write("root/last.jsonl", "x\n")
            try await watch.found(scratch.source("last.jsonl", root: "root"))
            #expect(!watch.rest.contains { "\($0)".contains("secret") })
            try Files.unlink(scratch["root/d"])
            try await watch.event("cleared") {
                $0 == .cleared(kind: "source_refused", subject: scratch["root/d"])
            }
            try scratch.makeDirectory("root/d")
            try scratch.write("root/d/b.jsonl", "x\n")
            try await watch.found(scratch.source("d/b.jsonl", root: "root"))
        }
    }

    @Test("says once of what is no regular file that it is not read")
    func refused() throws {
        try scratch.makeFIFO("f.jsonl")
        try scratch.makeFIFO("unmeant")
        try WatchFixture.watch([root()]) { [scratch] watch in
            let entry = try await watch.raised("source_refused")
            #expect(entry.subject == scratch["f.jsonl"])
            watch.watcher.rescan()
            try await watch.event("swept") { $0 == .swept(root: scratch.path) }
            try scratch.makeFIFO("late.jsonl")
            #expect(try await watch.raised("source_refused").subject == scratch["late.jsonl"])
            #expect(watch.log.count(.sourceRefused) == 2)
            try Files.unlink(scratch["f.jsonl"])
            try await watch.event("cleared") {
                $0 == .cleared(kind: "source_refused", subject: scratch["f.jsonl"])
            }
            try scratch.write("f.jsonl", "x\n")
            try await watch.found(scratch.source("f.jsonl"))
        }
    }

    @Test("takes one file and nothing beside it")
    func oneFile() throws {
        try scratch.write("log.txt", "x\n")
        try scratch.write("other.jsonl", "x\n")
        try scratch.makeDirectory("sub")
        try WatchFixture.watch([WatchRoot(file: scratch["log.txt"])]) { [scratch] watch in
            try await watch.found(scratch.source("log.txt"))
            try scratch.append("other.jsonl", "y\n")
            try scratch.append("log.txt", "y\n")
            try await watch.changed(scratch.source("log.txt"))
            #expect(!watch.rest.contains { "\($0)".contains("other") })
            #expect(watch.watcher.watches == 2)
        }
    }

    @Test("excludes directories whole")
    func excluded() throws {
        try scratch.makeDirectory("secret/deep")
        let secret = try Glob("secret/**")
        try WatchFixture.watch([root(exclude: [secret])]) { [scratch] watch in
            try scratch.write("secret/deep/a.jsonl", "x\n")
            try scratch.write("b.jsonl", "x\n")
            try await watch.found(scratch.source("b.jsonl"))
            #expect(!watch.rest.contains { "\($0)".contains("secret") })
            #expect(watch.watcher.watches == 2)
        }
    }

    @Test("watches overlapping roots, each by its own rules")
    func overlapping() throws {
        try scratch.makeDirectory("inner")
        let outer = root()
        let inner = WatchRoot(agent: .pi, root: scratch["inner"])
        try WatchFixture.watch([outer, inner]) { [scratch] watch in
            try await watch.event("ready") { $0 == .ready }
            try scratch.append("inner/a.jsonl", "x\n")
            let one = scratch.source("inner/a.jsonl")
            let two = scratch.source("a.jsonl", root: "inner", agent: .pi)
            try await watch.all([one, two])
        }
    }

    @Test("watches 10,000 directories")
    func many() throws {
        for outer in 0..<100 {
            try Files.makeDirectory(scratch["x\(outer)"])
            for inner in 0..<99 { try Files.makeDirectory(scratch["x\(outer)/\(inner)"]) }
        }
        try WatchFixture.watch([root()]) { [scratch] watch in
            #expect(watch.watcher.watches == 10_002)
            try scratch.write("x99/98/a.jsonl", "x\n")
            try await watch.found(scratch.source("x99/98/a.jsonl"))
        }
    }
}
