import LinuxSystem
import Shared
import TestSupport
import Testing

@Suite("Varlink frames")
struct FramingTests {
    private func frames(_ pieces: [[UInt8]], limit: Int = 1_000) throws -> [[UInt8]] {
        var framing = VarlinkFraming(limit: limit)
        var found: [[UInt8]] = []
        for piece in pieces {
            piece.withUnsafeBytes { framing.append($0) }
            while let frame = try framing.next() { found.append(frame) }
        }
        #expect(framing.held == 0)
        return found
    }

    @Test("are the same however the bytes are cut")
    func split() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<500 {
            let messages = (0..<Int.random(in: 0..<6, using: &random)).map { _ in
                (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 1...255, using: &random) }
            }
            let bytes = messages.flatMap { VarlinkFraming.framed($0) }
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...max(1, rest.count), using: &random))
                pieces.append(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            #expect(try frames(pieces) == messages, "seed \(seed)")
            #expect(try frames(bytes.map { [$0] }) == messages, "seed \(seed), byte by byte")
        }
    }

    @Test("are refused when longer than the limit, whether their end has come or not")
    func tooLong() throws {
        #expect(try frames([[1, 2, 3, 4, 0]], limit: 4) == [[1, 2, 3, 4]])
        #expect(throws: VarlinkFraming.TooLong.self) { try frames([[1, 2, 3, 4, 5, 0]], limit: 4) }
        #expect(throws: VarlinkFraming.TooLong.self) { try frames([[1, 2, 3], [4, 5]], limit: 4) }
    }
}

@Suite("A JSON reader")
struct JSONReaderTests {
    @Test(
        "reads what RFC 8259 calls JSON",
        arguments: [
            ("null", JSONValue.null), (" [ ] ", .array([])), ("{}", .object([:])), ("-0", .integer(0)),
            ("9223372036854775807", .integer(.max)), ("18446744073709551615", .unsigned(.max)),
            ("18446744073709551616", .number(18446744073709551616)), ("1e2", .number(100)), ("-1.5E-1", .number(-0.15)),
            (#""\u00e9\ud83d\ude00\n\/""#, .string("é😀\n/")),
            (#"{"a":[true,false,null]}"#, .object(["a": .array([.bool(true), .bool(false), .null])])),
        ])
    func reads(_ text: String, _ value: JSONValue) throws {
        #expect(try JSONReader.value(of: Array(text.utf8)) == value)
    }

    @Test(
        "refuses everything else",
        arguments: [
            "", " ", "nul", "tru", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "01", "1.", ".5", "1e", "+1", "-",
            "\"", "\"\\x\"", "\"\\u12\"", #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "1 2", "[", "{", "1e999",
            "\"a\nb\"", #"{"a":1,"a":2}"#, String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
            String(repeating: "9", count: 1_025),
        ])
    func refuses(_ text: String) {
        #expect(throws: JSONFault.self) { try JSONReader.value(of: Array(text.utf8)) }
    }

    @Test("takes depth 64, and refuses a million brackets without exhausting the stack")
    func depth() throws {
        let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        _ = try JSONReader.value(of: Array(deepest.utf8))
        let hostile = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(throws: JSONFault.self) { try JSONReader.value(of: hostile) }
    }

    @Test("refuses invalid UTF-8")
    func encoding() {
        #expect(throws: JSONFault.self) { try JSONReader.value(of: [0x22, 0xFF, 0x22]) }
        #expect(throws: JSONFault.self) { try JSONReader.value(of: [0x22, 0x5C, 0x6E, 0xC3, 0x22]) }
    }

    @Test("never crashes, and agrees with the other decoder on what it accepts")
    func fuzz() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        let alphabet = Array(#"{}[]":,\u0123456789abcdefE+-. tnlr"#.utf8) + [0xC3, 0xA9, 0xFF, 0]
        let sample = Array(
            #"{"method":"a.b.C","parameters":{"n":-12.5e3,"s":"x\ud83d\ude00\n","a":[1,true,null]},"more":true}"#.utf8)
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = alphabet.randomElement(using: &random) ?? 0
                case 1: bytes.remove(at: index)
                default: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: index)
                }
            }
            guard let value = try? JSONReader.value(of: bytes) else { continue }
            accepted += 1
            let other = try JSONText.decode(JSONValue.self, from: bytes)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(Self.isSame(value, other), "seed \(seed), round \(round): \(text)")
        }
        #expect(accepted > 100, "seed \(seed)")
    }

    /// 1e2 is a Double here, and may be a whole number there.
    private static func isSame(_ one: JSONValue, _ other: JSONValue) -> Bool {
        switch (one, other) {
        case (.number(let value), .integer(let whole)), (.integer(let whole), .number(let value)):
            value == Double(whole)
        case (.number(let value), .unsigned(let whole)), (.unsigned(let whole), .number(let value)):
            value == Double(whole)
        case (.array(let ones), .array(let others)):
            ones.count == others.count && zip(ones, others).allSatisfy { isSame($0, $1) }
        case (.object(let ones), .object(let others)):
            ones.count == others.count
                && ones.allSatisfy { key, value in others[key].map { isSame(value, $0) } ?? false }
        default: one == other
        }
    }
}

@Suite("Base64")
struct Base64Tests {
    @Test(
        "writes what RFC 4648 writes",
        arguments: zip(["", "f", "fo", "foo", "foob"], ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]))
    func vectors(_ plain: String, _ text: String) {
        #expect(Array(plain.utf8).withUnsafeBytes { Base64.text(of: $0) } == text)
        #expect(Base64.bytes(of: text) == Array(plain.utf8))
    }

    @Test("comes back as it was")
    func roundTrip() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0..<100, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(Base64.bytes(of: bytes.withUnsafeBytes { Base64.text(of: $0) }) == bytes, "seed \(seed)")
        }
    }

    @Test(
        "is refused when it is not canonical",
        arguments: ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Z g="])
    func refused(_ text: String) { #expect(Base64.bytes(of: text) == nil) }
}

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
