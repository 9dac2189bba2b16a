import Capture
import Shared
import Testing

@Suite("An agent's layout")
struct AgentLayoutTests {
    private static let uuid = "0c9d2f6e-5a41-4b7c-9e1d-8f3a2b6c7d10"

    private func name(_ agent: Agent, _ path: String) throws -> SourceName {
        guard case .named(let name) = AgentLayout(agent: agent).name(of: path) else {
            throw CaptureError(.missing, "\(path) has no name")
        }
        return name
    }

    @Test(
        "names a session and its stream by the path",
        arguments: [
            (Agent.claude, "-home-me-project/\(uuid).jsonl", uuid, "main"),
            (.claude, "-p/\(uuid)/subagents/agent-a2898e3.jsonl", uuid, "agents/a2898e3"),
            (.claude, "-p/\(uuid)/subagents/agent-acompact-946d2b.jsonl", uuid, "agents/acompact-946d2b"),
            (.claude, "-p/\(uuid)/subagents/agent-a0123456789abcdef.jsonl", uuid, "agents/a0123456789abcdef"),
            (.claude, "-p/\(uuid)/subagents/workflows/wf_1/agent-x1.jsonl", uuid, "workflows/wf_1/agents/x1"),
            (.claude, "-p/\(uuid)/subagents/workflows/wf_1/journal.jsonl", uuid, "workflows/wf_1/journal"),
            (.claude, "-p/\(uuid)/subagents/odd.jsonl", uuid, "agents/odd"),
            (.claude, "-p/notes.jsonl", "notes", "main"),
            (.codex, "2026/06/17/rollout-2026-06-17T10-06-46-\(uuid).jsonl", uuid, "main"),
            (.codex, "sessions/2026/06/17/rollout-2026-06-17T10-06-46-\(uuid).jsonl", uuid, "main"),
            (.codex, "archived_sessions/rollout-2026-06-17T10-06-46-\(uuid).jsonl", uuid, "main"),
            (.codex, "rollout-odd.jsonl", "rollout-odd", "main"),
            (.copilot, "\(uuid)/events.jsonl", uuid, "main"), (.copilot, "\(uuid).jsonl", uuid, "main"),
            (.pi, "--home-me--/2026-06-17T10-06-46-123Z_\(uuid).jsonl", uuid, "main"),
            (
                .gemini, "3f2a/chats/session-2026-06-17T10-06-1a2b3c4d.jsonl", "session-2026-06-17T10-06-1a2b3c4d",
                "main"
            ),
            (.generic, "deep/log-\(uuid)-old-\(uuid.uppercased()).jsonl", uuid.uppercased(), "main"),
            (.generic, "dir/file.jsonl", "dir/file", "main"), (.generic, "other/file.jsonl", "other/file", "main"),
            (.generic, "file.jsonl", "file", "main"), (.generic, "a b/file.jsonl", "a_20b/file", "main"),
            (.generic, ".jsonl", ".jsonl", "main"),
        ])
    func names(_ agent: Agent, _ path: String, _ sid: String, _ stream: String) throws {
        let name = try name(agent, path)
        #expect(name.sid.rawValue == sid)
        #expect(name.stream.rawValue == stream)
    }

    @Test("knows what is no session")
    func none() {
        let claude = AgentLayout(agent: .claude)
        #expect(claude.name(of: "-p/\(Self.uuid)/tool-results/toolu_1.jsonl") == .notASession)
        #expect(AgentLayout(agent: .copilot).name(of: "\(Self.uuid)/files/data.jsonl") == .notASession)
    }

    @Test("tells the kind and the sub-agent's id")
    func kinds() throws {
        let agent = try name(.claude, "-p/\(Self.uuid)/subagents/agent-acompact-946d2b.jsonl")
        #expect(agent.kind == .agent)
        #expect(agent.agentID == "acompact-946d2b")
        #expect(try name(.claude, "-p/\(Self.uuid)/subagents/workflows/w/journal.jsonl").kind == .workflowJournal)
        #expect(try name(.claude, "-p/\(Self.uuid).jsonl").kind == .transcript)
        let child = try name(.gemini, "3f2a/chats/parent-1/child-1.jsonl")
        #expect(child.sid.rawValue == "child-1")
        #expect(child.parentSID?.rawValue == "parent-1")
    }

