import LinuxSystem
import Shared
import TestSupport
import Testing

@Suite("A control request")
struct ControlRequestTests {
    private func read(_ method: String, _ parameters: [String: JSONValue]) throws(ControlError) -> ControlRequest {
        try ControlRequest(VarlinkCall("io.uploaderd.Control.\(method)", parameters))
    }

    @Test("is the same after it was sent")
    func roundTrip() throws {
        let sid = try #require(SessionID("../../x"))
        let requests: [ControlRequest] = [
            .getStatus, .reload, .showConfiguration, .describeSession(sid), .listSessions(SessionFilter()),
            .listSessions(SessionFilter(agent: .pi, since: WallTime(seconds: 1_700_000_000), atRisk: true, after: sid)),
            .replay(ReplayRequest(sid: sid)),
            .replay(
                ReplayRequest(
                    sid: sid, toCheckpoint: .latest, lines: LineRange(first: 2, last: 5),
                    stream: StreamName("agents/a")!,
                    generation: 3, from: "archive", follow: true, maxLines: 7)),
            .resolve(PointerHandle(bucket: "b", key: "sessions/s/history.jsonl")),
            .resolve(PointerHandle(bucket: "b", key: "k", byteRange: PointerHandle.ByteRange(5, 3))),
            .verify(VerifyRequest()), .verify(VerifyRequest(sid: sid, deep: true, sample: VerifySample("2/10"))),
            .flush(FlushRequest(.everything, wait: false)), .flush(FlushRequest(.session(sid), wait: true)),
            .flush(FlushRequest(.file("/a/b.jsonl"), wait: true)),
            .capture(CapturedEvent(.start, agent: .codex, sid: sid, at: WallTime(nanoseconds: 1_500_000_000))),
            .capture(
                CapturedEvent(
                    .end, agent: .claude, sid: sid, at: WallTime(seconds: 1), path: "/a b.jsonl", reason: "clear",
                    process: AgentProcess(pid: 7, started: 9, boot: "b"), payload: .object(["x": .null]))),
            .importQueue(
                ImportQueueRequest(
                    .failed, [QueuedSession(sid: sid, path: "/a"), QueuedSession(sid: nil, path: "/b")])),
            .importSession(ImportSessionRequest(sid: sid, agent: .codex, path: "/a b.jsonl")),
            .audit(AuditRequest()), .listRemoteSessions(RemoteRequest()),
            .listRemoteSessions(
                RemoteRequest(destination: "archive", agent: .codex, since: WallTime(seconds: 1_700_000_000))),
            .audit(
                AuditRequest(since: WallTime(seconds: 1_700_000_000), destination: "archive", sid: sid, after: "e x")),
            .pause(nil), .pause("archive"), .resume("archive"), .setLimit(LimitRequest()),
            .setLimit(LimitRequest(rate: .off)),
            .setLimit(LimitRequest(rate: TransferRate("512KiB/s"), destination: "archive")),
            .listQuarantine(QuarantineRequest(sid: sid, destination: "archive"), after: 7),
            .retryQuarantine(QuarantineRequest(id: 7)), .dropQuarantine(QuarantineRequest(sid: sid)),
        ]
        for request in requests {
            let text = try request.call(more: true).text()
            #expect(try ControlRequest(VarlinkCall(frame: text)) == request)
        }
    }

    @Test("whose members are of the wrong type is none", arguments: ["more", "oneway", "parameters", "method"])
    func members(_ name: String) {
        for value in [#""yes""#, "1", "[]", "0"] {
            if name == "method", value.hasPrefix("\"") { continue }
            let others = name == "method" ? "" : #","method":"io.uploaderd.Control.GetStatus""#
            let frame = Array("{\"\(name)\":\(value)\(others)}".utf8)
            #expect(throws: ControlError.self) { _ = try VarlinkCall(frame: frame) }
        }
    }

