import Configuration
import Shared
import Testing

/// A file, and the problem that it must give: its line, key, and parts of its message and hint.
private struct Case: CustomTestStringConvertible, Sendable {
    var toml: String
    var line: Int
    var key: String
    var message: String
    var hint: String

    init(_ toml: String, _ line: Int, _ key: String, _ message: String, _ hint: String) {
        self.toml = toml
        self.line = line
        self.key = key
        self.message = message
        self.hint = hint
    }

    var testDescription: String { toml }
}

private let cases: [Case] = [
    Case("[segments]\nmax_byte = 1", 2, "segments.max_byte", "there is no such key", "did you mean \"max_bytes\"?"),
    Case("[segmants]\n", 1, "segmants", "there is no such key", "did you mean \"segments\"?"),
    Case("rescan = \"1h\"", 1, "rescan", "there is no such key", "take it out; known here: archive, control"),
    Case("\"a\\u001b[2J\" = 1", 1, "\"a\\u001B[2J\"", "there is no such key", "take it out"),
    Case("[segments]\nmax_bytes = true", 2, "segments.max_bytes", "expected a size, found true", "\"8MiB\""),
    Case("[segments]\nmax_bytes = \"8 parsec\"", 2, "segments.max_bytes", "\"8 parsec\" is not a size", "KiB"),
    Case("[segments]\nmax_bytes = 0", 2, "segments.max_bytes", "0 is out of range", "from 1B to 1GiB"),
    Case("[segments]\nmax_bytes = -5", 2, "segments.max_bytes", "-5 is out of range", "from 1B to 1GiB"),
    Case("[segments]\nmax_lines = 1.5", 2, "segments.max_lines", "expected a whole number, found 1.5", "write it"),
    Case("[segments]\nmax_lines = 0", 2, "segments.max_lines", "0 is out of range", "from 1 to 10000000"),
    Case("[segments]\nmax_age = 60", 2, "segments.max_age", "expected a duration, found 60", "\"60s\""),
    Case("[segments]\nmax_age = \"60\"", 2, "segments.max_age", "\"60\" is not a duration", "units d, h, m, s or ms"),
    Case("[segments]\nquiet = \"0s\"", 2, "segments.quiet", "\"0s\" is out of range", "from 1ms to 30d"),
    Case("[segments]\ncodec = \"gzipp\"", 2, "segments.codec", "none of gzip, zstd, none", "did you mean \"gzip\"?"),
    Case("[segments]\nlevel = 13", 2, "segments.level", "13 is out of range for gzip", "1 to 12"),
    Case("[segments]\nlevel = 2026-01-01", 2, "segments.level", "found a date", "write it"),
    Case("segments = 1", 1, "segments", "expected a table, found 1", "write [segments]"),
    Case("[watch]\nagent = \"claude\"", 1, "watch", "expected tables, found a table", "[[watch]] with double"),
    Case("[[watch]]\nagent = \"claud\"", 2, "watch[1].agent", "\"claud\" is none of", "did you mean \"claude\"?"),
    Case("[[watch]]\nagent = \"gemini\"", 2, "watch[1].agent", "\"gemini\" is not available in this version", "take"),
    Case("[[watch]]\nroot = \"rel\"", 2, "watch[1].root", "\"rel\" is not an absolute path", "begin it with"),
    Case("[[watch]]\nroot = \"$HOME/x\"", 2, "watch[1].root", "not an absolute path", "nothing else (\"$VAR\""),
    Case("[[watch]]\nroot = \"/a\\u0000b\"", 2, "watch[1].root", "holds a NUL", "take it out"),
    Case("[[watch]]\n", 1, "watch[1].root", "it is missing", "add root"),
    Case("[[watch]]\nroot = \"/x\"\ninclude = []", 1, "watch[1].include", "nothing is included", "**/*.jsonl"),
    Case("[[watch]]\nroot = \"/x\"\ninclude = \"*\"", 3, "watch[1].include", "expected a list of texts", "[\"**/"),
    Case("[[watch]]\nroot = \"/x\"\nexclude = [\"../y\"]", 3, "watch[1].exclude", "leaves its root", "\"..\""),
    Case("[[watch]]\nroot = \"/x\"\n\n[[watch]]\nroot = \"/x/\"", 4, "watch[2]", "/x is watched twice", "take one"),
    Case("[spool]\nmax_bytes = \"1B\"", 2, "spool.max_bytes", "out of range", "from 1KiB"),
    Case("[[destination]]\ntype = \"s4\"", 2, "destination[1].type", "\"s4\" is none of", "did you mean \"s3\"?"),
    Case("[[destination]]\nname = \"../x\"", 2, "destination[1].name", "is not a name", "letters"),
    Case("[[destination]]\nrequired = \"yes\"", 2, "destination.directory.required", "expected true", "true"),
    Case(
        "[[destination]]\nbucket = \"b\"", 2, "destination.directory.bucket", "no such key",
        "type s3, supabase, history"),
    Case("[[destination]]\nprefix = \"/a\"", 2, "destination.directory.prefix", "is not a prefix", "components"),
    Case("[[destination]]\nprefix = \"a/../b\"", 2, "destination.directory.prefix", "is not a prefix", "components"),
    Case(
        "[[destination]]\nhistory = true\nrequired = false\n[[destination]]\nname = \"p\"\ntype = \"presigned\"\n"
            + "url = \"https://h\"", 2, "destination.directory.history", "whole files", "add a destination"),
    Case(
        "[[destination]]\n[[destination]]\npath = \"/x\"", 2, "destination.directory.name", "another destination", "own"
    ),
    Case(
        "[[destination]]\nname = \"a\"\npath = \"/x\"\n[[destination]]\nname = \"b\"\npath = \"/x/\"", 6,
        "destination.b.path", "\"a\" has the same directory", "its own path"),
    Case(
        "[[redaction.rule]]\nname = \"x\"\npattern = \"y(\"", 3, "redaction.rule[1].pattern", "not understood",
        "look-around"),
    Case(
        "[[redaction.rule]]\nname = \"x\"\npattern = \"y.*\"", 3, "redaction.rule[1].pattern", "no longest length",
        "{0,64}"),
    Case("[[redaction.rule]]\nname = \"x\"\nfield = 'a\"b'", 3, "redaction.rule[1].field", "holds a quote", "pattern"),
    Case("[redaction]\nallow = [\"(\"]", 2, "redaction.allow", "not understood", "look-around"),
    Case(
        "[privacy]\nexclude_repositories = [\"~/x\"]", 2, "privacy.exclude_repositories", "is a directory",
        "exclude_directories"),
    Case("[privacy]\nexclude_directories = [\"x\"]", 2, "privacy.exclude_directories", "not an absolute path", "~/"),
    Case(
        "[privacy]\nexclude_repositories = [\"x\"]", 2, "privacy.exclude_repositories", "matches no remote",
        "github.com"),
    Case("[privacy]\ninclude_only = [\"x\"]", 2, "privacy.include_only", "matches no remote", "github.com"),
    Case("[archive]\nenabled = true", 2, "archive.enabled", "not available in this version", "enabled = false"),
    Case("[dashboard]\nbind = \"everywhere\"", 2, "dashboard.bind", "is not an IP address", "127.0.0.1"),
    Case("[dashboard]\nport = 65536", 2, "dashboard.port", "65536 is out of range", "from 0 to 65535"),
    Case("[log]\nlevel = \"warn\"", 2, "log.level", "\"warn\" is none of", "did you mean \"warning\"?"),
    Case("[control]\nsocket = \"/\(String(repeating: "x", count: 107))\"", 2, "control.socket", "107 bytes", "shorter"),
    Case("[host]\nlabel = \"a\\nb\"", 2, "host.label", "control character", "take it out"),
    Case("a = \n", 1, "", "not TOML", "mend the line"),
    Case("[a]\n[a]\n", 2, "", "not TOML", "mend the line"),
    Case(String(repeating: "a.", count: 400) + "a = 1", 1, "", "256 dots", "mend the line"),
    Case("x = " + String(repeating: "[", count: 40), 1, "", "not TOML", "mend the line"),
]

