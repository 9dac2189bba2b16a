import Delivery
import Shared
import TestSupport
import Testing

@Suite("A retry policy")
struct RetryPolicyTests {
    private let policy = RetryPolicy()

    @Test("waits longer after each failure, at most its cap, never so little that it is a busy loop", arguments: 1...80)
    func bounds(failures: Int) {
        let error = DeliveryError(.transient, "away")
        let bound = min(.seconds(30), Duration.milliseconds(500) * (1 << min(failures - 1, 20)))
        let random = SeededRandom(UInt64(failures))
        for draw in [0, .max] + (0..<200).map({ _ in random.next() }) {
            let delay = policy.delay(after: error, failures: failures, random: draw)
            #expect(delay >= .milliseconds(5) && delay <= bound)
        }
    }

    @Test("spreads those that failed together over the whole of it")
    func jitter() {
        let random = SeededRandom(1)
        let delays = (0..<1000).map { _ in
            policy.delay(after: DeliveryError(.transient, "away"), failures: 30, random: random.next())
        }
        for quarter in 0..<4 {
            let count = delays.count { $0 >= .milliseconds(7500 * quarter) && $0 < .milliseconds(7500 * (quarter + 1)) }
            #expect(count > 180 && count < 320, "quarter \(quarter)")
        }
    }

    @Test("only looks now and then where somebody has to mend something, or as often as the far end asked for")
    func probes() {
        for code in [DeliveryError.Code.authentication, .unusable, .permanent, .unacceptable, .conflict] {
            #expect(policy.delay(after: DeliveryError(code, "no"), failures: 1, random: 7) == .seconds(300))
            #expect(
                policy.delay(after: DeliveryError(code, "no", retryAfter: .seconds(30)), failures: 9, random: 7)
                    == .seconds(30))
        }
        for code in [DeliveryError.Code.authentication, .transient] {
            let absurd = DeliveryError(code, "in a month", retryAfter: .seconds(30 * 86_400))
            #expect(policy.delay(after: absurd, failures: 1, random: 7) == .seconds(3600))
        }
        let busy = DeliveryError(.transient, "busy", retryAfter: .seconds(90))
        #expect(policy.delay(after: busy, failures: 1, random: 7) == .seconds(90))
    }
}
