import Digests
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// What is sent to a confab server, and what its answers mean.
@Suite("A confab server's")
struct ConfabTests {
    @Test(
        "strings stand for any bytes",
        arguments: [
            ("plain é ☂ 𝄞", "\"plain é ☂ 𝄞\"", 0), ("\"\\\t\u{0}", #""\"\\\u0009\u0000""#, 0), ("", "\"\"", 0),
        ])
    func strings(_ line: String, _ text: String, _ more: Int) {
        var out: [UInt8] = []
        let length = JSONLine.append(Array(line.utf8), to: &out)
        #expect(String(decoding: out, as: UTF8.self) == text && length == line.utf8.count + more)
    }

    @Test("strings have U+FFFD for what is no UTF-8, byte for byte")
    func damage() {
        for bytes: [UInt8] in [
            [0xFF], [0xC3], [0xC3, 0x28], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xE0, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF0, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80],
        ] {
            var out: [UInt8] = []
            let length = JSONLine.append(bytes, to: &out)
            let bad = bytes.filter { $0 >= 0x80 }.count
            #expect(out.count == length + 2 && length == bytes.count + 2 * bad)
            #expect(String(decoding: out, as: UTF8.self).filter { $0 == "\u{FFFD}" }.count == bad)
        }
    }

    @Test("chunks end where the server's sum does")
    func sums() {
        var chunk = ConfabChunk(firstLine: 3, limit: 20)
        #expect(chunk.add(Array("123456".utf8)) && chunk.add(Array("123456".utf8)))
        #expect(!chunk.add([]) && chunk.size == 20 && chunk.lines == 2)
        let file = ConfabFile(.main, of: Self.session, generation: 1, SessionFacts())
        #expect(
            String(decoding: chunk.body(file, in: "i\"", metadata: Array("{}".utf8)), as: UTF8.self)
                == #"{"session_id":"i\"","file_name":"s.jsonl","file_type":"transcript","first_line":3,"#
                + #""lines":["123456","123456"],"metadata":{}}"#)
        // A line alone is for the server to refuse, up to its own limit.
        #expect(ConfabChunk(firstLine: 1, limit: 9).with(Array("123456".utf8)))
        let longest = [UInt8](repeating: 0x61, count: (14 << 20) - 4)
        #expect(
            ConfabChunk(firstLine: 1, limit: 9).with(longest)
                && !ConfabChunk(firstLine: 1, limit: 9).with(longest + [0x61]))
    }

    private static let session: SessionID = {
        guard let session = SessionID("s") else { preconditionFailure("one letter is an id") }
        return session
    }()

    @Test(
        "files are called as its own client calls them",
        arguments: [
            ("main", 1, "s.jsonl", "transcript"), ("main", 3, "s.g3.jsonl", "transcript"),
            ("agents/a1", 1, "agent-a1.jsonl", "agent"), ("agents/a1", 2, "agent-a1.g2.jsonl", "agent"),
            ("workflows/wf/agents/a1", 1, "workflows/wf/agent-a1.jsonl", "agent"),
            ("workflows/wf/journal", 1, "workflows/wf/journal.jsonl", "workflow_journal"),
            ("main~12ab", 1, "main_7E12ab.jsonl", "agent"),
        ])
    func names(_ stream: String, _ generation: Int, _ name: String, _ kind: String) throws {
        let stream = try #require(StreamName(stream))
        let file = ConfabFile(stream, of: Self.session, generation: generation, SessionFacts(agent: .claude))
        #expect(file.name == name && file.kind.rawValue == kind)
        #expect(file.isOfWorkflow == name.hasPrefix("workflows/"))
    }

    @Test("file of a Codex session has the session's time in its name, wherever it lies")
    func codex() throws {
        let session = try #require(SessionID("0199-a"))
        func name(_ path: String?) -> String {
            var facts = SessionFacts(agent: .codex)
            facts.sourcePath = path
            return ConfabFile(.main, of: session, generation: 1, facts).name
        }
        let whole = "rollout-2026-01-02T03-04-05-0199-a.jsonl"
        #expect(name("/h/.codex/sessions/2026/\(whole)") == whole)
        #expect(name("/h/.codex/archived_sessions/\(whole).zst") == whole)
        #expect(name("/h/other.jsonl") == "0199-a.jsonl" && name(nil) == "0199-a.jsonl")
    }

    @Test("name is not longer than it takes")
    func long() throws {
        let stream = try #require(StreamName("agents/" + Array(repeating: "é", count: 300).joined(separator: "/")))
        let name = ConfabFile(stream, of: Self.session, generation: 12, SessionFacts()).name
        #expect(name.utf8.count <= 512 && name.hasSuffix(".g12.jsonl"))
    }

    @Test(
        "answers mean",
        arguments: [
            (200 + 101, nil, ConfabRefusal.Meaning.redirect), (400, "lines are required", .invalid),
            (400, "first_line must be 12 (got 9) - chunks must be contiguous", .notContiguous), (401, nil, .wrongKey),
            (403, nil, .wrongKey), (404, nil, .absent), (407, nil, .proxyRefuses), (408, nil, .busy),
            (409, nil, .exists),
            (413, nil, .tooLong), (422, nil, .invalid), (429, nil, .busy), (500, nil, .busy), (502, nil, .busy),
        ])
    func meanings(_ status: Int, _ said: String?, _ meaning: ConfabRefusal.Meaning) {
        #expect(ConfabRefusal.meaning(status, said) == meaning)
    }

    @Test(
        "answers say whether fewer requests at once may do better",
        arguments: [(429, true), (503, true), (500, false), (401, false)])
    func pushback(_ status: Int, _ isPushback: Bool) throws {
        let secret = "cfb_key"
        let answer = HTTPResponse(status: status, headers: HTTPHeaders(), body: MemoryObject([]))
        let key = BearerKey(.given(Secret(secret)), lane: Lane(name: "keys"))
        let refusal = try ConfabRefusal(
            answer, "put lines", at: "https://confab.example", key: key, hiding: SecretBytes(secret.utf8))
        #expect(refusal.error.isPushback == isPushback)
    }

    @Test("titles have no tags and single spaces")
    func flat() {
        #expect(
            ConfabText.flat("  <b>Fix</b>\n\tit &lt;now&gt; &amp;amp; a < b <!-- x -->&zz; ")
                == "Fix it <now> &amp; a < b &zz;")
        #expect(ConfabText.cut("ééé", 5, ending: "...") == "é...")
        #expect(ConfabText.cut("ééé", 6) == "ééé" && ConfabText.cut("𝄞𝄞", 7) == "𝄞")
    }

    @Test("sink asks with its key, compresses what is worth it, and asks again what is there after any doubt")
    func doubt() async throws {
        let state = Mutex((last: 0, chunks: 0))
        let server = try ScriptedServer { asked in
            switch asked.target {
            case "/base/api/v1/auth/validate": return Self.json("{}")
            case "/base/api/v1/sync/init":
                return Self.json(
                    #"{"session_id":"i","files":{"s.jsonl":{"last_synced_line":\#(state.withLock { $0.last })}}}"#)
            case "/base/api/v1/sync/chunk":
                return state.withLock { state in
                    state.chunks += 1
                    state.last = 40
                    // Done, and not said; then said of another place.
                    if state.chunks == 1 { return .last([]) }
                    return Self.json(#"{"error":"first_line must be 41 (got 1)"}"#, 400)
                }
            default: return .status(404)
            }
        }
        let scene = try TransferScene()
        defer { server.stop() }
        let sink = scene.confab("\(server.url)/base/")
        let id = try await sink.open(proposing: StoreID("x"), known: nil)
        #expect(id.rawValue.count == 32)
        let lines = (1...40).map { "{\"n\":\($0),\"t\":\"\(String(repeating: "x", count: 50))\"}\n" }.joined()
        let segment = try Self.outgoing(Array(lines.utf8), lines: 40)
        // A connection that was used before and breaks is taken for an old one: libcurl sends the request once more.
        try await sink.deliver(segment)
        #expect(state.withLock { $0.chunks } == 2)
        #expect(
            server.asked.map { $0.target.split(separator: "/").last } == ["validate", "init", "chunk", "chunk", "init"])
        for asked in server.asked {
            #expect(
                asked.headers["Authorization"] == "Bearer cfb_key"
                    && asked.headers["User-Agent"]?.hasPrefix("uploaderd/") == true)
        }
        let chunk = server.asked[2]
        #expect(chunk.headers["Content-Encoding"] == "zstd" && chunk.body.prefix(4) == [0x28, 0xB5, 0x2F, 0xFD])
        #expect(server.asked[1].headers["Content-Encoding"] == nil && server.asked[1].body.first == UInt8(ascii: "{"))
        withExtendedLifetime(scene) {}
    }

    @Test("transcript lies beside the folder of its agents")
    func transcript() {
        #expect(
            ConfabBeginning.transcript("/p/s/subagents/workflows/w/agent-a.jsonl", of: Self.session) == "/p/s.jsonl")
        #expect(ConfabBeginning.transcript("/p/s.jsonl", of: Self.session) == "/p/s.jsonl")
    }

    @Test("sink says which lines the server has not got")
    func behind() async throws {
        let server = try ScriptedServer { _ in Self.json(#"{"session_id":"i","files":{}}"#) }
        let scene = try TransferScene()
        defer { server.stop() }
        let segment = try Self.outgoing(Array("a\n".utf8), lines: 1, firstLine: 7)
        let error = await #expect(throws: DeliveryError.self) { try await scene.confab(server.url).deliver(segment) }
        #expect(error?.missingLines == 1...6 && error?.code == .conflict)
        withExtendedLifetime(scene) {}
    }

    @Test("sink sends nothing of a segment that is not whole")
    func damaged() async throws {
        let server = try ScriptedServer { _ in Self.json(#"{"session_id":"i","files":{}}"#) }
        let scene = try TransferScene()
        defer { server.stop() }
        var segment = try Self.outgoing(Array("a\nb\n".utf8), lines: 2)
        segment.bytes = MemoryObject(Array("a\nX\n".utf8))
        await #expect(throws: DeliveryError.self) { try await scene.confab(server.url).deliver(segment) }
        #expect(server.asked.allSatisfy { !$0.target.hasSuffix("chunk") })
        withExtendedLifetime(scene) {}
    }

    private static func json(_ text: String, _ status: Int = 200) -> ScriptedServer.Answer {
        .status(status, "Content-Type: application/json\r\n", text)
    }

    private static func outgoing(_ bytes: [UInt8], lines: Int, firstLine: Int = 1) throws -> OutgoingSegment {
        let digest = RunningDigest.digest(of: bytes)
        let size = Int64(bytes.count)
        let record = SegmentRecord(
            stream: StreamKey(session: session, stream: .main), generation: 1, seq: 1, firstLine: firstLine,
            lines: lines,
            sourceOffset: 0, sourceBytes: size, sourceMAC: digest, bytes: size, storedBytes: size, checksum: digest,
            objectChecksum: digest, chain: digest, codec: .none, cut: .lines, partial: false, rules: "none",
            redactions: [:], anomalies: [:], members: [], firstTS: nil, lastTS: nil)
        return OutgoingSegment(
            record: record, writer: "w", place: .first, bytes: MemoryObject(bytes), facts: SessionFacts(agent: .claude))
    }
}

extension ConfabChunk {
    /// Whether a line fits alone.
    fileprivate func with(_ line: [UInt8]) -> Bool {
        var chunk = self
        return chunk.add(line)
    }
}

extension TransferScene {
    func confab(_ url: String) -> ConfabSink {
        ConfabSink(
            url: url, client: client(), key: BearerKey(.given(Secret("cfb_key")), lane: files), time: time,
            workingOn: files, noting: { _, _, _ in }, ends: { _ in nil })
    }
}
