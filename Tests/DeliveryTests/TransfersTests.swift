import Digests
import Glibc
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// Real sockets, a real loop, and a server that does as it is told.
@Suite("A transfer")
struct TransfersTests {
    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    private static func served(
        options: TransferOptions = .patient,
        _ script: @escaping @Sendable (ScriptedServer.Asked) -> ScriptedServer.Answer,
        _ body: (ScriptedServer, TransferClient) async throws -> Void
    ) async throws {
        let (server, scene) = (try ScriptedServer(script), try TransferScene())
        defer { server.stop() }
        try await body(server, scene.client(options))
        withExtendedLifetime(scene) {}
    }

    private static func get(_ server: ScriptedServer, _ path: String = "/", longest: Int64 = 16 << 20) -> HTTPRequest {
        HTTPRequest(.get, "\(server.url)\(path)", purpose: "read object x", longestAnswer: longest)
    }

    @Test("says and hears what HTTP says and hears, over one connection that is kept")
    func exchange() async throws {
        try await Self.served { asked in
            .ok(Array("\(asked.method) \(asked.target)".utf8), "X-Said: once\r\n")
        } _: { server, client in
            let begun = ContinuousClock.now
            for method in [HTTPMethod.get, .put, .post, .patch, .delete] {
                let body: HTTPRequest.Body = method == .get || method == .delete ? .none : .bytes([1, 2, 3])
                let answer = try await client.send(
                    HTTPRequest(
                        method, "\(server.url)/a/../b%20c?d=%2F", headers: ["X-Mine": "yes", "X-Empty": ""], body: body,
                        purpose: "try"))
                #expect(answer.status == 200 && answer.headers["x-said"] == "once")
                #expect(try answer.start() == Array("\(method.rawValue) /a/../b%20c?d=%2F".utf8))
            }
            let head = try await client.send(HTTPRequest(.head, server.url, purpose: "try"))
            #expect(head.status == 200 && head.body.size == 0)
            let asked = server.asked
            #expect(asked.map(\.method) == ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"])
            #expect(asked.allSatisfy { $0.headers["Expect"] == nil })
            // One that nobody used for two minutes, on a machine that is busy with other tests, is not used again.
            let isSlow = begun.duration(to: .now) > .seconds(60)
            #expect(isSlow || asked.allSatisfy { $0.connection == 0 })
            #expect(asked.dropLast().allSatisfy { $0.headers["X-Mine"] == "yes" && $0.headers["X-Empty"] == "" })
            #expect(asked[1].body == [1, 2, 3] && asked[1].headers["Content-Type"] == nil)
        }
    }

    @Test(
        "sends what lies in a file, read ahead of the socket, of any size",
        arguments: [0, 1, 131_072, 131_073, 3_000_001])
    func upload(size: Int) async throws {
        let scratch = try Scratch("body")
        let bytes = Self.bytes(size)
        try scratch.write(bytes, to: "body")
        try await Self.served { _ in
            .ok()
        } _: { server, client in
            let file = FileBytes(try Descriptor.open(scratch("body"), [.readOnly]), from: 0, to: Int64(size))
            for _ in 0..<3 {
                let put = HTTPRequest(.put, "\(server.url)/x", body: .object(file), purpose: "put object x")
                #expect(try await client.send(put).status == 200)
            }
            #expect(server.asked.map(\.body) == [bytes, bytes, bytes])
        }
    }

    @Test("keeps a long answer in a file, and gives it back whole", arguments: [2_097_152, 2_097_153, 9_000_000])
    func download(size: Int) async throws {
        let bytes = Self.bytes(size)
        try await Self.served { _ in
            .ok(bytes)
        } _: { server, client in
            let answer = try await client.send(Self.get(server))
            #expect(answer.body.size == Int64(size))
            #expect(try answer.start(size) == bytes)
        }
    }

