package import Shared
import Synchronization

/// Asks again where a server fails for a part of what it is asked: one request of many must not cost all that led to it.
///
/// Only what may be said twice, only after an answer that says that the server itself has failed (500, 502) and asks for no
/// pause, and only while it does so here and there: when the last three of a method have failed each has one answer, and whoever
/// asked decides when to ask again.
package final class RetryingClient: HTTPClient {
    /// Of one request, and of one method in a row.
    private static let most = 3

    private let client: any HTTPClient
    private let time: any TimeSource
    private let random: any RandomSource
    private let policy: RetryPolicy
    /// Failures in a row, by method.
    private let failing = Mutex<[HTTPMethod: Int]>([:])

    package init(
        _ client: any HTTPClient, time: any TimeSource, random: any RandomSource, policy: RetryPolicy = RetryPolicy()
    ) {
        self.client = client
        self.time = time
        self.random = random
        self.policy = policy
    }

    package func send(_ request: HTTPRequest) async throws(DeliveryError) -> HTTPResponse {
        var failures = 0
        while true {
            let answer = try await client.send(request)
            let inARow = note(answer, to: request.method)
            guard inARow > 0, answer.retryAfter == nil, Self.mayBeRepeated(request.method) else { return answer }
            failures += 1
            guard failures < Self.most, inARow < Self.most else { return answer }
            let failure = DeliveryError(.transient, "\(answer.status)")
            do throws(CancellationError) {
                try await time.sleep(for: policy.delay(after: failure, failures: failures, random: random.next()))
            } catch {
                return answer
            }
        }
    }

    /// - Returns: how many of the method have failed in a row, this one included.
    private func note(_ answer: HTTPResponse, to method: HTTPMethod) -> Int {
        failing.withLock { failing in
            let inARow = answer.status == 500 || answer.status == 502 ? failing[method, default: 0] + 1 : 0
            failing[method] = inARow
            return inARow
        }
    }

    private static func mayBeRepeated(_ method: HTTPMethod) -> Bool {
        switch method {
        case .get, .head, .put, .delete: true
        // Each may begin something of its own, or add to what is there.
        case .post, .patch: false
        }
    }
}
