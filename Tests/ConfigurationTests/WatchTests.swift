import Configuration
import Shared
import Testing

@Suite("Watched roots")
struct WatchTests {
    @Test("are by default those of every known agent, existing or not")
    func defaults() throws {
        let fixture = try Fixture(environment: ["CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "~/x"])
        let watch = try fixture.loaded().configuration.watch
        let home = fixture.home
        #expect(
            watch.map { "\($0.agent):\($0.root)" } == [
                "claude:/c/projects", "codex:\(home)/x/sessions", "codex:\(home)/x/archived_sessions",
                "copilot:\(home)/.copilot/session-state", "pi:\(home)/.pi/agent/sessions",
            ])
        #expect(watch.allSatisfy { $0.isDefault && $0.exclude.isEmpty })
        #expect(
            watch.map(\.include) == [
                ["**/*.jsonl"], ["**/rollout-*.jsonl"], ["**/rollout-*.jsonl"], ["*/events.jsonl", "*.jsonl"],
                ["**/*.jsonl"],
            ])
    }

    @Test("are an agent's own where the file names only the agent")
    func agentOnly() throws {
        let watch = try Fixture("[[watch]]\nagent = \"codex\"\nexclude = [\"old/**\"]\n").loaded().configuration.watch
        #expect(watch.count == 2)
        #expect(watch.allSatisfy { !$0.isDefault && $0.exclude == ["old/**"] })
        #expect(watch.allSatisfy { $0.include == ["**/rollout-*.jsonl"] })
        let own = try Fixture("[[watch]]\nagent = \"codex\"\nroot = \"~/.codex\"\ninclude = [\"*.jsonl\"]\n").loaded()
        #expect(own.configuration.watch.map(\.include) == [["*.jsonl"]])
    }

    @Test("leave out what uploaderd itself writes below them")
    func ours() throws {
        let fixture = try Fixture("[[watch]]\nroot = \"~/\"\n[[destination]]\npath = \"~/archive\"\n")
        #expect(
            try fixture.loaded().configuration.watch.first?.exclude
                == [".cache/uploaderd/**", ".local/state/uploaderd/**", "archive/**"])
        try fixture.write("[[watch]]\nroot = \"~/archive/x\"\n[[destination]]\npath = \"~/archive\"\n")
        #expect(fixture.problems().first?.message.contains("where uploaderd itself writes") == true)
    }

    @Test("without a home are not known")
    func homeless() throws {
        let fixture = try Fixture()
        fixture.environment = [:]
        #expect(fixture.problems(["--state-dir", "/s"]).map(\.key) == ["watch"])
        let loaded = try fixture.loaded(["--state-dir", "/s", "--watch", "generic:/x"])
        #expect(loaded.configuration.watch.map(\.root) == ["/x"])
    }
}
