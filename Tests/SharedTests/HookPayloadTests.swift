import Shared
import Testing

@Suite("What an agent gives to its hook")
struct HookPayloadTests {
    private let now = WallTime(seconds: 1_795_000_000)
    private let process = AgentProcess(pid: 4711, started: 99, boot: "b")

    private func read(_ text: String) -> CapturedEvent? {
        HookPayload.event(of: Array(text.utf8), home: "/home/u", process: process, at: now)
    }

    @Test(
        "tells of a session what the agent does",
        arguments: [
            ("SessionStart", CapturedEvent.Kind.start), ("SessionEnd", .end), ("UserPromptSubmit", .prompt),
            ("Stop", .turn),
        ])
    func kinds(_ name: String, _ kind: CapturedEvent.Kind) throws {
        let text =
            #"{"session_id":"3f","transcript_path":"/p/3f.jsonl","hook_event_name":"\#(name)","reason":"logout","prompt":"x"}"#
        let event = try #require(read(text))
        #expect(event.kind == kind && event.sid.rawValue == "3f" && event.path == "/p/3f.jsonl")
        #expect(event.agent == .claude && event.process == process && event.at == now)
        #expect(event.reason == (kind == .end ? "logout" : nil))
        // A prompt, and what was answered, is the conversation itself.
        #expect((event.payload != nil) == (kind == .start || kind == .end))
        #expect(event.payload.map { $0["hook_event_name"]?.text == name } ?? true)
    }

    @Test("is Codex' where its members or its file are")
    func codex() throws {
        let notified = try #require(
            read(
                #"{"type":"agent-turn-complete","thread-id":"0198-ab","turn-id":"1","cwd":"/p","input-messages":["hi"]}"#
            ))
        #expect(notified.agent == .codex && notified.kind == .turn && notified.sid.rawValue == "0198-ab")
        #expect(notified.path == nil && notified.payload == nil)
        let hook = try #require(
            read(#"{"session_id":"a","transcript_path":"~/.codex/sessions/2026/rollout-1-a.jsonl"}"#))
        #expect(hook.agent == .codex && hook.path == "/home/u/.codex/sessions/2026/rollout-1-a.jsonl")
    }