    @Test(
        "has replies whose members have the right type, or they are none",
        arguments: [#"{"continues":"yes"}"#, #"{"continues":1}"#, #"{"error":1}"#, #"{"parameters":[]}"#])
    func replies(_ text: String) {
        let error = #expect(throws: ControlError.self) { _ = try ReceivedReply(frame: Array(text.utf8)) }
        #expect(error?.code == .badReply)
    }

    @Test("names the parameter that is wrong, missing or unknown")
    func parameters() {
        func wrong(_ method: String, _ parameters: [String: JSONValue], _ name: String) {
            #expect(
                performing: { _ = try read(method, parameters) },
                throws: { ($0 as? ControlError)?.code == .invalidParameter(name) })
        }
        wrong("DescribeSession", [:], "sid")
        wrong("DescribeSession", ["sid": .null], "sid")
        wrong("DescribeSession", ["sid": .integer(1)], "sid")
        wrong("DescribeSession", ["sid": .string("a b")], "sid")
        wrong("DescribeSession", ["sid": .string("a"), "other": .bool(true)], "other")
        wrong("GetStatus", ["x": .integer(1)], "x")
        wrong(
            "Replay", ["sid": .string("a"), "lines": .object(["first": .integer(1), "from": .integer(2)])], "lines")
        wrong("Flush", ["wait": .string("yes")], "wait")
        wrong("Replay", ["sid": .string("a"), "max_lines": .integer(0)], "max_lines")
        wrong("Replay", ["sid": .string("a"), "max_lines": .number(1e300)], "max_lines")
        wrong("Replay", ["sid": .string("a"), "lines": .object(["first": .integer(3), "last": .integer(2)])], "lines")
        wrong("Replay", ["sid": .string("a"), "stream": .string("a//b")], "stream")
        wrong("Verify", ["sample": .string("3/2")], "sample")
        wrong("Flush", ["path": .string("relative")], "path")
        wrong("Flush", ["path": .string("/a"), "sid": .string("s")], "path")
        wrong("Capture", [:], "event")
        let event: [String: JSONValue] = [
            "kind": .string("end"), "agent": .string("claude"), "sid": .string("s"),
            "at": .string("2026-11-22T00:00:00Z"),
        ]
        for (name, value) in [
            ("kind", JSONValue.string("?")), ("agent", .string("nobody")), ("sid", .string("a b")),
            ("at", .string("now")),
            ("path", .string("relative")),
        ] {
            wrong("Capture", ["event": .object(event.merging([name: value]) { $1 })], "event")
        }
        wrong("ImportQueue", ["origin": .string("elsewhere"), "sessions": .array([])], "origin")
        wrong("ImportQueue", ["origin": .string("queue")], "sessions")
        for session: [String: JSONValue] in [[:], ["path": .string("x")], ["path": .string("/x"), "sid": .string("")]] {
            wrong("ImportQueue", ["origin": .string("queue"), "sessions": .array([.object(session)])], "sessions")
        }
        let most = Array(repeating: JSONValue.object(["path": .string("/x")]), count: 1_001)
        wrong("ImportQueue", ["origin": .string("queue"), "sessions": .array(most)], "sessions")
        wrong("ImportSession", ["sid": .string("s"), "agent": .string("codex"), "path": .string("a")], "path")
        wrong("ListSessions", ["agent": .string("nobody")], "agent")
        wrong("ListSessions", ["since": .string("yesterday")], "since")
    }

    @Test(
        "reads ranges of lines",
        arguments: zip(["1:2", "5:", ":7", ":"], [(1, 2), (5, nil), (1, 7), (1, nil)] as [(Int, Int?)]))
    func lineRanges(_ text: String, _ range: (Int, Int?)) {
        #expect(LineRange(text) == LineRange(first: range.0, last: range.1))
    }

    @Test("refuses what is no range", arguments: ["", "1", "a:b", "0:3", "3:2", "1:2:3", "-1:2"])
    func noRange(_ text: String) { #expect(LineRange(text) == nil) }
}

@Suite("A control error")
struct ControlErrorTests {
    @Test("is the same after it was sent")
    func roundTrip() throws {
        let errors = [
            ControlError(.noSuchSession, "no session x", hint: "look elsewhere"), ControlError(.noMatch, "m"),
            ControlError(.backendError, "m"), ControlError(.damaged, "m"), ControlError(.busy, "m"),
            ControlError(.refused, "m"), ControlError(.badRequest, "m"),
            ControlError(
                .invalidConfiguration, "2 problems",
                problems: [
                    ProblemMessage(origin: "/f:3", file: "/f", line: 3, key: "a.b", message: "wrong", hint: "right"),
                    ProblemMessage(origin: "flag --x", key: "", message: "wrong"),
                ]),
        ]
        for error in errors {
            let frame = try JSONText.encode(VarlinkFault(error))
            #expect(performing: { _ = try ReceivedReply(frame: frame) }, throws: { ($0 as? ControlError) == error })
        }
    }

    @Test("keeps the parameters that org.varlink.service gives it")
    func standard() throws {
        for code in [
            ControlError.Code.interfaceNotFound("a.b"), .methodNotFound("a.b.C"), .methodNotImplemented("a.b.C"),
            .invalidParameter("sid"), .permissionDenied, .expectedMore,
        ] {
            let frame = try JSONText.encode(VarlinkFault(ControlError(code, "whatever")))
            #expect(
                performing: { _ = try ReceivedReply(frame: frame) }, throws: { ($0 as? ControlError)?.code == code })
        }
    }
}
