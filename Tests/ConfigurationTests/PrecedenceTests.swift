import Configuration
import Shared
import Testing

@Suite("Precedence")
struct PrecedenceTests {
    @Test("flags win over the environment, that over the file, that over the default")
    func order() throws {
        let fixture = try Fixture()
        #expect(try fixture.loaded().configuration.dashboard.port == 4333)
        try fixture.write("[dashboard]\nport = 1\n")
        #expect(try fixture.loaded().configuration.dashboard.port == 1)
        fixture.environment["AGENT_UI_PORT"] = "2"
        #expect(try fixture.loaded().configuration.dashboard.port == 2)
        #expect(try fixture.loaded().origin("dashboard.port") == "environment AGENT_UI_PORT")
        let loaded = try fixture.loaded(["--ui-port", "3", "--ui-port", "4"])
        #expect(loaded.configuration.dashboard.port == 4)
        #expect(loaded.origin("dashboard.port") == "flag --ui-port")
    }

    @Test("an empty variable is an unset one")
    func emptyVariable() throws {
        let fixture = try Fixture(environment: ["AGENT_UI_PORT": "", "AGENT_SESSION_FILE": " "])
        #expect(try fixture.loaded().configuration.dashboard.port == 4333)
        #expect(try fixture.loaded().configuration.watch.allSatisfy { $0.isDefault })
    }

    @Test("a mistake is heard of even where something else wins")
    func loser() throws {
        let fixture = try Fixture("[dashboard]\nport = \"x\"\n", environment: ["AGENT_UI_PORT": "70000"])
        let problems = fixture.problems(["--ui-port", "5"])
        #expect(problems.map(\.key) == ["dashboard.port", "dashboard.port"])
        #expect(problems.map(\.origin) == [.environment("AGENT_UI_PORT"), .file(path: fixture.file, line: 2)])
    }

    @Test("a file that the environment names is one generic file; a flag wins over it")
    func sessionFile() throws {
        let fixture = try Fixture(environment: ["AGENT_SESSION_FILE": "log/s.jsonl"])
        let watch = try fixture.loaded().configuration.watch
        #expect(watch.map(\.root) == ["/srv/here/log"])
        #expect(watch.map(\.file) == ["s.jsonl"])
        #expect(try fixture.loaded(["--watch", "pi:/p"]).configuration.watch.map(\.file) == [nil])
    }

    @Test("a prefix and directories given by flags show where they come from")
    func directories() throws {
        let loaded = try Fixture().loaded(["--state-dir", "rel", "--runtime-dir", "/r", "--root-prefix", "mine"])
        #expect(loaded.directories.state == "/srv/here/rel")
        #expect(loaded.origin("directory.state") == "flag --state-dir")
        #expect(loaded.origin("directory.spool") == "default")
        #expect(loaded.shown("control.socket") == "\"/r/control.sock\"")
        #expect(loaded.configuration.control.socket == "/r/control.sock")
        #expect(
            loaded.configuration.destinations.map(\.place)
                == [.directory(path: "/srv/here/rel/store", prefix: "mine/")])
    }

    @Test("a place that a variable has moved shows which")
    func moved() throws {
        let fixture = try Fixture(
            environment: ["XDG_STATE_HOME": "/x", "CODEX_HOME": "/c", "CLAUDE_CONFIG_DIR": "not/absolute"])
        let loaded = try fixture.loaded(["--runtime-dir", "/r"])
        #expect(loaded.shown("directory.state") == "\"/x/uploaderd\"")
        #expect(loaded.origin("directory.state") == "environment XDG_STATE_HOME")
        #expect(loaded.origin("directory.runtime") == "flag --runtime-dir")
        #expect(loaded.origin("directory.cache") == "default")
        #expect(loaded.origin("watch[1].root") == "default")
        #expect(loaded.shown("watch[2].root") == "\"/c/sessions\"")
        #expect(loaded.origin("watch[2].root") == "environment CODEX_HOME")
        fixture.environment = ["HOME": fixture.home, "SYSTEMD_EXEC_PID": "4711", "STATE_DIRECTORY": "/s"]
        #expect(try fixture.loaded().origin("directory.state") == "environment STATE_DIRECTORY")
    }

    @Test("foreign variables make no destination, but are said to be unused")
    func foreignVariables() throws {
        let fixture = try Fixture(environment: ["SUPABASE_URL": "https://a.b", "SUPABASE_KEY": "k"])
        let loaded = try fixture.loaded()
        #expect(loaded.configuration.destinations.map(\.isDefault) == [true])
        #expect(loaded.notices.map(\.origin) == [.environment("SUPABASE_KEY"), .environment("SUPABASE_URL")])
        // Under agent-uploader's own command they mean what they mean there.
        let asked = try fixture.loaded(["watch"])
        #expect(asked.configuration.destinations.map(\.type) == [.supabase])
    }

    private static let codetether = [
        "CODETETHER_HISTORY_S3_ENDPOINT": "https://s3.example", "CODETETHER_HISTORY_S3_BUCKET": " b ",
        "CODETETHER_HISTORY_S3_ACCESS_KEY": "id", "CODETETHER_HISTORY_S3_SECRET_KEY": "s",
    ]

    @Test(
        "codetether's variables fill a history destination",
        arguments: [(nil, "history/"), ("", "history/"), ("a/b", "a/b/"), (" c/ ", "c/")] as [(String?, String)])
    func codetether(_ given: String?, _ prefix: String) throws {
        var environment = Self.codetether
        environment["CODETETHER_HISTORY_S3_PREFIX"] = given
        let fixture = try Fixture(
            remote("history", "") + "\n[[destination]]\nname = \"disk\"\n", environment: environment)
        let far = try fixture.loaded().configuration.destinations.first
        #expect(
            far?.place
                == .history(
                    BucketPlace(
                        endpoint: "https://s3.example", bucket: "b", prefix: prefix, region: "us-east-1",
                        pathStyle: true)))
        #expect(far?.credentials == .given(Secret("id\ns")))
    }

    @Test("one that codetether's variables are to fill is off, and the local store is used, while one is missing")
    func codetetherIsOff() throws {
        for name in Self.codetether.keys.sorted() {
            var environment = Self.codetether
            environment[name] = "  "
            let fixture = try Fixture("[[destination]]\ntype = \"history\"\n", environment: environment)
            let loaded = try fixture.loaded()
            #expect(loaded.configuration.destinations.map(\.isDefault) == [true])
            #expect(loaded.notices.contains { $0.message.contains("it is off") }, "\(loaded.notices)")
            // Without such a destination nothing is said of variables that mean nothing.
            let none = try Fixture("", environment: environment).loaded()
            #expect(!none.notices.contains { "\($0)".contains("CODETETHER") }, "\(none.notices)")
        }
        let unused = try Fixture("", environment: Self.codetether).loaded()
        #expect(unused.notices.contains { "\($0)".contains("CODETETHER") })
    }
}
