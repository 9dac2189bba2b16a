import ControlPlane
import Shared
import Testing

/// Messages with every field set.
enum Samples {
    static let status = StatusReply(
        pid: 4711, startedAt: "2026-11-20T11:38:39Z", uptimeSeconds: 3_661,
        health: [
            HealthEntry(
                kind: "destination_held", subject: "archive", message: "the key was refused", hint: "give another",
                since: "2026-11-20T11:40:00Z")
        ], redaction: RedactionStatus(rules: "none"),
        destinations: [
            DestinationStatus(
                name: "archive", type: "directory", state: .held, required: true, queued: 3, queuedBytes: 4_096,
                oldestUnsafeSeconds: 61, lastError: "No space left on device", storeID: "5f")
        ], sessions: SessionCounts(live: 2, known: 40),
        watching: WatchingStatus(roots: [RootStatus(agent: .claude, root: "/home/u/.claude", state: .watching)]),
        spool: SpoolStatus(bytes: 4_096, maxBytes: 4 << 30),
        rates: Rates(lines: 1.5, bytesRead: 2_048, bytesDelivered: 512),
        backfill: BackfillStatus(bytesTotal: 1_000, bytesDone: 250), storePath: "/home/u/.local/state/uploaderd/store")

    static func audit(entries: Int) throws -> AuditPage {
        let sid = try #require(SessionID("s1"))
        let outcomes = AuditOutcome.allCases
        return AuditPage(
            entries: (0..<entries).map { number in
                AuditEntry(
                    sid: sid, destination: number % 2 == 0 ? "archive" : nil,
                    outcome: outcomes[number % outcomes.count],
                    reason: "reason \(number)", firstAt: "2026-11-20T10:00:00Z", at: "2026-11-20T11:00:00Z",
                    times: 1, lines: 2, bytes: 3, path: "/home/u/s1.jsonl")
            },
            refusals: [
                AuditRefusal(
                    sid: sid, destination: "archive", code: "permanent", message: "it is too large",
                    at: "2026-11-20T11:00:00Z", times: 2)
            ])
    }

    static func session(_ text: String) throws -> SessionItem {
        var facts = SessionFacts(agent: .claude)
        facts.agentVersion = "2.1"
        facts.cwd = "/home/u/project"
        facts.cwds = ["/home/u/project"]
        facts.git = .object(["branch": .string("main")])
        facts.branches = ["main"]
        facts.title = "A title"
        facts.firstUserMessage = "Hello"
        facts.summary = "It was said"
        facts.model = "m"
        facts.models = ["m"]
        facts.startedAt = "2026-11-20T10:00:00Z"
        facts.lastAt = "2026-11-20T11:00:00Z"
        facts.endedAt = "2026-11-20T11:00:00Z"
        facts.endReason = "exit"
        facts.parentSID = SessionID("parent")
        facts.links = [.object(["url": .string("https://example.org")])]
        facts.host = "laptop"
        facts.machine = "m1"
        facts.user = "u"
        facts.sourcePath = "/home/u/.claude/projects/p/s.jsonl"
        return SessionItem(
            sid: try #require(SessionID(text)), facts: facts, streams: [.main], lines: 10, bytes: 1_234, safeLines: 8,
            atRisk: true)
    }

    static func quarantined(_ id: Int) throws -> QuarantineItem {
        var item = try JSONText.decode(
            QuarantineItem.self,
            from: Array(
                #"""
                {"id":1,"destination":"archive","sid":"s1","stream":"main","generation":1,"seq":4,"first_line":31,"lines":10,
                "bytes":50,"reason":"413 EntityTooLarge","hint":"let it take more","since":"2026-11-22T05:00:00Z"}
                """#.utf8))
        item.id = id
        return item
    }

    static func segment(_ sid: String, seq: Int) throws -> SegmentItem {
        let digest = try #require(Digest256(bytes: [UInt8](repeating: UInt8(seq & 255), count: 32)))
        let record = SegmentRecord(
            stream: StreamKey(session: try #require(SessionID(sid)), stream: .main), generation: 1, seq: seq,
            firstLine: seq * 10 - 9, lines: 10, sourceOffset: 0, sourceBytes: 10, sourceMAC: digest, bytes: 100,
            storedBytes: 50, checksum: digest, objectChecksum: digest, chain: digest, codec: .gzip, cut: .quiet,
            partial: false, rules: "none", redactions: [:], anomalies: [:], members: [], firstTS: 1, lastTS: 2)
        return SegmentItem(
            record, state: .retired, deliveries: [DeliveryItem(destination: "archive", at: "2026-11-20T11:38:39Z")])
    }

    static func checkpoint(_ sid: String) throws -> CheckpointItem {
        CheckpointItem(
            CheckpointRecord(
                stream: StreamKey(session: try #require(SessionID(sid)), stream: .main), generation: 1, seq: 1,
                lineIndex: 10, line: 10, ts: 1_700_000_000, label: "compacted", git: "abc", branch: "main"))
    }

    static func detail(_ sid: String, segments: Int) throws -> SessionDetail {
        SessionDetail(
            session: try session(sid),
            streams: [
                StreamDetail(
                    stream: .main, kind: "main", agentID: "a1", sourcePath: "/x",
                    generations: [
                        GenerationDetail(
                            generation: 1, lines: 10, bytes: 100, safeLines: 8, segments: segments, sourceOffset: 100)
                    ])
            ], checkpoints: [try checkpoint(sid)], segments: try (1...segments).map { try segment(sid, seq: $0) },
            writers: [
                WriterItem(writer: "00aa", isOurs: true, destinations: ["archive"], lines: 10, host: "here"),
                WriterItem(
                    writer: "00bb", isOurs: false, destinations: ["archive"], lines: 3, continues: "00aa",
                    continuesLine: 10),
            ])
    }

    static func range(_ state: VerifiedRange.State, line: Int = 1) throws -> VerifiedRange {
        VerifiedRange(
            sid: try #require(SessionID("s1")), stream: .main, generation: 1, firstLine: line, lines: 10,
            destination: "archive", state: state, detail: "why", writer: "00bb")
    }

    static func pieces(_ texts: [String]) -> [ReplayPiece] {
        var offset: Int64 = 0
        return texts.map { text in
            defer { offset += Int64(text.utf8.count) }
            return ReplayPiece(stream: .main, generation: 1, offset: offset, bytes: Array(text.utf8))
        }
    }
}
