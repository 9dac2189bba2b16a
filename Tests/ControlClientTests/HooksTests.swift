import ControlClient
import LinuxSystem
import Shared
import TestSupport
import Testing

@Suite("Our hooks in Claude Code's settings")
struct ClaudeSettingsTests {
    private let settings = ClaudeSettings(HookCommand(["/opt/a b/uploaderctl", "capture"]))
    private let command = "'/opt/a b/uploaderctl' capture # uploaderd"

    private func installed(_ text: String) throws -> String {
        String(decoding: try settings.installed(in: Array(text.utf8)), as: UTF8.self)
    }

    private func removed(_ text: String) throws -> String {
        String(decoding: try settings.removed(from: Array(text.utf8)), as: UTF8.self)
    }

    private func commands(_ text: String, _ event: String) throws -> [String] {
        let value = try JSONReader.value(of: Array(text.utf8))
        return (value["hooks"]?[event]?.elements ?? []).flatMap { $0["hooks"]?.elements ?? [] }
            .compactMap { $0["command"]?.text }
    }

    @Test("are added to whatever is there, once, and leave no byte behind", arguments: Self.samples)
    func roundTrip(_ text: String) throws {
        let with = try installed(text)
        for event in ["SessionStart", "SessionEnd", "UserPromptSubmit"] {
            #expect(try commands(with, event).filter { $0 == command }.count == 1, "\(with)")
        }
        #expect(try installed(with) == with)
        #expect(try removed(with) == text)
        #expect(try removed(text) == text)
    }

    static let samples = [
        "{}", "{ }", "{\n}\n", " {} ", #"{"a":1}"#, #"{"hooks":{}}"#, "{\n  \"hooks\": {\n  }\n}",
        #"{"hooks":{"SessionStart":[]}}"#, #"{"hooks":{"SessionStart":[ ],"SessionEnd":[]},"z":[]}"#,
        "{\n  \"model\": \"opus\",\n  \"hooks\": {\n    \"Stop\": [\n      {\"hooks\": []}\n    ]\n  }\n}\n",
        #"{"hooks":{"SessionStart":[{"matcher":"startup","hooks":[{"type":"command","command":"echo \"hi\""}]}]}}"#,
        "{\r\n\t\"hooks\": {\r\n\t\t\"SessionEnd\": [\r\n\t\t\t{ \"hooks\": [ { \"command\": \"x\" } ] }\r\n\t\t]\r\n\t}\r\n}",
        #"{"a":1.0,"b":12345678901234567890123,"c":"\u00e9\/","hooks":{"SessionEnd":[1,"x",null,{"hooks":7}]}}"#,
    ]

