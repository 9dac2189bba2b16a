import ControlPlane
import LinuxSystem
import Shared
import Synchronization
import Testing

@Suite("An answer")
struct AnswerTests {
    private func serving(_ body: (TestServer) throws -> Void) throws {
        let server = try TestServer()
        defer { server.stop() }
        try body(server)
    }

    private func all(_ client: RawClient, _ method: String, _ parameters: String = "{}") throws -> [JSONValue] {
        try client.send(#"{"method":"io.uploaderd.Control.\#(method)","parameters":\#(parameters),"more":true}"#)
        var replies: [JSONValue] = []
        while let reply = try client.reply() {
            replies.append(reply)
            if reply["continues"]?.truth != true { break }
        }
        return replies
    }

    @Test("about the status comes again when it changes, at most twice a second")
    func statusStream() throws {
        try serving { server in
            let client = try RawClient(server.path)
            let first = try client.call("io.uploaderd.Control.GetStatus", "{}", #","more":true"#)
            #expect(first?["continues"] == .bool(true))
            #expect(first?["parameters"]?["pid"] == .integer(4711))
            // Ten changes at once are one reply, half a second later.
            for pid in 1...10 { server.handler.change { $0.pid = pid } }
            try server.time.waitForTimer(in: .milliseconds(500))
            server.time.advance(by: .milliseconds(500))
            #expect(try client.reply()?["parameters"]?["pid"] == .integer(10))
            server.handler.change { $0.pid = 11 }
            try server.time.waitForTimer(in: .milliseconds(500))
            server.time.advance(by: .milliseconds(499))
            server.handler.change { $0.pid = 12 }
            server.time.advance(by: .milliseconds(1))
            #expect(try client.reply()?["parameters"]?["pid"] == .integer(12))
        }
    }

    @Test("of sessions comes whole with more, and in pages without, and no reply is too long")
    func sessions() throws {
        try serving { server in
            var items = try (0..<1_050).map { try Samples.session("s\(10_000 + $0)") }
            // So long that a page of a hundred does not fit a reply.
            for index in items.indices { items[index].facts.cwd = "/" + String(repeating: "d", count: 4_000) }
            items[5].facts.firstUserMessage = String(repeating: "漢", count: 300_000)
            items[6].facts.links = [.string(String(repeating: "x", count: 400_000))]
            items[7].streams = (0..<20_000).compactMap { StreamName("agents/\($0)") }
            server.handler.state.withLock { $0.sessions = items }
            let client = try RawClient(server.path)
            func names(_ reply: JSONValue) -> [String] {
                (reply["parameters"]?["sessions"]?.elements ?? []).compactMap { $0["sid"]?.text }
            }
            let replies = try all(client, "ListSessions")
            #expect(replies.flatMap(names) == items.map(\.sid.rawValue))
            for reply in replies { #expect(try JSONText.encode(reply).count <= VarlinkFraming.longestReply) }
            #expect(replies.last?["parameters"]?["next"] == nil)

            var paged: [String] = []
            var after = "null"
            while true {
                let reply = try #require(try client.call("io.uploaderd.Control.ListSessions", #"{"after":\#(after)}"#))
                paged += names(reply)
                guard let next = reply["parameters"]?["next"]?.text else { break }
                after = "\"\(next)\""
            }
            #expect(paged == items.map(\.sid.rawValue))
        }
    }

    @Test("of no session is an empty list, once")
    func noSessions() throws {
        try serving { server in
            let replies = try all(try RawClient(server.path), "ListSessions")
            #expect(replies.count == 1)
            #expect(replies[0]["parameters"]?["sessions"]?.elements == [])
        }
    }

    @Test("about a session of 5,000 segments comes in replies that are to be joined, or says how many it left out")
    func detail() throws {
        try serving { server in
            server.handler.state.withLock { $0.detail = try? Samples.detail("s1", segments: 5_000) }
            let client = try RawClient(server.path)
            let replies = try all(client, "DescribeSession", #"{"sid":"s1"}"#)
            let segments = replies.flatMap { $0["parameters"]?["segments"]?.elements ?? [] }
            #expect(segments.map { $0["seq"]?.int } == (1...5_000).map { Int64($0) })
            #expect(replies.compactMap { $0["parameters"]?["session"] }.count == 1)
            for reply in replies { #expect(try JSONText.encode(reply).count <= VarlinkFraming.longestReply) }
            let one = try client.call("io.uploaderd.Control.DescribeSession", #"{"sid":"s1"}"#)?["parameters"]
            let shown = (one?["segments"]?.elements ?? []).count
            #expect(shown > 0 && one?["left_out"]?.int == Int64(5_000 - shown))
        }
    }

    @Test("to verify has every range with more, else only the bad ones, and always the counts")
    func verify() throws {
        try serving { server in
            let ranges = try (0..<3_000).map { try Samples.range($0 == 7 ? .damaged : .found, line: $0 + 1) }
            server.handler.state.withLock { $0.ranges = ranges }
            let client = try RawClient(server.path)
            let replies = try all(client, "Verify")
            #expect(replies.flatMap { $0["parameters"]?["ranges"]?.elements ?? [] }.count == 3_000)
            #expect(replies.last?["parameters"]?["summary"]?["damaged"] == .integer(1))
            let one = try client.call("io.uploaderd.Control.Verify")?["parameters"]
            #expect(one?["ranges"]?.elements?.map { $0["state"]?.text } == ["DAMAGED"])
            #expect(one?["summary"]?["found"] == .integer(2_999))
        }
    }

    @Test("to a flush tells the progress only with more, and not more often than twice a second")
    func flush() throws {
        try serving { server in
            let client = try RawClient(server.path)
            let replies = try all(client, "Flush", #"{"wait":true}"#)
            #expect(replies.map { $0["parameters"]?["queued_bytes"]?.int } == [10, 0])
            #expect(try client.call("io.uploaderd.Control.Flush")?["parameters"]?["queued"] == .integer(0))
        }
    }

    @Test("to a reload that fails has all problems")
    func reload() throws {
        try serving { server in
            let problems = [
                ProblemMessage(origin: "/f:1", file: "/f", line: 1, key: "a", message: "wrong", hint: "right"),
                ProblemMessage(origin: "/f:2", file: "/f", line: 2, key: "b", message: "wrong too"),
            ]
            server.handler.state.withLock {
                $0.reloadError = ControlError(.invalidConfiguration, "2 problems", problems: problems)
            }
            let reply = try RawClient(server.path).call("io.uploaderd.Control.Reload")
            #expect(reply?["error"]?.text == "io.uploaderd.Control.InvalidConfiguration")
            #expect(reply?["parameters"]?["problems"]?.elements?.count == 2)
        }
    }

    @Test("of lines comes in chunks that give the bytes, and then the totals")
    func chunks() throws {
        try serving { server in
            let long = String(repeating: "x", count: 300_000)
            let texts = ["one\ntwo\n", long, "\nlast"]
            server.handler.state.withLock { $0.pieces = Samples.pieces(texts) }
            let client = try RawClient(server.path)
            var replies = try all(client, "Replay", #"{"sid":"s"}"#).compactMap { $0["parameters"] }
            let totals = replies.removeLast()
            #expect(totals["total_lines"] == .integer(4))
            #expect(totals["total_bytes"] == .integer(Int64(texts.joined().utf8.count)))
            var bytes: [UInt8] = []
            for reply in replies {
                #expect(reply["offset"]?.int == Int64(bytes.count))
                bytes += Base64.bytes(of: reply["data_base64"]?.text ?? "?") ?? []
                #expect(reply["end_of_line"]?.truth == (bytes.last == UInt8(ascii: "\n")))
            }
            #expect(bytes == Array(texts.joined().utf8))
            #expect(replies.count == 5)
        }
    }

    @Test("of lines goes into the pipe that came with the call, whose end comes before the last reply")
    func pipe() throws {
        try serving { server in
            let texts = (0..<200).map { "line \($0) " + String(repeating: "y", count: 5_000) + "\n" }
            server.handler.state.withLock { $0.pieces = Samples.pieces(texts) }
            let client = try RawClient(server.path)
            let pipe = try Descriptor.pipe()
            let reading = try pipe.reading.duplicate()
            try passing(pipe, client, #"{"method":"io.uploaderd.Control.Replay","parameters":{"sid":"s"}}"#)
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = try buffer.withMutableBytes { (into) throws(SystemError) in try reading.read(into: into) }
                if count == 0 { break }
                bytes += buffer[..<count]
            }
            #expect(bytes == Array(texts.joined().utf8))
            let reply = try client.reply()
            #expect(reply?["parameters"]?["total_lines"] == .integer(200))
            #expect(reply?["continues"] == nil)
        }
    }

    private func passing(_ pipe: consuming Descriptor.Pipe, _ client: RawClient, _ text: String) throws {
        _ = try (Array(text.utf8) + [0]).withBytes { (bytes) throws(SystemError) in
            try client.socket.send(bytes, passing: pipe.writing)
        }
    }

    @Test("does not go into anything that is no pipe")
    func noPipe() throws {
        try serving { server in
            let path = "\(server.directory)/file"
            defer { try? Files.unlink(path) }
            let file = try Descriptor.open(path, [.readWrite, .create])
            server.handler.state.withLock { $0.pieces = Samples.pieces(["secret\n"]) }
            let client = try RawClient(server.path)
            let call = Array(#"{"method":"io.uploaderd.Control.Replay","parameters":{"sid":"s"}}"#.utf8) + [0]
            _ = try call.withBytes { (bytes) throws(SystemError) in try client.socket.send(bytes, passing: file) }
            #expect(try client.reply()?["error"]?.text == "io.uploaderd.Control.BadRequest")
            #expect(try file.status().size == 0)
        }
    }

    @Test("makes the handler wait while nobody reads, and ends it when the reader goes away")
    func backpressure() throws {
        try serving { server in
            let text = String(repeating: "z", count: 100_000) + "\n"
            server.handler.state.withLock { $0.pieces = Samples.pieces(Array(repeating: text, count: 500)) }
            do {
                let client = try RawClient(server.path)
                _ = try client.call("io.uploaderd.Control.Replay", #"{"sid":"s"}"#, #","more":true"#)
                // Others are served meanwhile, and what was sent is what sockets hold.
                for _ in 0..<20 { #expect(try RawClient(server.path).call("org.varlink.service.GetInfo") != nil) }
                #expect(server.handler.state.withLock { $0.sent } < 20)
            }
            try server.handler.waitForSignal()
            #expect(server.handler.state.withLock { $0.cancelled } == 1)
        }
    }

    @Test("into a pipe ends when its reader, or the caller, goes away", arguments: [true, false])
    func pipeGone(_ readerGoes: Bool) throws {
        try serving { server in
            let text = String(repeating: "z", count: 100_000) + "\n"
            server.handler.state.withLock { $0.pieces = Samples.pieces(Array(repeating: text, count: 50)) }
            var client: RawClient? = try RawClient(server.path)
            var reading: Owned? = try begin(client)
            var byte: [UInt8] = [0]
            _ = try byte.withMutableBytes { (into) throws(SystemError) in try reading?.descriptor.read(into: into) }
            if readerGoes { reading = nil } else { client = nil }
            try server.handler.waitForSignal()
            #expect(server.handler.state.withLock { $0.cancelled } == 1)
            _ = (reading, client)
        }
    }

    private final class Owned {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    private func begin(_ client: RawClient?) throws -> Owned {
        let pipe = try Descriptor.pipe()
        let reading = try pipe.reading.duplicate()
        try passing(pipe, try #require(client), #"{"method":"io.uploaderd.Control.Replay","parameters":{"sid":"s"}}"#)
        return Owned(reading)
    }

    @Test("that failed half way ends with the error, not with totals")
    func damaged() throws {
        try serving { server in
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(["one\n"])
                $0.replayError = ControlError(.damaged, "segment 2 is damaged", hint: "verify")
            }
            let replies = try all(try RawClient(server.path), "Replay", #"{"sid":"s"}"#)
            #expect(replies.count == 2)
            #expect(replies[1]["error"]?.text == "io.uploaderd.Control.Damaged")
            #expect(replies[1]["parameters"]?["hint"]?.text == "verify")
        }
    }
}