    @Test("is read whatever stands in its other members")
    func odd() throws {
        let odd =
            #"{"prompt":"\ud800 \u0000","a":{"b":[1,{"session_id":"no"}]},"session_id":"yes","transcript_path":7}"#
        #expect(read(odd)?.sid.rawValue == "yes")
        #expect(read(odd)?.path == nil)
        let bytes = Array(#"{"x":""#.utf8) + [0xFF, 0xFE] + Array(#"","session_id":"yes"}"#.utf8)
        #expect(HookPayload.event(of: bytes, home: nil, process: nil, at: now)?.sid.rawValue == "yes")
    }

    @Test(
        "is nothing where it names no session",
        arguments: [
            "", " ", "x", "[]", "null", "{}", #"{"session_id":""}"#, #"{"session_id":"a b"}"#, #"{"session_id":7}"#,
            #"{"session_id":"\ud800"}"#, #"{"session_id":"a""#, #"{"session_id":"a"}x"#,
            #"{"type":"x","thread-id":""}"#,
            #"{"session_id""a"}"#, #"{"session_id":}"#, #"{"session_id":"a",}"#,
        ])
    func nothing(_ text: String) { #expect(read(text) == nil) }

    @Test("gives no path that is not absolute, and no reason that is no word")
    func hostile() throws {
        #expect(read(#"{"session_id":"a","transcript_path":"../x.jsonl"}"#)?.path == nil)
        #expect(read(#"{"session_id":"a","transcript_path":"/x\u0000.jsonl"}"#)?.path == nil)
        let long = String(repeating: "x", count: 5_000)
        #expect(read(#"{"session_id":"a","transcript_path":"/\#(long)"}"#)?.path == nil)
        for reason in ["", "a b", "sk-ant-\(String(repeating: "x", count: 80))", "é", "A"] {
            #expect(
                read(#"{"session_id":"a","hook_event_name":"SessionEnd","reason":"\#(reason)"}"#)?.reason == "other")
        }
        let big =
            #"{"session_id":"a","hook_event_name":"SessionStart","x":"\#(String(repeating: "y", count: 20_000))"}"#
        #expect(read(big)?.payload == nil && read(big)?.kind == .start)
    }

    @Test("comes back as it was from a line of the queue")
    func again() throws {
        let text = #"{"session_id":"a","transcript_path":"/a.jsonl","hook_event_name":"SessionEnd","reason":"clear"}"#
        let event = try #require(read(text))
        #expect(CapturedEvent(event.json) == event)
        var lines = QueueLines()
        let line = try JSONText.encode(event.json)
        #expect(lines.events(of: line + [0x0A] + Array("{}\nnot json\n\n".utf8) + line) == [event, event])
        #expect(lines.passedOver == 2)
    }
}

@Suite("A line of the hooks' queue")
struct QueuedSessionTests {
    @Test("is a session with its path, or a bare path; of several of one session the first counts")
    func lines() {
        var lines = QueueLines()
        let text = "a\t/p/a.jsonl\r\n/p/b.jsonl\na\t/other.jsonl\nc\t/p/c.jsonl\t2026-06-24T10:00:00Z\n/p/b.jsonl"
        let found = lines.sessions(of: Array(text.utf8))
        #expect(found.map(\.path) == ["/p/a.jsonl", "/p/b.jsonl", "/p/c.jsonl"])
        #expect(found.map { $0.sid?.rawValue } == ["a", nil, "c"])
        #expect(lines.passedOver == 0)
    }

    @Test("is passed over when it cannot be")
    func refused() {
        var lines = QueueLines()
        let long = String(repeating: "x", count: 9_000)
        let text = Array("relative\na b\t/p\n\t/p\na\trelative\n/\(long)\na\t/p\r/q\n".utf8) + [0x2F, 0xFF, 0x0A]
        #expect(lines.sessions(of: text).isEmpty && lines.passedOver == 7)
    }

    @Test("has no form for a path that a line cannot hold")
    func unwritable() throws {
        let sid = try #require(SessionID("a"))
        #expect(
            QueuedSession(sid: sid, path: "/a\tb").line == nil && QueuedSession(sid: sid, path: "/a\nb").line == nil)
        #expect(QueuedSession(sid: sid, path: "/a b").line == Array("a\t/a b\n".utf8))
    }
}

@Suite("An outline of JSON")
struct JSONOutlineTests {
    @Test("says where members and elements stand, whatever is in them")
    func places() throws {
        let text = #" { "a" : [ 1 , "]\"" , {} ] ,"b":{"c":null}, "a":-1e2 } "#
        let outline = JSONOutline(Array(text.utf8))
        let members = try outline.members(of: try outline.whole())
        func string(_ range: Range<Int>) -> String { String(decoding: outline.bytes[range], as: UTF8.self) }
        #expect(members.map { string($0.rawName) } == ["a", "b", "a"])
        #expect(members.map { string($0.value) } == [#"[ 1 , "]\"" , {} ]"#, #"{"c":null}"#, "-1e2"])
        #expect(try outline.elements(of: members[0].value).map(string) == ["1", #""]\"""#, "{}"])
        #expect(try outline.member("a", of: try outline.whole()).map(string) == "-1e2")
    }

    @Test(
        "refuses what has no such places",
        arguments: [
            "", "{", "}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#, #"{"a":1}{"#, #"{"a"#, #"{"a\"#, "[1",
        ])
    func refuses(_ text: String) {
        let outline = JSONOutline(Array(text.utf8))
        #expect(throws: JSONFault.self) { _ = try outline.members(of: try outline.whole()) }
    }
}