    @Test("are added to any settings, and leave no byte behind")
    func anySettings() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<2_000 {
            let text = Self.settings(&random)
            let with = try installed(text)
            #expect(try installed(with) == with, "seed \(seed): \(text)")
            #expect(try removed(with) == text, "seed \(seed): \(text)")
        }
    }

    private static func settings(_ random: inout Seeded) -> String {
        func gap() -> String { ["", "", " ", "\n  ", "\t", "\r\n"].randomElement(using: &random) ?? "" }
        func list(_ open: String, _ parts: [String], _ close: String) -> String {
            open + gap() + parts.joined(separator: gap() + "," + gap()) + (parts.isEmpty ? "" : gap()) + close
        }
        func member(_ name: String, _ value: String) -> String { "\"\(name)\"\(gap()):\(gap())\(value)" }
        func entry() -> String {
            let handler = list("{", [member("type", #""command""#), member("command", #""echo \"x\" \u0041""#)], "}")
            return list("{", [member("hooks", list("[", Bool.random(using: &random) ? [handler] : [], "]"))], "}")
        }
        var events: [String] = []
        for event in ["Stop", "SessionStart", "SessionEnd", "UserPromptSubmit"] where Bool.random(using: &random) {
            let entries = (0..<Int.random(in: 0..<3, using: &random)).map { _ in entry() }
            events.append(member(event, list("[", entries, "]")))
        }
        var members = [member("model", #""o\"p}us""#), member("n", "[1,{}]")].filter { _ in Bool.random(using: &random)
        }
        if Bool.random(using: &random) { members.append(member("hooks", list("{", events, "}"))) }
        members.shuffle(using: &random)
        return gap() + list("{", members, "}") + gap()
    }

    @Test("are removed from settings that were written anew, and others' stay")
    func rewritten() throws {
        let text = """
            {
              "hooks": {
                "SessionStart": [
                  { "hooks": [ { "type": "command", "command": "/old/uploaderctl capture # uploaderd" } ] }
                ],
                "Stop": [ { "hooks": [ { "command": "mine" } ] } ],
                "SessionEnd": [
                  { "hooks": [ { "command": "a" }, { "command": "/old/uploaderctl capture # uploaderd" }, { "command": "b" } ] }
                ]
              }
            }
            """
        let without = try removed(text)
        #expect(try commands(without, "SessionStart").isEmpty && commands(without, "Stop") == ["mine"])
        #expect(try commands(without, "SessionEnd") == ["a", "b"])
        // One that is of another place is put right where it stands.
        let with = try installed(text)
        #expect(try commands(with, "SessionStart") == [command])
        #expect(try commands(with, "SessionEnd") == ["a", command, "b"])
        #expect(try commands(with, "UserPromptSubmit") == [command])
    }

    @Test("leave alone what somebody wrote by hand")
    func byHand() throws {
        let text =
            #"{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"uploaderctl capture || true"}]}]}}"#
        let with = try installed(text)
        #expect(try commands(with, "SessionStart") == ["uploaderctl capture || true"])
        #expect(try commands(with, "SessionEnd") == [command])
        #expect(try removed(with) == text)
        #expect(try settings.states(in: Array(with.utf8)).map(\.standing) == [.byHand, .installed, .installed])
    }

    @Test(
        "are not put where nothing can be read",
        arguments: [
            "", "x", "[]", "{", #"{"a":1,}"#, "// c\n{}", #"{"hooks":[]}"#, #"{"hooks":{"SessionEnd":{}}}"#,
            #"{"a":1,"a":2}"#, "{}\u{0}",
        ])
    func refused(_ text: String) {
        for act in [settings.installed(in:), settings.removed(from:)] {
            let error = #expect(throws: ClientError.self) { _ = try act(Array(text.utf8)) }
            #expect(error?.code == .refused && error?.hint != nil)
        }
    }

    @Test("are all that there is in a file that is made for them")
    func fresh() throws {
        let text = String(decoding: settings.fresh, as: UTF8.self)
        #expect(try installed(text) == text)
        #expect(try settings.states(in: settings.fresh).allSatisfy { $0.standing == .installed })
    }
}

@Suite("Our hook in Codex' settings")
struct CodexSettingsTests {
    private let settings = CodexSettings(HookCommand(["/opt/up \"load\"/uploaderctl", "capture"]))
    private let line = #"notify = ["/opt/up \"load\"/uploaderctl", "capture"] # uploaderd"# + "\n"

    private func installed(_ text: String) throws -> String {
        String(decoding: try settings.installed(in: Array(text.utf8)), as: UTF8.self)
    }

    private func removed(_ text: String) throws -> String {
        String(decoding: try settings.removed(from: Array(text.utf8)), as: UTF8.self)
    }

    @Test(
        "is the first line of whatever is there, once, and leaves no byte behind",
        arguments: [
            "", "\n", "model = \"o\"\n", "model = \"o\"", "# c\r\n[tui]\r\nnotifications = true\r\n",
            "a = \"\"\"\nnotify = 1\n[x]\n\"\"\"\nb = [\n 1, # ]\n 2,\n]\n[a.\"b]\"]\nnotify = [\"x\"]\n[[t]]\nc = { d = '''\n''' }\n",
            "t = 1979-05-27 07:32:00Z\nf = +inf\n'k e'.x = 0xFF\n",
        ])
    func roundTrip(_ text: String) throws {
        let with = try installed(text)
        #expect(with == line + text)
        #expect(try installed(with) == with)
        #expect(try removed(with) == text)
        #expect(try removed(text) == text)
    }

    @Test("stands behind a byte order mark, and is put right where it stands")
    func places() throws {
        let marked = "\u{FEFF}a = 1\n"
        #expect(Array(try installed(marked).utf8) == [0xEF, 0xBB, 0xBF] + Array((line + "a = 1\n").utf8))
        #expect(try Array(removed(installed(marked)).utf8) == Array(marked.utf8))
        let old = "a = 1\nnotify = [\"/old/uploaderctl\", \"capture\"] # uploaderd\nb = 2\n"
        #expect(try installed(old) == "a = 1\n\(line)b = 2\n")
        #expect(try settings.states(in: Array(old.utf8)).map(\.standing) == [.outdated])
        #expect(try removed(old) == "a = 1\nb = 2\n")
    }

    @Test(
        "do not install where it would be no TOML any more",
        arguments: ["[notify]\n", "[ \"notify\" . x]\n", "[[notify]]\n", "notify.x = 1\n"])
    func tables(_ text: String) {
        #expect(throws: ClientError.self) { try settings.installed(in: Array(text.utf8)) }
        for other in ["[notifyx]\n", "[a.notify]\n", "a.notify = 1\n", "\"notify.x\" = 1\n"] {
            #expect(throws: Never.self) { try settings.installed(in: Array(other.utf8)) }
        }
    }

    @Test("is not put over somebody else's, nor beside one that was written by hand")
    func foreign() throws {
        let text = "notify = [\"notify-send\", \"Codex\"]\n"
        let error = #expect(throws: ClientError.self) { _ = try installed(text) }
        #expect(error?.code == .refused && error?.message.contains("notify-send") == true && error?.hint != nil)
        #expect(try removed(text) == text)
        #expect(try settings.states(in: Array(text.utf8)).map(\.standing) == [.foreign])
        let byHand = "notify = [\"uploaderctl\", \"capture\"]\n"
        #expect(try installed(byHand) == byHand && removed(byHand) == byHand)
    }

    @Test(
        "is not put where nothing can be read",
        arguments: [
            "x", "= 1", "a = ", "a = \"x", "a = [1", "a = 1 2 = 3", "[t", "a = }\n", "a = 'x\n'", "a = @\n",
            "a = \"\"\"x",
        ])
    func refused(_ text: String) {
        for act in [settings.installed(in:), settings.removed(from:)] {
            let error = #expect(throws: ClientError.self) { _ = try act(Array(text.utf8)) }
            #expect(error?.code == .refused && error?.message.contains("line 1") == true)
        }
        #expect(throws: ClientError.self) { _ = try settings.installed(in: [0xFF]) }
    }
}

@Suite("What agnes has left")
struct AgnesFilesTests {
    private func write(_ scratch: Scratch) throws {
        try scratch.write("p1\np2\n", to: "ws/.claude/agnes-sessions-private.txt")
        try scratch.write("a\t/p/a.jsonl\np1\t/p/p1.jsonl\n/p/bare.jsonl\n", to: "ws/.claude/agnes-sessions.txt")
        try scratch.write(
            "b\t/p/b.jsonl\na\t/snap/a.jsonl\n/p/p2.jsonl\n", to: "ws/.claude/agnes-sessions.snapshot.7.0000abcd.txt")
        try scratch.write(
            "2026-06-01T00:00:00Z\tf\t413\t/p/f.jsonl\nbad\n", to: "ws/.claude/agnes-sessions-failed.txt")
        try scratch.write(
            "2026-06-01T00:00:00Z\t/p/u.jsonl\nv\t120\t2026-06-02T00:00:00Z\nbad\tline\n",
            to: "ws/.claude/agnes-sessions-uploaded.txt")
        try scratch.write("junk", to: "ws/.claude/agnes-capture-session.log")
        try scratch.write("2026\tp1\t/p/p1.jsonl\n", to: "ws/.claude/agnes-sessions-private-skipped.txt")
    }

    @Test("is read from its folder: what is private first, then snapshots, the queue, and the logs")
    func folder() throws {
        let scratch = try Scratch("agnes")
        try write(scratch)
        for path in ["ws", "ws/.claude"] {
            let files = try AgnesFiles(reading: scratch(path))
            #expect(files.privates.map(\.rawValue) == ["p1", "p2"])
            #expect(files.queued.map(\.path) == ["/p/b.jsonl", "/snap/a.jsonl", "/p/bare.jsonl"])
            #expect(files.failed.map(\.path) == ["/p/f.jsonl"])
            #expect(files.uploaded.count == 2 && files.uploaded[1].sid?.rawValue == "v")
            #expect(files.passedOver == 2)
        }
    }

    @Test("is read from one file, by its name, and is a queue where that says nothing")
    func file() throws {
        let scratch = try Scratch("agnes")
        try write(scratch)
        let failed = try AgnesFiles(reading: scratch("ws/.claude/agnes-sessions-failed.txt"))
        #expect(failed.failed.count == 1 && failed.queued.isEmpty)
        try scratch.write("a\t/p/a.jsonl\n", to: "mine.txt")
        #expect(try AgnesFiles(reading: scratch("mine.txt")).queued.map(\.path) == ["/p/a.jsonl"])
    }

    @Test("is said not to be there")
    func missing() throws {
        let scratch = try Scratch("agnes")
        try Files.makeDirectories(scratch("empty"))
        for path in ["none", "empty"] {
            let error = #expect(throws: ClientError.self) { _ = try AgnesFiles(reading: scratch(path)) }
            #expect(error?.code == .no)
        }
    }
}
