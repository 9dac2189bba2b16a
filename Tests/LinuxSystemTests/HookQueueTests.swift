import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

@Suite("The hooks' queue")
struct HookQueueTests {
    private let scratch: Scratch
    private let queue: HookQueue

    init() throws {
        scratch = try Scratch("queue")
        queue = HookQueue(state: scratch("state"))
    }

    private func event(_ sid: String, path: String? = nil) throws -> CapturedEvent {
        CapturedEvent(
            .start, agent: .claude, sid: try #require(SessionID(sid)), at: WallTime(seconds: 1_795_000_000), path: path)
    }

    private func append(_ sid: String, path: String? = nil) throws {
        try queue.append(try event(sid, path: path), patience: .zero)
    }

    private func names() throws -> [String] { try Files.list(queue.folder).map(\.name).sorted() }

    @Test("takes a line of each kind, in files for us alone, and gives them over once")
    func appends() throws {
        try append("a", path: "/p/a.jsonl")
        try append("b")
        try append("a", path: "/p/a.jsonl")
        #expect(try names() == ["events.jsonl", "lock", "sessions.txt"])
        #expect(try scratch.bytes("state/queue/sessions.txt") == Array("a\t/p/a.jsonl\na\t/p/a.jsonl\n".utf8))
        for name in ["queue", "queue/events.jsonl", "queue/sessions.txt", "queue/lock"] {
            let status = try #require(try Files.status(scratch("state/\(name)")))
            #expect(status.mode == (name == "queue" ? 0o700 : 0o600), "\(name)")
        }
        let taken = try #require(try queue.takeOver(patience: .zero))
        #expect(taken.map(\.kind) == [.sessions, .events])
        #expect(try queue.snapshots() == taken)
        var lines = QueueLines()
        #expect(lines.events(of: try queue.contents(of: taken[1])).map(\.sid.rawValue) == ["a", "b", "a"])
        // Whoever comes now begins anew.
        try append("c")
        #expect(lines.events(of: try queue.contents(of: taken[1])).count == 3)
        for snapshot in taken { try queue.remove(snapshot) }
        #expect(try queue.snapshots().isEmpty)
        #expect(try queue.takeOver(patience: .zero)?.map(\.kind) == [.events])
    }

    @Test("does not wait for who holds the lock: the line becomes a snapshot of its own, whole")
    func lockHeld() throws {
        try append("a", path: "/p/a.jsonl")
        let lock = try Descriptor.open("\(queue.folder)/lock", [.readWrite])
        #expect(try lock.lock())
        try append("b", path: "/p/b.jsonl")
        #expect(try queue.takeOver(patience: .zero) == nil)
        let found = try queue.snapshots()
        #expect(found.map(\.kind) == [.sessions, .events])
        #expect(try queue.contents(of: found[0]) == Array("b\t/p/b.jsonl\n".utf8))
        try lock.close()
        #expect(try queue.takeOver(patience: .zero)?.count == 2)
    }

    @Test("ends a line that somebody else could not")
    func tornLine() throws {
        try scratch.write("a\t/p/a.js", to: "state/queue/sessions.txt")
        try append("b", path: "/p/b.jsonl")
        #expect(try scratch.bytes("state/queue/sessions.txt") == Array("a\t/p/a.js\nb\t/p/b.jsonl\n".utf8))
    }

    @Test("is not written through a link, nor to what is no file of ours")
    func hostile() throws {
        try Files.makeDirectories(queue.folder)
        try scratch.write("precious\n", to: "elsewhere")
        #expect(symlink(scratch("elsewhere"), "\(queue.folder)/sessions.txt") == 0)
        #expect(throws: SystemError.self) { try append("a", path: "/p/a.jsonl") }
        #expect(try scratch.bytes("elsewhere") == Array("precious\n".utf8))
        #expect(unlink("\(queue.folder)/sessions.txt") == 0 && mkfifo("\(queue.folder)/sessions.txt", 0o600) == 0)
        #expect(throws: SystemError.self) { try append("a", path: "/p/a.jsonl") }
        #expect(symlink(scratch("elsewhere"), "\(queue.folder)/events.snapshot.1.00000000.jsonl") == 0)
        let found = try queue.snapshots()
        #expect(found.count == 1)
        #expect(throws: SystemError.self) { _ = try queue.contents(of: found[0]) }
        let linked = HookQueue(state: scratch("linked"))
        try Files.makeDirectories(scratch("linked"))
        #expect(symlink(queue.folder, linked.folder) == 0)
        #expect(throws: SystemError.self) { try linked.append(try event("a"), patience: .zero) }
    }

    @Test("is bounded")
    func bounded() throws {
        try append("a")
        try Descriptor.open("\(queue.folder)/events.jsonl", [.readWrite]).truncate(to: HookQueue.mostBytes)
        #expect(throws: SystemError.self) { try append("b") }
        #expect(try Files.status("\(queue.folder)/events.jsonl")?.size == HookQueue.mostBytes)
    }

    @Test("is cleared of what a hook that was killed did not finish, and of nothing that one makes now")
    func temporaries() throws {
        try append("a")
        let gone = ".tmp-\(Int32.max).0000000a"
        let alive = ".tmp-\(Process.id).0000000b"
        for name in [gone, alive] { try scratch.write("x", to: "state/queue/\(name)") }
        #expect(try queue.snapshots().isEmpty)
        #expect(try names() == [alive, "events.jsonl", "lock"])
    }
}

@Suite("A process")
struct ProcessStatusTests {
    @Test("is known by its number and its start; the same number at another time is another one")
    func identity() throws {
        let own = try #require(ProcessStatus(of: Process.id))
        #expect(own.parent == getppid() && own.started > 0)
        let boot = String(
            decoding: try Files.readAll("/proc/sys/kernel/random/boot_id").prefix { $0 != 0x0A }, as: UTF8.self)
        let process = AgentProcess(pid: Process.id, started: own.started, boot: boot)
        #expect(process.isRunning)
        #expect(!AgentProcess(pid: Process.id, started: own.started + 1, boot: boot).isRunning)
        #expect(!AgentProcess(pid: Process.id, started: own.started, boot: "another").isRunning)
        #expect(!AgentProcess(pid: Int32.max, started: 1, boot: boot).isRunning)
        #expect(try hasEnded(process) == false)
        #expect(try hasEnded(AgentProcess(pid: Process.id, started: 0, boot: boot)) == nil)
    }

    /// `nil`: there is no such process to be watched.
    private func hasEnded(_ process: AgentProcess) throws -> Bool? {
        guard let handle = try ProcessHandle.open(process) else { return nil }
        return try handle.descriptor.wait(.readable, milliseconds: 0)
    }
}
