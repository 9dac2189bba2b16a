import Glibc
import Shared
import Testing

@testable import Configuration

@Suite("The command line")
struct CommandLineTests {
    @Test("takes every flag of agent-uploader, with and without its leading word", arguments: [[], ["watch"]])
    func agentUploader(_ word: [String]) throws {
        let fixture = try Fixture()
        let loaded = try fixture.loaded(
            word + [
                "--file", "session.jsonl", "--bucket", "b", "--sid", " abc ", "--supabase-url", "https://x.supabase.co",
                "--supabase-key=k3y", "--upload-url", "http://127.0.0.1:9/put", "--seg-bytes", "1000",
                "--seg-lines=20", "--seg-ms", "3000", "--poll-ms", "50", "--no-gzip", "--spool-dir", "/s/spool",
                "--state-dir", "/s/state", "--ui-bind", "::1", "--ui-port", "0", "--ui-dist", "page", "--ui-disable",
                "--dry-run", "--concurrency", "0", "--root-prefix", "p/q", "--verbose",
            ])
        let all = loaded.configuration
        #expect(all.watch.count == 1)
        #expect(all.watch.first?.root == "/srv/here")
        #expect(all.watch.first?.file == "session.jsonl")
        #expect(all.watch.first?.agent == .generic)
        #expect(all.watch.first?.sid == SessionID("abc"))
        #expect(all.segments.maxBytes == 1000)
        #expect(all.segments.maxLines == 20)
        #expect(all.segments.maxAge == .seconds(3))
        #expect(all.segments.codec == .none)
        #expect(all.watching.poll == .milliseconds(50))
        #expect(loaded.directories.spool == "/s/spool")
        #expect(loaded.directories.state == "/s/state")
        #expect(!all.dashboard.enabled)
        #expect(all.dashboard.bind == "::1")
        #expect(all.dashboard.port == 0)
        #expect(all.dashboard.page == "/srv/here/page")
        #expect(all.log.level == .debug)
        #expect(loaded.options.dryRun)
        #expect(loaded.options.saysWatch == !word.isEmpty)
        #expect(all.destinations.map(\.name) == ["presigned", "supabase"])
        #expect(all.destinations.allSatisfy { $0.transport.concurrency == 1 })
        #expect(
            all.destinations.last?.place
                == .supabase(url: "https://x.supabase.co", bucket: "b", prefix: "p/q/", signsUploads: false))
        #expect(all.destinations.last?.credentials == .given(Secret("k3y")))
        #expect(loaded.notices.contains { $0.origin == .flag("--supabase-key") })
        #expect(!"\(loaded)".contains("k3y"))
        #expect(!loaded.entries.contains { $0.value.contains("k3y") })
    }

    @Test("refuses a second file, and values that are no UTF-8")
    func refused() throws {
        let twice = try Fixture().problems(["--file", "a.jsonl", "--file", "b.jsonl"])
        #expect(twice.map(\.origin) == [.flag("--file")])
        #expect(twice.first?.hint == "watch their directory: --watch generic:DIR")
        for flag in ["--state-dir", "--runtime-dir", "--spool-dir", "--file"] {
            let problems = try Fixture().problems([flag, "/s/\u{FFFD}"])
            #expect(problems.map(\.message) == ["its value is no UTF-8"], "\(flag)")
        }
    }

    @Test("says everything that is wrong, with the nearest name and without a value that may be a secret")
    func mistakes() throws {
        let problems = try Fixture().problems([
            "--seg-byte", "100", "--supabase-kye", "s3cret", "--oncee", "stray", "--once=yes", "--seg-lines", "many",
            "--seg-ms", "0", "--unheard-of", "--sid", "a b", "--config",
        ])
        func problem(_ flag: String) -> ConfigurationProblem? { problems.first { $0.origin == .flag(flag) } }
        #expect(problem("--seg-byte")?.hint == "did you mean --seg-bytes?")
        #expect(problem("--supabase-kye")?.hint == "did you mean --supabase-key?")
        #expect(problem("--oncee")?.hint == "did you mean --once?")
        #expect(problem("--once")?.message == "it takes no value")
        #expect(problem("--seg-lines")?.message == "expected a whole number, found \"many\"")
        #expect(problem("--seg-ms")?.message == "\"0ms\" is out of range")
        #expect(problem("--unheard-of")?.hint == "`uploaderd --help` lists the flags")
        #expect(problem("--sid")?.message == "it is not a session id")
        #expect(problem("--config")?.hint == "write --config FILE")
        #expect(problems.count == 9)
        #expect(problems.allSatisfy { $0.isUsage })
        #expect(!problems.contains { "\($0)\($0.hint ?? "")".contains("s3cret") })
    }

    @Test("a word where none is expected is named, with what to use instead")
    func words() throws {
        let fixture = try Fixture()
        #expect(fixture.problems(["replay"]).first?.hint == "use `uploaderctl replay`")
        #expect(fixture.problems(["--once", "stray"]).first?.description == "stray: nothing is expected here")
        #expect(fixture.problems(["\u{1B}[2J"]).first?.description == "\"\\u001B[2J\": nothing is expected here")
    }

    @Test("help and version win over everything, even a broken file")
    func information() throws {
        let fixture = try Fixture("this is not TOML")
        guard case .help(let text) = fixture.read(["--once", "--help"]) else {
            Issue.record("no help")
            return
        }
        #expect(text.contains("--seg-bytes SIZE"))
        // What does nothing here is not listed as if it did.
        #expect(!text.contains("--host"))
        #expect(text.contains("--no-redaction"))
        for flag in ["--upload-url URL", "--bucket NAME", "--concurrency N", "--supabase-url URL"] {
            #expect(text.contains(flag))
        }
        #expect(!text.contains("--ui-port PORT"))
        for arguments in [["version"], ["--version"], ["-V"]] {
            guard case .version = fixture.read(arguments) else {
                Issue.record("no version")
                return
            }
        }
    }

    @Test(
        "a flag of a later version is refused, or says that it has no effect",
        arguments: CommandLineFlag.allCases.filter(\.isOfLaterVersion))
    func later(_ flag: CommandLineFlag) throws {
        let fixture = try Fixture()
        let value =
            switch flag.placeholder {
            case nil: [String]()
            case "URL": ["http://127.0.0.1:9/x"]
            case "PORT", "N": ["4"]
            case "ADDRESS": ["127.0.0.1"]
            default: ["x"]
            }
        switch fixture.read([flag.rawValue] + value) {
        case .refused(let problems): #expect(problems.contains { $0.message.contains("not available in this version") })
        case .loaded(let loaded):
            #expect(flag == .uiDisable || loaded.notices.contains { $0.message.contains("no effect") })
        case .help, .version: Issue.record("no configuration was read")
        }
    }

    @Test("several roots and a file take the place of the configured ones")
    func roots() throws {
        let fixture = try Fixture("[[watch]]\nagent = \"pi\"\nroot = \"/elsewhere\"\n")
        let watch = try fixture.loaded([
            "--watch", "claude:~/c", "--watch=codex:relative/x:y", "--file", "/f/a.jsonl",
        ]).configuration.watch
        #expect(watch.map(\.agent) == [.claude, .codex, .generic])
        #expect(watch.map(\.root) == ["\(fixture.home)/c", "/srv/here/relative/x:y", "/f"])
        #expect(watch.map(\.file) == [nil, nil, "a.jsonl"])
        #expect(watch.allSatisfy { !$0.isDefault })
        let problems = fixture.problems([
            "--watch", "claud:/x", "--watch", "/x", "--watch", "gemini:/x", "--watch", "pi:",
        ])
        #expect(
            problems.map(\.hint).prefix(2) == [
                "did you mean \"claude\"?", "write the agent before the directory, as in claude:~/.claude/projects",
            ])
        #expect(problems.count == 4)
    }

    @Test("a session id needs its one file, and auto is none")
    func sessionID() throws {
        let fixture = try Fixture()
        #expect(fixture.problems(["--sid", "x"]).first?.origin == .flag("--sid"))
        #expect(try fixture.loaded(["--sid", "auto"]).configuration.watch.allSatisfy { $0.sid == nil })
        #expect(try fixture.loaded(["--sid", "auto", "--file", "/a"]).configuration.watch.first?.sid == nil)
        fixture.environment["AGENT_SID"] = "mine"
        #expect(try fixture.loaded().notices.map(\.origin) == [.environment("AGENT_SID")])
        #expect(try fixture.loaded(["--file", "/a"]).configuration.watch.first?.sid == SessionID("mine"))
    }

    @Test("a key in the process's own arguments is overwritten in place, and nothing else")
    func overwriting() {
        let arguments = [
            "uploaderd", "watch", "--supabase-key", "abc", "--sid", "x", "--supabase-key=defg", "--supabase-key",
        ]
        var copies = arguments.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let count = copies.count
        let found = copies.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { ArgumentSecrets.overwrite($0, count: count) } ?? false
        }
        #expect(found)
        #expect(
            copies.map { $0.map { String(cString: $0) } ?? "" } == [
                "uploaderd", "watch", "--supabase-key", "xxx", "--sid", "x", "--supabase-key=xxxx", "--supabase-key",
            ])
    }
}
