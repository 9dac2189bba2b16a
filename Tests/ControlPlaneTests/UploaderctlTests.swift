import ControlClient
import ControlPlane
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

/// Keeps what a command wrote.
private final class KeptConsole: Console {
    let isTerminal: Bool
    let errorIsTerminal = false
    let width = 100
    private(set) var output: [UInt8] = []
    private(set) var errors = ""
    /// Nobody reads any more after so many bytes.
    let patience: Int

    init(isTerminal: Bool = false, patience: Int = .max) {
        self.isTerminal = isTerminal
        self.patience = patience
    }

    var text: String { String(decoding: output, as: UTF8.self) }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ClientError) {
        output += bytes
        if output.count > patience { throw .outputClosed }
    }

    func wait(for source: borrowing Descriptor, milliseconds: Int32) throws(SystemError) -> Bool {
        try source.wait(.readable, milliseconds: milliseconds)
    }

    func note(_ text: String) { errors += text }
}

@Suite("uploaderctl, against a real server")
struct UploaderctlTests {
    private struct Run {
        let exit: ExitCode
        let console: KeptConsole
        var text: String { console.text }
        var errors: String { console.errors }
    }

    private func serving(_ body: (TestServer) throws -> Void) throws {
        let server = try TestServer()
        defer { server.stop() }
        try body(server)
    }

    private func run(_ words: [String], on path: String, console: KeptConsole = KeptConsole()) -> Run {
        let tool = ControlTool(
            console: console, environment: ["UPLOADERD_SOCKET": path, "PATH": "/nowhere"], directory: "/tmp",
            now: WallTime(seconds: 1_795_176_000))
        return Run(exit: tool.run(words), console: console)
    }

    @Test("status exits 1 with a problem and 0 without, and says the same as JSON")
    func status() throws {
        try serving { (server) throws in
            let sick = run(["status"], on: server.path)
            #expect(sick.exit == .no)
            #expect(sick.text.contains("destination_held archive: the key was refused"))
            server.handler.change { $0.health = [] }
            let well = run(["status", "--json"], on: server.path)
            #expect(well.exit == .done)
            let line = try #require(well.text.split(separator: "\n").first)
            let told = try JSONText.decode(StatusReply.self, from: line.utf8)
            #expect(told == server.handler.state.withLock { $0.status })
            #expect(run(["status", "--quiet"], on: server.path).text.isEmpty)
        }
    }

    @Test("sessions is a table, or an object a line, or only the ids")
    func sessions() throws {
        try serving { (server) throws in
            server.handler.state.withLock { state in
                state.sessions = (1...250).compactMap { try? Samples.session("s\(100 + $0)") }
            }
            let json = run(["sessions", "--json"], on: server.path).text.split(separator: "\n")
            #expect(json.count == 250)
            let eighth = try JSONText.decode(SessionItem.self, from: json[7].utf8)
            #expect(eighth.sid.rawValue == "s108")
            #expect(run(["sessions", "--quiet"], on: server.path).text.split(separator: "\n").count == 250)
            #expect(run(["sessions"], on: server.path).text.split(separator: "\n").count == 251)
        }
    }

