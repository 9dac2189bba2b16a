import ControlClient
import ControlPlane
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@Suite("uploaderctl, against a real server")
struct UploaderctlTests {
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

    @Test("audit joins all pages, however long their entries are, and exports them")
    func audit() throws {
        try serving { (server) throws in
            let long = "/" + String(repeating: "\u{1}", count: 4_000)
            server.handler.state.withLock { state in
                var page = (try? Samples.audit(entries: 600)) ?? AuditPage()
                for index in page.entries.indices { page.entries[index].path = long }
                state.audit = page
            }
            let json = run(["audit", "--json"], on: server.path).text.split(separator: "\n")
            #expect(json.count == 602)
            #expect(json.last?.hasPrefix(#"{"summary":"#) == true)
            #expect(run(["audit"], on: server.path).text.contains("it is too large"))
            let log = run(["audit", "--export", "agnes", "--log", "private-skipped"], on: server.path)
            #expect(log.text.hasPrefix("2026-11-20T11:00:00Z\ts1\t/"))
            #expect(
                run(["audit", "--export", "agnes"], on: server.path).text.contains(
                    "==> agnes-sessions-failed.txt <==\n"))
            for words in [["--export", "x"], ["--log", "failed"], ["--sid", "a b"], ["--since", "soon"]] {
                #expect(run(["audit"] + words, on: server.path).exit == .usage)
            }
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
            let reload = run(["reload"], on: server.path)
            #expect(reload.exit == .no)
            #expect(
                reload.errors == """
                    uploaderctl: 2 problems
                      /f:1: a.b: wrong
                        right
                      /f:2: c: unknown
                      the old configuration stays in force

                    """)
            #expect(run(["config", "show"], on: server.path).text.contains("segments.codec  \"gzip\"  default"))
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