    @Test("takes no more than was asked for, in the body and in the headers")
    func bounds() async throws {
        let long = String(repeating: "x", count: 9000)
        let headers = (0..<10).map { "X-\($0): \(long)\r\n" }.joined()
        try await Self.served { asked in
            asked.target == "/headers" ? .ok([], headers) : .ok(Self.bytes(5001))
        } _: { server, client in
            let whole = try await client.send(Self.get(server, longest: 5001))
            #expect(whole.body.size == 5001)
            let body = await #expect(throws: DeliveryError.self) {
                _ = try await client.send(Self.get(server, longest: 5000))
            }
            #expect(body?.message.contains("longer than 5000 bytes") == true)
            let head = await #expect(throws: DeliveryError.self) {
                _ = try await client.send(Self.get(server, "/headers"))
            }
            #expect(head?.message.contains("bytes of headers") == true)
        }
    }

    @Test("of an answer that breaks off says that there was none")
    func half() async throws {
        try await Self.served { asked in
            asked.target == "/nothing"
                ? .last([]) : .last(Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".utf8))
        } _: { server, client in
            for path in ["/", "/nothing"] {
                let error = await #expect(throws: DeliveryError.self) {
                    _ = try await client.send(Self.get(server, path))
                }
                #expect(
                    error?.code == .transient
                        && error?.message.hasPrefix("could not read object x at http://127") == true)
            }
        }
    }

    @Test("goes nowhere but where it was sent")
    func redirect() async throws {
        try await Self.served { _ in
            .status(307, "Location: /elsewhere\r\n")
        } _: { server, client in
            let answer = try await client.send(Self.get(server))
            #expect(answer.status == 307 && answer.headers["location"] == "/elsewhere" && server.asked.count == 1)
        }
    }

    @Test("gives up a far end that stands still, and nothing else waits for it")
    func hang() async throws {
        let still = TransferOptions(stillness: .seconds(1), allowsPlain: true)
        let scene = try TransferScene()
        let (impatient, client) = (scene.client(still), scene.client())
        try await Self.served { asked in
            asked.target == "/hang" ? .nothing : .ok()
        } _: { server, _ in
            let hung = Task { try await impatient.send(Self.get(server, "/hang")) }
            for _ in 0..<3 {
                let answer = try await client.send(Self.get(server))
                #expect(answer.status == 200)
            }
            let error = await #expect(throws: DeliveryError.self) { _ = try await hung.value }
            #expect(error?.code == .transient && error?.hint?.contains("stands still") == true)
        }
    }

    @Test("ends with the task that waits for it")
    func cancelled() async throws {
        try await Self.served { _ in
            .nothing
        } _: { server, client in
            let waiting = Task { try await client.send(Self.get(server)) }
            while server.asked.isEmpty { await Task.yield() }
            waiting.cancel()
            let error = await #expect(throws: DeliveryError.self) { _ = try await waiting.value }
            #expect(error?.message.hasSuffix("it was given up") == true)
        }
    }

    @Test("says who is not there, and what to do")
    func absent() async throws {
        let scene = try TransferScene()
        let client = scene.client()
        let server = try ScriptedServer { _ in .ok() }
        server.stop()
        func failure(_ url: String, _ client: TransferClient) async -> DeliveryError? {
            await #expect(throws: DeliveryError.self) {
                _ = try await client.send(HTTPRequest(.get, url, purpose: "try"))
            }
        }
        let refused = await failure("http://127.0.0.1:1", client)
        #expect(refused?.code == .transient && refused?.hint?.contains("nothing listens there") == true)
        let unknown = await failure("http://no-such-host.invalid", client)
        #expect(unknown?.code == .transient && unknown?.hint?.contains("address right") == true)
        // Secrets may be in the path and the query, not in an error.
        let secret = await failure("http://127.0.0.1:1/path?signature=secret", client)
        #expect(secret?.message.contains("signature") == false)
        let plain = await failure("http://127.0.0.1:1", scene.client(TransferOptions(allowsPlain: false)))
        #expect(plain?.code == .unusable)
        let bundle = await failure("https://127.0.0.1:1", scene.client(TransferOptions(caFile: "/no/such/file")))
        #expect(bundle?.isTransient == true || bundle?.code == .unusable)
    }

    @Test("is as fast as its destination may be, and no faster, whoever shares it", arguments: [false, true])
    func limited(isLimitOfAll: Bool) async throws {
        let (server, scene) = (try ScriptedServer { _ in .ok() }, try TransferScene())
        defer { server.stop() }
        let client = scene.client(.patient(rate: isLimitOfAll ? nil : 400_000, destination: "far"))
        let other = isLimitOfAll ? scene.client(.patient(destination: "further")) : client
        if isLimitOfAll { scene.transfers.rates.all.rate = 400_000 }
        let begun = scene.waiting.now
        let put = HTTPRequest(.put, server.url, body: .bytes(Self.bytes(600_000)), purpose: "put")
        async let first = client.send(put)
        async let second = other.send(put)
        let answers = try await [first, second]
        #expect(answers.map(\.status) == [200, 200])
        #expect(server.asked.map(\.body.count) == [600_000, 600_000])
        // By a clock on which only waiting for leave to send takes time.
        let rate = 1_200_000 / (scene.waiting.now - begun).inSeconds
        #expect(rate > 360_000 && rate < 440_000, "\(rate) bytes a second")
        await scene.settle()
    }

    @Test("goes faster at once when its limit is taken away")
    func unlimited() async throws {
        let (server, scene) = (try ScriptedServer { _ in .ok() }, try TransferScene())
        defer { server.stop() }
        let client = scene.client(.patient(rate: 1_000, destination: "far"))
        let allowance = try #require(scene.transfers.rates.allowance(of: "far"))
        let begun = scene.waiting.now
        scene.waiting.whenJumped { [weak allowance] jumps in if jumps == 5 { allowance?.rate = nil } }
        let put = HTTPRequest(.put, server.url, body: .bytes(Self.bytes(4_000_000)), purpose: "put")
        let status = try await client.send(put).status
        #expect(status == 200)
        // More than an hour at the old rate.
        let taken = scene.waiting.now - begun
        #expect(taken < .seconds(2), "\(taken)")
        await scene.settle()
    }
}