@Suite("Problems of a configuration")
struct ProblemTests {
    @Test("each has its line, its key, what is wrong and the cure", arguments: cases)
    fileprivate func each(_ expected: Case) throws {
        let fixture = try Fixture(expected.toml)
        let problems = fixture.problems()
        #expect(problems.count == 1, "\(problems)")
        let problem = try #require(problems.first)
        #expect(problem.file == fixture.file)
        #expect(problem.line == expected.line)
        #expect(problem.key == expected.key)
        #expect(problem.message.contains(expected.message), "\(problem.message)")
        #expect(problem.hint?.contains(expected.hint) == true, "\(problem.hint ?? "")")
        #expect(!problem.isUsage)
    }

    @Test("all come at once, in the order of the lines")
    func allAtOnce() throws {
        // None of the cases of the table at the root goes with others: those with a table header do.
        let joined = """
            [segments]
            max_byte = 1
            max_lines = 0
            [log]
            level = "warn"
            [[destination]]
            name = "x"
            type = "history"
            endpoint = "http://far.example"
            region = ""
            limit = "fast"
            concurrency = 0
            [[watch]]
            root = "rel"
            include = [1]
            [privacy]
            include_only = ["x"]
            """
        let problems = try Fixture(joined).problems()
        #expect(
            problems.map { "\($0.line ?? 0) \($0.key)" } == [
                "2 segments.max_byte", "3 segments.max_lines", "5 log.level", "6 destination.x.bucket",
                "6 destination.x.credentials",
                "10 destination.x.region",
                "11 destination.x.limit", "12 destination.x.concurrency", "14 watch[1].root", "15 watch[1].include",
                "17 privacy.include_only",
            ])
        #expect(problems.allSatisfy { $0.hint != nil })
    }

    @Test("URLs are judged without being repeated: they may hold a password")
    func addresses() throws {
        for (url, message) in [
            ("https://u:p4ss@h", "the URL holds a user name or a password"), ("ftp://p4ss", "\"ftp\" is not a scheme"),
            ("p4ss", "it is not a URL"), ("https://", "it is not a URL"), ("https://h:99999", "it is not a URL"),
            ("https://h h", "it is not a URL"), ("http://far.example", "plain http to far.example"),
            ("http://127.evil.example", "plain http to 127.evil.example"), ("http://localhost:1", ""),
            ("http://[::1]:9/x", ""), ("http://127.0.0.2", ""), ("https://far.example/path", ""),
        ] {
            let problems = try Fixture(remote("presigned", "url = \"\(url)\"")).problems(["--dry-run"])
            #expect(problems.isEmpty == message.isEmpty, "\(url): \(problems)")
            #expect(problems.allSatisfy { $0.message.hasPrefix(message) && !"\($0)".contains("p4ss") }, "\(problems)")
        }
    }

    @Test("a file that is named must be there, regular, readable and small")
    func file() throws {
        let fixture = try Fixture()
        #expect(fixture.problems(["--config", "/nowhere.toml"]).first?.message == "there is no file /nowhere.toml")
        #expect(fixture.problems(["--config", fixture.home]).first?.message.contains("not a regular file") == true)
        #expect(fixture.problems(["--config", "/dev/zero"]).first?.message.contains("not a regular file") == true)
        try fixture.write([UInt8](repeating: 0x20, count: 2 << 20), to: fixture.file)
        #expect(fixture.problems().first?.message.contains("File too large") == true)
        try fixture.write("[log]\nlevel = \"debug\"\n")
        #expect(try fixture.loaded(["--config", fixture.file]).configuration.log.level == .debug)
    }

    @Test("more tables than anybody writes are refused, quickly")
    func many() throws {
        let problems = try Fixture(String(repeating: "[[watch]]\nroot = \"/x\"\n", count: 20_000)).problems()
        #expect(problems.count == 200)
        #expect(problems.contains { $0.key == "watch" && $0.message == "there are more than 200" })
    }

    @Test("problems of flags, variables and the file come together")
    func together() throws {
        let fixture = try Fixture("a = \n", environment: ["AGENT_UI_PORT": "x"])
        #expect(
            fixture.problems(["--seg-ms", "x"]).map(\.origin)
                == [.flag("--seg-ms"), .environment("AGENT_UI_PORT"), .file(path: fixture.file, line: 1)])
    }
}
