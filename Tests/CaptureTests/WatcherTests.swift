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
        try scratch.link("root/nowhere", to: "/nonexistent")
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

    @Test("polls what it cannot watch, says so, and takes it back")
    func limited() throws {
        for index in 0..<5 { try scratch.makeDirectory("d\(index)") }
        // The root's own watch, its parent's, and one more.
        try WatchFixture.watch([root()], budget: 3) { [scratch] watch in
            let entry = try await watch.raised("watch_limit")
            #expect(entry.hint?.contains("fs.inotify.max_user_watches") == true)
            #expect(watch.watcher.watches == 3)
            for index in 0..<5 { try scratch.write("d\(index)/a.jsonl", "x\n") }
            let sources = Set((0..<5).map { scratch.source("d\($0)/a.jsonl") })
            try await watch.all(sources, size: 2)
            for index in 0..<5 { try scratch.append("d\(index)/a.jsonl", "more\n") }
            try await watch.all(sources, size: 7)
            for index in 0..<5 { Scratch.clear(scratch["d\(index)"]) }
            try await watch.event("cleared") { $0 == .cleared(kind: "watch_limit", subject: "inotify") }
        }
    }

    @Test("polls what lies on a file system that others can change, says so, and not when that is gone")
    func remote() throws {
        try scratch.makeDirectory("near")
        try scratch.makeDirectory("far")
        let far = try Files.status(scratch["far"])?.identity
        let remote: RemoteFileSystem = { (directory) throws(SystemError) in
            try directory.status().identity == far ? "NFS" : nil
        }
        try WatchFixture.watch([root()], remote: remote) { [scratch] watch in
            let entry = try await watch.raised("root_polled")
            #expect(entry.subject == scratch.path && entry.message.contains("NFS"))
            #expect(watch.log.count(.rootPolled) == 1 && watch.log.count(.watchLimit) == 0)
            try scratch.write("far/a.jsonl", "x\n")
            try await watch.all([scratch.source("far/a.jsonl")], size: 2)
            try scratch.append("far/a.jsonl", "more\n")
            try await watch.all([scratch.source("far/a.jsonl")], size: 7)
            Scratch.clear(scratch["far"])
            watch.watcher.rescan()
            try await watch.event("cleared") { $0 == .cleared(kind: "root_polled", subject: scratch.path) }
        }
    }

    @Test("says which directory it may not read, and takes it as soon as it may")
    func unreadable() throws {
        try scratch.makeDirectory("d")
        try scratch.write("d/a.jsonl", "x\n")
        chmod(scratch.path, 0o755)
        chmod(scratch["d"], 0)
        try WatchFixture.watch([root()], asNobody: true) { [scratch] watch in
            let entry = try await watch.raised("source_unreadable")
            #expect(entry.subject == scratch["d"])
            #expect(watch.log.count(.sourceUnreadable) == 1)
            chmod(scratch["d"], 0o755)
            try await watch.event("cleared") {
                $0 == .cleared(kind: "source_unreadable", subject: scratch["d"])
            }
            try await watch.found(scratch.source("d/a.jsonl"))
            chmod(scratch["d"], 0)
            #expect(try await watch.raised("source_unreadable").subject == scratch["d"])
            chmod(scratch["d"], 0o755)
        }
    }

    @Test("scans again when the kernel's queue ran over")
    func overflow() throws {
        let text = String(decoding: try Files.readAll("/proc/sys/fs/inotify/max_queued_events"), as: UTF8.self)
        let limit = try #require(Int(text.filter(\.isNumber)))
        guard limit <= 1 << 17 else { return }
        try scratch.makeDirectory("d")
        try scratch.makeDirectory("other")
        try scratch.makeDirectory("many")
        try WatchFixture.watch([root()]) { [scratch] watch in
            try await watch.event("ready") { $0 == .ready }
            // This runs on the loop, so that nobody reads the queue meanwhile; a rename is two events, which do not coalesce.
            for _ in 0...limit / 2 {
                try scratch.rename("d", to: "e")
                try scratch.rename("e", to: "d")
            }
            // More than the inbox takes at once: the scan does not end before what is said at its beginning is heard.
            for index in 0..<(WatchInbox.batchLimit + 2) * 256 { try scratch.write("many/f\(index).jsonl", "") }
            try scratch.write("other/late.jsonl", "x\n")
            let entry = try await watch.raised("queue_overflow")
            #expect(entry.hint?.contains("fs.inotify.max_queued_events") == true)
            try await watch.found(scratch.source("other/late.jsonl"))
            try await watch.event("cleared") { $0 == .cleared(kind: "queue_overflow", subject: "inotify") }
            #expect(watch.log.count(.queueOverflow) > 0)
        }
    }

    @Test("rescans now and then, though no event said anything")
    func rescans() throws {
        try scratch.write("a.jsonl", "x\n")
        try WatchFixture.watch([root()], rescan: .milliseconds(50)) { [scratch] watch in
            for _ in 0..<3 { try await watch.event("swept") { $0 == .swept(root: scratch.path) } }
        }
    }

    @Test("scans again what did not fit the inbox")
    func floods() throws {
        for index in 0..<100 { try scratch.write("f\(index).jsonl", "x\n") }
        try WatchFixture.watch([root()], inbox: WatchInbox(limit: 8)) { [scratch] watch in
            try await watch.event("ready") { $0 == .ready }
            for index in 0..<100 { try scratch.append("f\(index).jsonl", "y\n") }
            try await watch.all(Set((0..<100).map { scratch.source("f\($0).jsonl") }), size: 4)
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