@Suite("The body of a request")
struct OutgoingBodyTests {
    @Test("sends what is in memory once more when a connection that was kept breaks")
    func kept() async throws {
        let known = Mutex<Set<Int>>([])
        let server = try ScriptedServer { asked in
            // Each connection takes one request, and breaks at the next.
            let isNew = known.withLock { $0.insert(asked.connection).inserted }
            return isNew ? .ok(asked.body) : .last([])
        }
        let scene = try TransferScene()
        defer { server.stop() }
        let client = scene.client()
        let body = [UInt8](repeating: 7, count: 300_000)
        /// The second one that came was put into a connection that broke.
        func isSentAgain() -> Bool {
            let asked = server.asked
            return zip(asked, asked.dropFirst()).contains {
                $0.method == "POST" && $1.method == "POST" && $0.connection != $1.connection
            }
        }
        // libcurl keeps no connection for longer than two minutes: then none breaks, on a machine that stood still for so long.
        for _ in 0..<5 where !isSentAgain() {
            _ = try await client.send(HTTPRequest(.get, "\(server.url)/a", purpose: "ask"))
            let answer = try await client.send(
                HTTPRequest(.post, "\(server.url)/b", body: .bytes(body), purpose: "send"))
            #expect(try answer.start() == body)
        }
        #expect(isSentAgain(), "\(server.asked.map { "\($0.method) \($0.connection)" })")
        withExtendedLifetime(scene) {}
    }

    @Test("begins anew where it is asked to, and takes nothing that was read for before")
    func restart() {
        var body = OutgoingBody(size: 5)
        let wanted = [body.wanted(), body.wanted()]
        #expect(wanted == [0..<5, nil])
        body.restart(at: 2)
        let isOldTaken = body.take([0, 1, 2, 3, 4], serial: 0)
        #expect(!isOldTaken)
        let again = body.wanted()
        #expect(again == 2..<5)
        let isTaken = body.take([2, 3, 4], serial: body.serial)
        #expect(isTaken)
        var room = [UInt8](repeating: 0, count: 2)
        func given() -> OutgoingBody.Given { room.withUnsafeMutableBytes { body.give(into: $0) } }
        #expect(given() == .bytes(2) && room == [2, 3])
        #expect(given() == .bytes(1) && room[0] == 4)
        #expect(given() == .end)
    }
}
