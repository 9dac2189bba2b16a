import Delivery
import Shared
import Synchronization
import TestSupport
import Testing

/// Answers with the statuses that it was given, then with 200.
private final class Script: HTTPClient {
    private let left: Mutex<[Int]>
    private let count = Mutex(0)
    private let headers: HTTPHeaders
    var asked: Int { count.withLock { $0 } }

    init(_ statuses: [Int], headers: HTTPHeaders = HTTPHeaders()) {
        left = Mutex(statuses)
        self.headers = headers
    }

    func send(_ request: HTTPRequest) async throws(DeliveryError) -> HTTPResponse {
        count.withLock { $0 += 1 }
        let status = left.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
        return HTTPResponse(status: status, headers: headers, body: MemoryObject([]))
    }
}

@Suite("A client that asks again")
struct RetryingClientTests {
    private let world = SimulatedWorld(seed: 1)

    /// The statuses that whoever asks is given, one request after the other.
    private func statuses(_ script: Script, _ methods: [HTTPMethod]) throws -> [Int] {
        let client = RetryingClient(script, time: world.time, random: world.random)
        return try world.run {
            var statuses: [Int] = []
            for method in methods {
                statuses.append(try await client.send(HTTPRequest(method, "http://far/x", purpose: "ask")).status)
            }
            return statuses
        }
    }

    @Test("gives the answer of the next time, where the server has failed", arguments: [[500], [502], [500, 502]])
    func again(_ failures: [Int]) throws {
        let script = Script(failures)
        #expect(try statuses(script, [.put]) == [200])
        #expect(script.asked == failures.count + 1)
        #expect(world.time.now > Instant(nanoseconds: 0))
    }

    @Test("asks once each, when all that it has asked has failed three times, until something goes well")
    func down() throws {
        let script = Script(Array(repeating: 500, count: 3 + 4))
        #expect(try statuses(script, Array(repeating: .get, count: 6)) == [500, 500, 500, 500, 500, 200])
        #expect(script.asked == 3 + 4 + 1)
    }

    @Test("counts each method by itself: who may read may not be able to write")
    func methods() throws {
        let script = Script([500, 500, 500, 200, 500, 200, 500])
        #expect(try statuses(script, [.put, .get, .put, .get, .put]) == [500, 200, 500, 200, 500])
        #expect(script.asked == 7)
    }

    @Test("does not ask again for what was refused, not sooner than it was told to, and not what may not be said twice")
    func once() throws {
        for status in [400, 403, 404, 429, 503] {
            #expect(try statuses(Script([status]), [.put]) == [status])
        }
        #expect(try statuses(Script([500], headers: ["Retry-After": "7"]), [.get]) == [500])
        #expect(try statuses(Script([500, 500]), [.post, .patch]) == [500, 500])
    }
}
