import ControlPlane
import LinuxSystem
import Shared
import Synchronization
import Testing

@Suite("The interface's text")
struct InterfaceTests {
    @Test("is the one in docs")
    func docs() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try Files.readAll("/\(root)/docs/io.uploaderd.Control.varlink")
        #expect(String(decoding: bytes, as: UTF8.self) == ControlInterface.text)
    }

    @Test("is valid, and uses no name twice", arguments: [ControlInterface.text, ControlInterface.serviceText])
    func valid(_ text: String) throws {
        let interface = try InterfaceText(text)
        #expect(interface.name.split(separator: ".").count >= 2)
        #expect(!interface.methods.isEmpty)
    }

    @Test("names every error that the daemon sends")
    func errors() throws {
        let interface = try InterfaceText(ControlInterface.text)
        let codes: [ControlError.Code] = [
            .noSuchSession, .noMatch, .backendError, .damaged, .busy, .refused, .invalidConfiguration, .badRequest,
        ]
        for code in codes {
            let error = ControlError(
                code, "m", hint: "h",
                problems: [ProblemMessage(origin: "o", file: "f", line: 1, key: "k", message: "m", hint: "h")])
            let name = String(code.varlinkName.dropFirst(ControlInterface.name.count + 1))
            let form = try #require(interface.errors[name])
            #expect(interface.mismatch(.object(error.varlinkParameters), form) == nil)
        }
        #expect(interface.errors.count == codes.count)
    }

    @Test("says what is really sent, field by field")
    func replies() throws {
        let interface = try InterfaceText(ControlInterface.text)
        let server = try TestServer()
        defer { server.stop() }
        try server.handler.state.withLock { state in
            state.sessions = [try Samples.session("s1")]
            state.detail = try Samples.detail("s1", segments: 3)
            state.ranges = try VerifiedRange.State.allCases.map { try Samples.range($0) }
            state.privates = SessionStanding.allCases.compactMap { standing in
                SessionID(standing.rawValue).map {
                    PrivateSession(sid: $0, standing: standing, since: "2026-11-22T05:00:00Z")
                }
            }
            state.quarantine = [try Samples.quarantined(1), try Samples.quarantined(2)]
            state.pieces = Samples.pieces(["one\n", "two"])
            state.audit = try Samples.audit(entries: 3)
        }
        var seen: Set<String> = []
        for (method, parameters) in [
            ("GetStatus", "{}"), ("ListSessions", "{}"), ("DescribeSession", #"{"sid":"s1"}"#),
            ("Replay", #"{"sid":"s1"}"#), ("Verify", "{}"), ("Flush", "{}"), ("Reload", "{}"),
            ("ShowConfiguration", "{}"), ("AddPrivate", #"{"sid":"s1"}"#), ("RemovePrivate", #"{"sid":"s1"}"#),
            ("ListPrivate", "{}"), ("Forget", #"{"sid":"s1"}"#),
            ("Resend", #"{"sid":"s1","destination":"b"}"#), ("Resend", #"{"redact":true}"#),
            (
                "Capture",
                #"{"event":{"kind":"end","agent":"claude","sid":"s","at":"2026-11-22T00:00:00Z","pid":7,"pid_started":1,"boot":"b"}}"#
            ),
            ("ImportQueue", #"{"origin":"queue","sessions":[{"path":"/a.jsonl"}]}"#),
            ("AddLink", #"{"sid":"s1","url":"https://github.com/o/r/pull/1","title":"t"}"#),
            ("Resolve", #"{"pointer":{"bucket":"b","key":"sessions/s1/history.jsonl","byte_range":[0,9]}}"#),
            ("Audit", #"{"sid":"s1"}"#),
            ("ListRemoteSessions", #"{"destination":"archive"}"#),
            ("ImportSession", #"{"sid":"s1","agent":"codex","path":"/a.jsonl"}"#),
            ("Pause", #"{"destination":"archive"}"#), ("Resume", "{}"), ("SetLimit", #"{"rate":"2MiB/s"}"#),
            ("ListQuarantine", #"{"sid":"s1","destination":"archive"}"#), ("RetryQuarantine", #"{"id":7}"#),
            ("DropQuarantine", #"{"sid":"s1"}"#),
        ] {
            let client = try RawClient(server.path)
            let form = try #require(interface.methods[method])
            try client.send(#"{"method":"io.uploaderd.Control.\#(method)","parameters":\#(parameters),"more":true}"#)
            let sent = try JSONReader.value(of: Array(parameters.utf8))
            #expect(interface.mismatch(sent, form.call) == nil)
            while let reply = try client.reply() {
                #expect(reply["error"] == nil)
                #expect(interface.mismatch(reply["parameters"] ?? .object([:]), form.reply, at: method) == nil)
                if reply["continues"]?.truth != true || method == "GetStatus" { break }
            }
            seen.insert(method)
        }
        #expect(seen == Set(interface.methods.keys))
    }

    @Test("declares every state that is sent")
    func states() throws {
        let interface = try InterfaceText(ControlInterface.text)
        func words(_ type: String) -> [String]? {
            if case .words(let words)? = interface.types[type] { words } else { nil }
        }
        #expect(words("CapturedKind") == CapturedEvent.Kind.allCases.map(\.rawValue))
        #expect(words("QueueOrigin") == ImportQueueRequest.Origin.allCases.map(\.rawValue))
        #expect(words("DestinationState") == DestinationStatus.State.allCases.map(\.rawValue))
        #expect(words("RootState") == RootStatus.State.allCases.map(\.rawValue))
        #expect(words("SegmentState") == SegmentItem.State.allCases.map(\.rawValue))
        #expect(words("Standing") == SessionStanding.allCases.map(\.rawValue))
        #expect(words("ImportOutcome") == ImportSessionReply.Outcome.allCases.map(\.rawValue))
        #expect(words("AuditOutcome") == AuditOutcome.allCases.map(\.rawValue))
        #expect(words("RangeState") == VerifiedRange.State.allCases.map(\.rawValue))
    }
}