    @Test("show joins all replies")
    func show() throws {
        try serving { (server) throws in
            server.handler.state.withLock { $0.detail = try? Samples.detail("s1", segments: 3_000) }
            let json = run(["show", "s1", "--json"], on: server.path)
            let whole = try JSONText.decode(SessionDetail.self, from: json.text.utf8)
            #expect(whole.segments.count == 3_000)
            #expect(run(["show", "s1"], on: server.path).text.hasPrefix("s1\nagent       claude 2.1\n"))
            let unknown = run(["show", "s2"], on: server.path)
            #expect(unknown.exit == .no)
            #expect(
                unknown.errors == """
                    uploaderctl: no session s2 is known here
                      uploaderctl sessions lists those that are known here

                    """)
        }
    }

    @Test("replay leaves piped bytes untouched, and escapes them on a terminal unless --raw")
    func replay() throws {
        try serving { (server) throws in
            let text = "{\"a\":\"\u{1B}[2J\u{202E}\"}\n"
            let whole = String(repeating: text, count: 20_000)
            server.handler.state.withLock { $0.pieces = Samples.pieces(Array(repeating: text, count: 20_000)) }
            #expect(run(["replay", "s1"], on: server.path).console.output == Array(whole.utf8))
            let shown = run(["replay", "s1"], on: server.path, console: KeptConsole(isTerminal: true))
            #expect(shown.text == String(repeating: "{\"a\":\"\\x1b[2J\\u{202e}\"}\n", count: 20_000))
            let raw = run(["replay", "s1", "--raw"], on: server.path, console: KeptConsole(isTerminal: true))
            #expect(raw.text == whole)
        }
    }

    @Test("replay asks for what it was told to ask for")
    func replayOptions() throws {
        try serving { (server) throws in
            let words = [
                "replay", "s1", "--lines", "2:5", "--stream", "agents/a", "--generation", "2", "--from", "archive",
                "--max-lines", "3",
            ]
            #expect(run(words + ["--to-checkpoint", "latest"], on: server.path).exit == .done)
            #expect(run(words + ["--follow"], on: server.path).exit == .done)
            var wanted = ReplayRequest(
                sid: try #require(SessionID("s1")), toCheckpoint: .latest, lines: LineRange(first: 2, last: 5),
                stream: try #require(StreamName("agents/a")), generation: 2, from: "archive", maxLines: 3)
            #expect(server.handler.state.withLock { $0.replays.first } == wanted)
            wanted.toCheckpoint = nil
            wanted.follow = true
            #expect(server.handler.state.withLock { $0.replays.last } == wanted)
        }
    }

    @Test("replay that fails half way fails, with what came before the failure")
    func replayFails() throws {
        try serving { (server) throws in
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(["one\n"])
                $0.replayError = ControlError(.damaged, "segment 2 is damaged")
            }
            let run = run(["replay", "s1"], on: server.path)
            #expect(run.exit == .failed && run.text == "one\n" && run.errors == "uploaderctl: segment 2 is damaged\n")
        }
    }

    @Test("replay and restore that had to leave something out say what, and end with 5")
    func replayLeavesOut() throws {
        try serving { (server) throws in
            let scratch = try Scratch("left-out")
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(["one\n"])
                $0.unread = ["in destination archive: object \u{1B}x is not a manifest that can be read"]
            }
            let restore = ["restore", "s1", "--to", scratch("s1.jsonl")]
            for words in [["replay", "s1"], ["replay", "s1", "--json"], restore, restore + ["--force", "--json"]] {
                let run = run(words, on: server.path)
                #expect(run.exit == .partlyDone, "\(words)")
                #expect(
                    run.errors == """
                        uploaderctl: lines may be missing: in destination archive: object \\x1bx is not a manifest that can be read
                          repair or remove that object; --from DESTINATION reads one store alone

                        """, "\(words)")
            }
            #expect(run(["replay", "s1"], on: server.path).text == "one\n")
            #expect(try Files.readAll(scratch("s1.jsonl")) == Array("one\n".utf8))
        }
    }

    @Test("replay ends quietly when its reader has had enough")
    func closedOutput() throws {
        try serving { (server) throws in
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(Array(repeating: String(repeating: "x", count: 9_999) + "\n", count: 100))
            }
            let run = run(["replay", "s1"], on: server.path, console: KeptConsole(patience: 50_000))
            #expect(run.exit == .done && run.errors.isEmpty)
        }
    }

    @Test("restore makes the file whole, never over another one without --force, and leaves nothing else behind")
    func restore() throws {
        try serving { (server) throws in
            let path = "\(server.directory)/run/restored.jsonl"
            defer { try? Files.unlink(path) }
            server.handler.state.withLock { $0.pieces = Samples.pieces(["one\n", "two\n"]) }
            let first = run(["restore", "s1", "--to", path], on: server.path)
            #expect(first.exit == .done)
            #expect(first.text == "\(path): 2 lines, 8B\n")
            #expect(try Files.readAll(path) == Array("one\ntwo\n".utf8))
            #expect(try Files.status(path)?.mode ?? 0 & 0o777 == 0o600)

            server.handler.state.withLock { $0.pieces = Samples.pieces(["three\n"]) }
            let second = run(["restore", "s1", "--to", path], on: server.path)
            #expect(second.exit == .refused)
            #expect(second.errors.contains("exists already"))
            #expect(try Files.readAll(path) == Array("one\ntwo\n".utf8))
            #expect(run(["restore", "s1", "--to", path, "--force", "--json"], on: server.path).exit == .done)
            #expect(try Files.readAll(path) == Array("three\n".utf8))

            server.handler.state.withLock { $0.replayError = ControlError(.backendError, "the disk is gone") }
            #expect(run(["restore", "s1", "--to", path, "--force"], on: server.path).exit == .failed)
            #expect(try Files.readAll(path) == Array("three\n".utf8))
            #expect(run(["restore", "s1", "--to", "\(server.directory)/none/x"], on: server.path).exit == .failed)
            #expect(run(["restore", "s1", "--to", server.directory], on: server.path).exit == .refused)
            #expect(
                try Files.list("\(server.directory)/run").map(\.name).sorted() == ["control.sock", "restored.jsonl"])
        }
    }

    @Test("restore does not replace a file that appears while the lines come")
    func restoreRace() throws {
        try serving { (server) throws in
            let path = "\(server.directory)/run/restored.jsonl"
            defer { try? Files.unlink(path) }
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(["one\n"])
                $0.whenReplaying = { try? Files.writeDurably([1], to: path) }
            }
            #expect(run(["restore", "s1", "--to", path], on: server.path).exit == .refused)
            #expect(try Files.readAll(path) == [1])
            #expect(
                try Files.list("\(server.directory)/run").map(\.name).sorted() == ["control.sock", "restored.jsonl"])
        }
    }

    @Test("verify exits 1 when anything is missing or damaged")
    func verify() throws {
        try serving { (server) throws in
            server.handler.state.withLock {
                $0.ranges = [try? Samples.range(.found), try? Samples.range(.delayed)].compactMap { $0 }
            }
            #expect(run(["verify"], on: server.path).exit == .done)
            server.handler.state.withLock {
                $0.ranges.append(contentsOf: [try? Samples.range(.missing)].compactMap { $0 })
            }
            let run = run(["verify", "s1", "--deep", "--sample", "1/2"], on: server.path)
            #expect(run.exit == .no)
            #expect(run.text.contains("MISSING"))
        }
    }

    @Test("flush takes a session, a path or everything")
    func flush() throws {
        try serving { (server) throws in
            #expect(run(["flush"], on: server.path).text == "1 segment sealed, all delivered\n")
            #expect(run(["flush", "s1", "--wait"], on: server.path).exit == .done)
            #expect(run(["flush", "./a.jsonl"], on: server.path).exit == .done)
            #expect(run(["flush", "/x/a.jsonl"], on: server.path).exit == .done)
            // It goes along open: the daemon opens no path that it is told.
            let scratch = try Scratch()
            let file = try Descriptor.open(scratch("b.jsonl"), [.writeOnly, .create])
            try file.truncate(to: 7)
            #expect(run(["flush", scratch("b.jsonl")], on: server.path).exit == .done)
            let folder = run(["flush", scratch.path], on: server.path)
            #expect(folder.exit == .usage && folder.errors.contains("Is a directory"))
            #expect(server.handler.state.withLock { $0.flushedSizes } == [nil, nil, nil, nil, 7])
            let session = try #require(SessionID("s1"))
            #expect(
                server.handler.state.withLock { $0.flushes } == [
                    FlushRequest(.everything, wait: false), FlushRequest(.session(session), wait: true),
                    FlushRequest(.file("/tmp/a.jsonl"), wait: false), FlushRequest(.file("/x/a.jsonl"), wait: false),
                    FlushRequest(.file(scratch("b.jsonl")), wait: false),
                ])
        }
    }

    @Test("reload shows every problem and exits 1")
    func reload() throws {
        try serving { (server) throws in
            #expect(
                run(["reload"], on: server.path).text
                    == "/home/u/.config/uploaderd/uploaderd.toml: changed: segments.max_age\n")
            server.handler.state.withLock {
                $0.reloadError = ControlError(
                    .invalidConfiguration, "2 problems", hint: "the old configuration stays in force",
                    problems: [
                        ProblemMessage(
                            origin: "/f:1", file: "/f", line: 1, key: "a.b", message: "wrong", hint: "right"),
                        ProblemMessage(origin: "/f:2", file: "/f", line: 2, key: "c", message: "unknown"),
                    ])
            }
            let run = run(["reload"], on: server.path)
            #expect(run.exit == .no)
            #expect(
                run.errors == """
                    uploaderctl: 2 problems
                      /f:1: a.b: wrong
                        right
                      /f:2: c: unknown
                      the old configuration stays in force

                    """)
            #expect(self.run(["config", "show"], on: server.path).text.contains("segments.codec  \"gzip\"  default"))
        }
    }

    @Test("exits 3 with the cure when no daemon is there, 4 when it refuses")
    func unreachable() throws {
        let absent = run(["status"], on: "/tmp/uploaderd-nowhere/control.sock")
        #expect(absent.exit == .unreachable)
        #expect(absent.errors.contains("systemctl --user start uploaderd, or make run"))
        let json = run(["status", "--json"], on: "/tmp/uploaderd-nowhere/control.sock")
        #expect(try JSONReader.value(of: Array(json.errors.dropLast().utf8))["exit"] == .integer(3))
        let server = try TestServer(owner: Process.user + 1)
        defer { server.stop() }
        let refused = run(["status"], on: server.path)
        #expect(refused.exit == .refused)
        #expect(refused.errors.contains("runuser"))
    }

    /// The daemon's program stands beside the tests.
    @Test("config check names the file so that it is no option, and shows nothing that steers a terminal")
    func check() throws {
        let scratch = try Scratch("check")
        let name = "--odd\u{1B}[2J.toml"
        try scratch.write("nothing = 1\n", to: name)
        let console = KeptConsole(isTerminal: true)
        let tool = ControlTool(console: console, environment: [:], directory: scratch.path, now: WallTime(seconds: 0))
        #expect(tool.run(["config", "check", "--", name]) == .usage)
        let line = "\(scratch("--odd\\x1b[2J.toml")):1: nothing: there is no such key\n"
        #expect(console.text.hasPrefix(line), "\(console.text)")
    }

    @Test("works without a daemon where it can")
    func alone() throws {
        let path = "/tmp/uploaderd-nowhere/control.sock"
        #expect(run(["version"], on: path).exit == .done)
        #expect(run(["--version"], on: path).text == "uploaderctl \(Product.version)\n")
        #expect(run(["help"], on: path).text.contains("config check"))
        #expect(run(["help", "config", "show"], on: path).text.hasPrefix("uploaderctl config show\n"))
        #expect(run(["replay", "--help"], on: path).text.contains("--max-lines N"))
        #expect(run(["completions", "bash"], on: path).text.contains("complete -o default -F _uploaderctl"))
        #expect(run([], on: path).exit == .usage)
        #expect(run(["statsu"], on: path).errors.contains("did you mean status?"))
        // Beside the tests stands the daemon's program, or none.
        let check = run(["config", "check", "/nowhere/uploaderd.toml"], on: path)
        #expect(check.exit == .usage || check.exit == .failed && check.errors.contains("make install"))
    }
}
