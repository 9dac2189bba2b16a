import Capture
import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

@Suite("A watcher that does not hear everything", .timeLimit(.minutes(10)))
struct WatcherLimitsTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func root(_ name: String = "", exclude: [Glob] = []) -> WatchRoot {
        WatchRoot(agent: .generic, root: name.isEmpty ? scratch.path : scratch[name], exclude: exclude)
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
}
