import Capture
import Shared
import Testing

@Suite("The first lines of a session")
struct FirstLinesTests {
    private func learn(_ agent: Agent, kind: SourceKind = .transcript, _ lines: [String]) -> FirstLines {
        var first = FirstLines(agent: agent, kind: kind)
        for line in lines { first.take(line) }
        return first
    }

    @Test("of Claude Code tell directory, branch, version, model, prompt and title")
    func claude() {
        let first = learn(
            .claude,
            [
                #"{"type":"file-history-snapshot","messageId":"m","snapshot":{"timestamp":"2026-02-12T14:11:57.624Z"}}"#,
                #"{"type":"summary","summary":"another one's","leafUuid":"l"}"#,
                #"{"type":"user","isMeta":true,"message":{"role":"user","content":"meta"},"cwd":"/home/me/p","sessionId":"s-1","version":"2.1.39","gitBranch":"topic","timestamp":"2026-02-12T14:11:58.000Z"}"#,
                #"{"type":"user","message":{"role":"user","content":"<command-name>/clear</command-name>"},"cwd":"/elsewhere"}"#,
                #"{"type":"user","message":{"role":"user","content":[{"type":"text","text":"  Fix\nthe \"bug\" \u00e9\ud83d\ude00 "}]}}"#,
                #"{"type":"assistant","message":{"model":"<synthetic>"}}"#,
                #"{"type":"assistant","message":{"model":"claude-opus-4-6","content":[]}}"#,
            ])
        #expect(first.facts.cwd == "/home/me/p")
        #expect(first.facts.agentVersion == "2.1.39")
        #expect(first.facts.branches == ["topic"])
        #expect(first.facts.git == .object(["branch": .string("topic")]))
        #expect(first.facts.startedAt == "2026-02-12T14:11:58.000Z")
        #expect(first.facts.model == "claude-opus-4-6")
        #expect(first.facts.firstUserMessage == "Fix the \"bug\" é😀")
        #expect(first.facts.title == "Fix the \"bug\" é😀")
        #expect(first.facts.summary == nil)
        #expect(first.sessionID?.rawValue == "s-1")
    }

    @Test("give the title that a person set before the agent's, and the last of equals")
    func titles() {
        let first = learn(
            .claude,
            [
                #"{"type":"custom-title","customTitle":"mine"}"#, #"{"type":"ai-title","aiTitle":"its"}"#,
                #"{"type":"user","message":{"content":"prompt"}}"#,
                #"{"type":"custom-title","customTitle":"mine, better"}"#,
            ])
        #expect(first.facts.title == "mine, better")
        #expect(first.facts.firstUserMessage == "prompt")
    }