    @Test("asks the lines of an older sub-agent's file whose it is")
    func olderAgents() throws {
        let naming = AgentLayout(agent: .claude).name(of: "-p/agent-1a2b3c4d.jsonl")
        guard case .needsFirstLines(let fallback) = naming else {
            Issue.record("\(naming)")
            return
        }
        #expect(fallback.sid.rawValue == "agent-1a2b3c4d")
        var lines = FirstLines(agent: .claude)
        #expect(AgentLayout.resolved(fallback, by: lines) == fallback)
        lines.take(#"{"type":"user","sessionId":"\#(Self.uuid)","agentId":"1a2b3c4d","isSidechain":true}"#)
        let name = AgentLayout.resolved(fallback, by: lines)
        #expect(name.key.description == "\(Self.uuid)/agents/1a2b3c4d")
        #expect(name.agentID == "1a2b3c4d")
    }

    @Test("gives every file to the session that the user named")
    func override() throws {
        let sid = try #require(SessionID("mine"))
        #expect(AgentLayout(agent: .generic, sid: sid).name(of: "x.jsonl") == .named(SourceName(sid: sid)))
    }

    @Test("tells two live files of one stream apart by agent and path, always the same way")
    func distinguished() throws {
        let name = try name(.claude, "-p/\(Self.uuid).jsonl")
        let one = SourcePath(agent: .claude, root: "/home/me/.claude/projects", relativePath: "-p/\(Self.uuid).jsonl")
        var two = one
        two.agent = .generic
        let first = name.distinguished(by: one)
        #expect(first == name.distinguished(by: one))
        #expect(first.stream.rawValue.hasPrefix("main~"))
        #expect(first.stream.rawValue.count == 13)
        #expect(first.stream != name.distinguished(by: two).stream)
        #expect(first.sid == name.sid)
    }

    @Test("makes a session id of any name, however hostile")
    func hostile() throws {
        for path in ["../../x.jsonl", "a\u{7}/b\n.jsonl", String(repeating: "é", count: 400) + ".jsonl", "  .jsonl"] {
            for agent in Agent.allCases {
                guard case .named(let name) = AgentLayout(agent: agent).name(of: path) else { continue }
                #expect(SessionID(name.sid.rawValue) != nil)
                #expect(!StoreName.escaped(name.sid.rawValue).contains("/"))
            }
        }
    }

    @Test("a root takes only JSON Lines files that are not hidden, included and not excluded")
    func roots() throws {
        let root = WatchRoot(
            agent: .claude, root: "/p/", exclude: [try Glob("-secret/**"), try Glob("-hidden")])
        #expect(root.root == "/p")
        #expect(root.includes("-a/x.jsonl"))
        #expect(!root.includes("-a/x.meta.json"))
        #expect(!root.includes("-a/x.jsonl.zst"))
        #expect(!root.includes("-a/.x.jsonl"))
        #expect(!root.includes("-secret/x.jsonl"))
        #expect(!root.mayHold("-secret"))
        #expect(!root.mayHold("-hidden"))
        #expect(root.mayHold("-a"))
        let file = WatchRoot(file: "/tmp/log/out.txt")
        #expect(file.root == "/tmp/log")
        #expect(file.includes("out.txt"))
        #expect(!file.includes("other.txt"))
        #expect(!file.mayHold("sub"))
        #expect(WatchRoot(file: "/x.jsonl").root == "/")
        let codex = WatchRoot(agent: .codex, root: "/c")
        #expect(codex.includes("sessions/2026/01/01/rollout-x.jsonl"))
        #expect(!codex.includes("history.jsonl"))
    }
}

extension FirstLines {
    mutating func take(_ line: String) { Array(line.utf8).withUnsafeBytes { take($0) } }
}
