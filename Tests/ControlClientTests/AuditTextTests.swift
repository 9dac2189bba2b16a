import ControlClient
import Shared
import Testing

@Suite("The audit, shown")
struct AuditTextTests {
    private let entries: [AuditEntry]

    init() throws {
        let (a, b) = (try #require(SessionID("a")), try #require(SessionID("b")))
        func entry(
            _ sid: SessionID, _ outcome: AuditOutcome, _ reason: String, _ minute: Int, times: Int = 1,
            path: String? = nil
        ) -> AuditEntry {
            let at = "2026-11-22T08:0\(minute):00Z"
            return AuditEntry(
                sid: sid, destination: "archive", outcome: outcome, reason: reason, firstAt: at, at: at, times: times,
                lines: 5, bytes: 100, path: path)
        }
        entries = [
            entry(a, .sent, "", 1, times: 2, path: "/home/u/a\tb\n.jsonl"),
            entry(a, .resent, "", 3, path: "/home/u/a\tb\n.jsonl"),
            entry(a, .redacted, "aws_key", 2, times: 7), entry(a, .withheld, "", 1, times: 3),
            entry(b, .sent, "", 2), entry(b, .skipped, "private", 4, path: "/home/u/b.jsonl"),
            entry(b, .refused, "permanent", 5, times: 2), entry(b, .failed, "transient", 6, times: 9),
        ]
    }

    @Test("as agnes has it, line by line")
    func agnes() {
        #expect(
            AgnesLog.uploaded.lines(entries) == [
                "b\t100\t2026-11-22T08:02:00Z", "2026-11-22T08:03:00Z\t/home/u/a b .jsonl",
            ])
        #expect(AgnesLog.privateSkipped.lines(entries) == ["2026-11-22T08:04:00Z\tb\t/home/u/b.jsonl"])
        #expect(AgnesLog.failed.lines(entries) == ["2026-11-22T08:05:00Z\tb\tpermanent\t"])
        #expect(
            AgnesLog.redacted.lines(entries) == [
                "2026-11-22T08:01:00Z\ta\twithheld\t3", "2026-11-22T08:02:00Z\ta\taws_key\t7",
            ])
    }

    @Test("what agnes would write is what its own reader takes")
    func readBack() throws {
        var files = AgnesFiles()
        files.add(Array((AgnesLog.uploaded.lines(entries).joined(separator: "\n") + "\n").utf8), as: .uploaded)
        #expect(files.uploaded.map(\.path) == ["/b.jsonl", "/home/u/a b .jsonl"])
        #expect(files.passedOver == 0)
    }

    @Test("is summed up in one line")
    func summary() {
        let sum = AuditSummary(entries)
        #expect(sum.uploaded == 2 && sum.objects == 4 && sum.privateSkipped == 1)
        #expect(sum.refused == 2 && sum.failed == 9 && sum.redacted == 7 && sum.withheld == 3)
        let text = AuditText.text(entries, [], now: WallTime(seconds: 1_795_000_000), width: nil)
        #expect(text.contains("2 sessions uploaded in 4 objects"))
        #expect(AuditText.text([], [], now: WallTime(seconds: 0), width: nil) == "Nothing has happened that fits.\n")
    }
}