    @Test("of a sub-agent are not the session's, but name its directory")
    func subagent() {
        let first = learn(
            .claude, kind: .agent,
            [#"{"type":"user","cwd":"/w","agentId":"a1","sessionId":"s","message":{"content":"do this"}}"#])
        #expect(first.facts == SessionFacts(agent: .claude))
        #expect(first.cwd == "/w")
        #expect(first.agentID == "a1")
    }

    @Test("of Codex: the first session_meta counts, the next are its parent's")
    func codex() {
        let first = learn(
            .codex,
            [
                #"{"timestamp":"2026-07-01T11:16:05.000Z","type":"session_meta","payload":{"id":"child","timestamp":"2026-07-01T11:16:01.843Z","cwd":"/p","cli_version":"0.142.4","source":{"subagent":{"thread_spawn":{"parent_thread_id":"parent","depth":1}}},"git":{"commit_hash":"669232e1","branch":"main","repository_url":"https://example.com/r.git"}}}"#,
                #"{"type":"session_meta","payload":{"id":"parent","cwd":"/other"}}"#,
                #"{"type":"event_msg","payload":{"type":"user_message","message":"<environment_context>x"}}"#,
                #"{"type":"turn_context","payload":{"model":"gpt-5.5","cwd":"/p"}}"#,
                #"{"type":"event_msg","payload":{"type":"user_message","message":"check it"}}"#,
                #"{"type":"event_msg","payload":{"type":"thread_name_updated","thread_name":"Checking"}}"#,
            ])
        #expect(first.sessionID?.rawValue == "child")
        #expect(first.facts.parentSID?.rawValue == "parent")
        #expect(first.facts.cwd == "/p")
        #expect(first.facts.agentVersion == "0.142.4")
        #expect(first.facts.startedAt == "2026-07-01T11:16:01.843Z")
        #expect(first.facts.model == "gpt-5.5")
        #expect(first.facts.firstUserMessage == "check it")
        #expect(first.facts.title == "Checking")
        #expect(first.facts.git?["commit_sha"]?.text == "669232e1")
        #expect(first.facts.git?["repo_url"]?.text == "https://example.com/r.git")
    }

    @Test("of Copilot and pi")
    func others() {
        let copilot = learn(
            .copilot,
            [
                #"{"type":"session.start","data":{"sessionId":"c","copilotVersion":"1.0.64","startTime":"2026-06-25T01:50:34.040Z","context":{"cwd":"/c","branch":"b","headCommit":"h"}},"timestamp":"2026-06-25T01:50:34.403Z"}"#,
                #"{"type":"user.message","data":{"content":"hello"},"timestamp":"2026-06-25T01:50:36.403Z"}"#,
            ])
        #expect(copilot.facts.cwd == "/c")
        #expect(copilot.facts.title == "hello")
        #expect(copilot.facts.startedAt == "2026-06-25T01:50:34.040Z")
        let pi = learn(
            .pi,
            [
                #"{"type":"session","version":3,"id":"p","timestamp":"2026-06-25T01:50:34Z","cwd":"/pi"}"#,
                #"{"type":"message","id":"1","message":{"role":"user","content":[{"type":"text","text":"hi"}]}}"#,
            ])
        #expect(pi.facts.cwd == "/pi")
        #expect(pi.facts.firstUserMessage == "hi")
    }

    @Test(
        "survive what is no JSON, half of it, or two at once",
        arguments: [
            "", "\n", "null", "[1,2]", "{", #"{"cwd"#, #"{"cwd":"#, #"{"cwd":"/x"#, #"{"cwd":"\"#, #"{"cwd":"\u12"#,
            "{]}",
            #"{"a":}"#, #"{"a" 1}"#, #"{"cwd":7}"#, #"{"cwd":{"cwd":"/x"}}"#, "\0\0\0", #"{"type":"user","message":[}"#,
            String(repeating: "[", count: 5000), #"{"x":"# + String(repeating: "{\"y\":", count: 5000),
        ])
    func hostile(_ line: String) {
        for agent in Agent.allCases {
            let first = learn(agent, [line])
            #expect(first.facts == SessionFacts(agent: agent))
        }
    }

    @Test("take the first of two glued objects, the last of two equal keys, and skip a byte order mark")
    func odd() {
        #expect(learn(.claude, [#"{"cwd":"/a"}{"cwd":"/b"}"#]).facts.cwd == "/a")
        #expect(learn(.claude, [#"{"cwd":"/a","cwd":"/b"}"#]).facts.cwd == "/b")
        #expect(learn(.claude, ["\u{FEFF}" + #" {"cwd" : "/a" }"# + "\r\n"]).facts.cwd == "/a")
        #expect(learn(.claude, [#"{"\u0063wd":"\ud800x"}"#]).facts.cwd == "\u{FFFD}x")
        let deep = #"{"x":"# + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        #expect(learn(.claude, [deep + #","cwd":"/a"}"#]).facts.cwd == "/a")
    }

    @Test("stop after 64 lines or 256 KiB")
    func bounded() {
        var lines = FirstLines(agent: .claude)
        for _ in 0..<64 { lines.take("{}") }
        #expect(lines.isComplete)
        lines.take(#"{"cwd":"/late"}"#)
        #expect(lines.facts.cwd == nil)
        var bytes = FirstLines(agent: .claude)
        bytes.take(#"{"cwd":"/early","x":""# + String(repeating: "y", count: 300 << 10) + #""}"#)
        #expect(bytes.isComplete)
        #expect(bytes.facts.cwd == "/early")
    }

    @Test("cut a long prompt between characters")
    func cut() throws {
        let first = learn(
            .claude, [#"{"type":"user","message":{"content":""# + String(repeating: "é", count: 9000) + #""}}"#])
        let words = try #require(first.facts.firstUserMessage)
        #expect(words.utf8.count <= 4096)
        #expect(words.hasSuffix("é..."))
        #expect(try #require(first.facts.title).utf8.count <= 200)
    }
}
