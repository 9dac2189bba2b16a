import ControlClient
import Shared
import Testing

@Suite("What is shown")
struct RenderingTests {
    private let status = StatusReply(
        version: "1.2", pid: 7, startedAt: "2026-11-20T11:38:39Z", uptimeSeconds: 93_784, health: [],
        redaction: RedactionStatus(rules: "none"),
        destinations: [
            DestinationStatus(
                name: "archive", type: "directory", state: .idle, required: true, queued: 0, queuedBytes: 0)
        ], sessions: SessionCounts(live: 2, known: 40),
        watching: WatchingStatus(roots: [
            RootStatus(agent: .claude, root: "/h/.claude/projects", state: .watching),
            RootStatus(agent: .codex, root: "/h/.codex/sessions", state: .waiting),
        ]), spool: SpoolStatus(bytes: 4_096, maxBytes: 4 << 30), storePath: "/h/store")

    @Test("of a healthy daemon is one screen")
    func healthy() {
        #expect(
            StatusScreen(status, width: nil).text == """
                uploaderd 1.2 · healthy · up 1 d 2 h · pid 7
                watching    claude /h/.claude/projects
                            codex /h/.codex/sessions (not there yet)
                sessions    2 live, 40 known
                rates       0B/s read, 0B/s delivered
                spool       4KiB of 4GiB
                redaction   none: lines are stored as they are
                store       /h/store

                DESTINATION  TYPE       STATE  QUEUED  BYTES  OLDEST UNSAFE  LAST ERROR
                archive      directory  idle        0     0B              -  -

                """)
    }

    @Test("says each problem with its cure, and escapes what it quotes")
    func unhealthy() {
        var status = status
        status.health = [
            HealthEntry(
                kind: "source_unreadable", subject: "/h/\u{1B}[31mx", message: "Permission denied", hint: "chmod it",
                since: "2026-11-20T11:38:39Z")
        ]
        status.backfill = BackfillStatus(bytesTotal: 3 << 20, bytesDone: 1 << 20)
        let text = StatusScreen(status, width: nil).text
        #expect(text.hasPrefix("uploaderd 1.2 · 1 problem · up"))
        #expect(text.contains("backfill    33 %, 1MiB of 3MiB\n"))
        #expect(
            text.hasSuffix(
                "source_unreadable /h/\\x1b[31mx: Permission denied (since 2026-11-20T11:38:39Z)\n  chmod it\n"))
        #expect(!text.contains("\u{1B}"))
    }

    @Test("is coloured only when it may be")
    func colours() {
        #expect(StatusScreen(status, width: nil, paint: Paint(isOn: true)).text.contains("\u{1B}[32mhealthy\u{1B}[0m"))
    }

    @Test("in a table gives way where it may, and stays aligned with wide letters")
    func table() {
        var table = TextTable([.init("ID"), .init("TITLE", fit: .cutEnd), .init("N", number: true)])
        table.add(["s1", "漢字の題名です、とても長い", "5"])
        table.add(["s2", "short", "1234"])
        #expect(
            table.text(width: 24) == """
                ID  TITLE              N
                s1  漢字の題名で…      5
                s2  short           1234

                """)
    }

    @Test("in a table is pushed aside by a cell that is far too long in that cell's row only")
    func longCell() {
        var table = TextTable([.init("ID"), .init("TITLE", fit: .cutEnd), .init("N", number: true)])
        table.add(["s1", "a title of some length", "5"])
        table.add([String(repeating: "x", count: 240), "short", "1234"])
        let lines = table.text(width: 40).split(separator: "\n")
        #expect(lines[0] == "ID  TITLE                      N")
        #expect(lines[1] == "s1  a title of some length     5")
        #expect(lines[2].hasPrefix(String(repeating: "x", count: 240) + "  short"))
    }

    @Test("of sessions has the last one on top, and one line each")
    func sessions() throws {
        var old = SessionFacts(agent: .codex)
        old.title = "two\nlines"
        old.lastAt = "2026-11-20T10:00:00Z"
        var new = SessionFacts(agent: .claude)
        new.lastAt = "2026-11-20T12:00:00Z"
        new.cwd = "/p"
        let items = [
            SessionItem(
                sid: try #require(SessionID("a")), facts: old, streams: [.main], lines: 10, bytes: 100, safeLines: 4,
                atRisk: true),
            SessionItem(
                sid: try #require(SessionID("b")), facts: new, streams: [.main], lines: 1, bytes: 1, safeLines: 1,
                atRisk: false),
        ]
        let now = try #require(RFC3339.parse("2026-11-20T12:00:30Z"))
        #expect(
            SessionTable.text(items, now: now, width: nil) == """
                SESSION  AGENT   TITLE       DIRECTORY  LINES  BYTES  SAFE  LAST
                b        claude  -           /p             1     1B   all  30 s ago
                a        codex   two\\nlines  -             10   100B  to 4  2 h ago

                """)
        #expect(SessionTable.text([], now: now, width: nil) == "No session is known here that fits.\n")
    }

    @Test("of a verification is what is wrong, then the counts")
    func verify() throws {
        var summary = VerifySummary()
        summary.sessions = 1
        summary.count(.found)
        #expect(VerifyText.text(bad: [], summary, width: nil) == "Good: 1 range of 1 session: 1 found\n")
        summary.count(.damaged)
        let bad = VerifiedRange(
            sid: try #require(SessionID("s")), stream: .main, generation: 1, firstLine: 11, lines: 5,
            destination: "archive", state: .damaged, detail: "checksum")
        #expect(
            VerifyText.text(bad: [bad], summary, width: nil) == """
                STATE    SESSION  STREAM  GENERATION  LINES  DESTINATION  DETAIL
                DAMAGED  s        main             1  11-15  archive      checksum

                Not good: 2 ranges of 1 session: 1 found, 1 damaged

                """)
    }

    @Test(
        "of durations is the two greatest units",
        arguments: [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_725, "1 h 2 min"), (90_000, "1 d 1 h"), (-5, "0 s")])
    func durations(_ seconds: Int, _ text: String) { #expect(Amounts.duration(seconds) == text) }

    @Test("of shares is 100 % only when all is done")
    func percent() {
        #expect(Amounts.percent(999_999, of: 1_000_000) == 99)
        #expect(Amounts.percent(5, of: 5) == 100)
        #expect(Amounts.percent(0, of: 0) == 100)
        #expect(Amounts.percent(9, of: 5) == 100)
    }

    @Test("to a shell completes every command and option", arguments: Completions.Shell.allCases)
    func completions(_ shell: Completions.Shell) {
        let script = Completions.script(for: shell, commands: Command.all)
        for command in Command.all {
            for word in command.name.split(separator: " ") { #expect(script.contains(word)) }
            for option in command.options {
                #expect(script.contains(shell == .fish ? "-l \(option.name)" : "--\(option.name)"))
            }
        }
    }
}
