import Configuration
import Shared
import TestSupport
import Testing

@Suite("Hostile configurations")
struct FuzzTests {
    private let pieces = [
        "[", "]", "[[", "]]", "=", ".", "\"", "'", "\"\"\"", "'''", "{", "}", ",", "#", "\n", "\r\n", "\\", "\\u0000",
        "watch", "[[watch]]\n", "[[destination]]\n", "type = \"s3\"\n", "root = \"~/x\"\n", "segments", "max_bytes = ",
        "8MiB", "1h", "-1", "9223372036854775808", "1e999", "nan", "true", "2026-01-01T00:00:00Z", "a.a.a.a.a = 1\n",
        "\u{FEFF}", "\u{202E}", "\0", "é", "credentials = \"x\"\n", "recipients = [[[]]]\n",
    ]

    private let valid = """
        [[watch]]
        agent = "claude"
        root = "/r"
        exclude = ["a/**"]
        [segments]
        max_bytes = "8MiB"
        max_age = "2m30s"
        [[destination]]
        name = "a"
        type = "s3"
        endpoint = "https://[::1]:9"
        bucket = "b"
        credentials = "/none"
        limit = "2MiB/s"
        [[redaction.rule]]
        name = "r"
        pattern = 'x'
        [privacy]
        include_only = ["x"]
        [dashboard]
        port = 0
        """

    @Test("random bytes, random pieces and mutated files are refused or taken, and never crash")
    func fuzz() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("FuzzTests seed \(seed)")
        var random = Seeded(seed)
        let fixture = try Fixture()
        for round in 0..<1500 {
            var bytes: [UInt8]
            switch round % 3 {
            case 0:
                bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            case 1:
                bytes = []
                for _ in 0..<Int.random(in: 1...40, using: &random) {
                    bytes += Array((pieces.randomElement(using: &random) ?? "").utf8)
                }
            default:
                bytes = Array(valid.utf8)
                for _ in 0..<Int.random(in: 1...6, using: &random) { mutate(&bytes, &random) }
            }
            try fixture.write(bytes, to: fixture.file)
            for problem in fixture.problems() {
                #expect(!problem.message.isEmpty && problem.hint != nil, "seed \(seed), round \(round)")
                #expect((problem.line ?? 1) <= bytes.count { $0 == 10 } + 1, "seed \(seed), round \(round)")
            }
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Seeded) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: bytes[place] = .random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: Array((pieces.randomElement(using: &random) ?? "").utf8), at: place)
        default:
            let end = min(bytes.count, place + Int.random(in: 1...30, using: &random))
            bytes.removeSubrange(place..<end)
        }
    }

    @Test("random arguments and variables never crash")
    func arguments() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("FuzzTests arguments seed \(seed)")
        var random = Seeded(seed)
        let fixture = try Fixture()
        let words =
            [
                "--watch", "--file", "--sid", "--seg-bytes", "--seg-ms", "--poll-ms", "--supabase-url", "--config",
                "--supabase-key", "--upload-url", "--root-prefix", "--concurrency", "--state-dir", "--ui-port", "--=",
                "-", "--", "=", "", "watch", "claude:", ":", "/", "~", "~/", "..", "9223372036854775808", "-1", "x\0y",
            ] + pieces
        for round in 0..<500 {
            let arguments = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                (words.randomElement(using: &random) ?? "")
                    + (Bool.random(using: &random) ? "" : "=" + (words.randomElement(using: &random) ?? ""))
            }
            for name in [
                "AGENT_UI_PORT", "AGENT_SESSION_FILE", "AGENT_SID", "SUPABASE_URL", "CODEX_HOME", "XDG_STATE_HOME",
            ] {
                fixture.environment[name] = Bool.random(using: &random) ? nil : words.randomElement(using: &random)
            }
            for problem in fixture.problems(arguments) {
                #expect(!problem.message.isEmpty, "seed \(seed), round \(round)")
            }
        }
    }
}
