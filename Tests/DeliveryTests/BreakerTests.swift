import Delivery
import Shared
import TestSupport
import Testing

@Suite("A breaker")
struct BreakerTests {
    private let away = DeliveryError(.transient, "away")
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test("waits, then lets one attempt through, and all of them when that has gone well")
    func probe() throws {
        var breaker = Breaker(RetryPolicy())
        #expect(!breaker.isProbing && breaker.notBefore == nil)
        let isNew = breaker.failed(away, begun: at(1), at: at(2), random: .max)
        #expect(isNew)
        let until = try #require(breaker.notBefore)
        #expect(until > at(2) && until <= at(3))
        breaker.tryAgain()
        #expect(breaker.notBefore == nil && breaker.isProbing)
        let isWell = breaker.succeeded(begun: at(3))
        #expect(isWell && !breaker.isProbing && breaker.failure == nil)
    }

    @Test("counts what failed together once, and learns nothing from what was begun before")
    func together() {
        var breaker = Breaker(RetryPolicy())
        var news = [breaker.failed(away, begun: at(1), at: at(60), random: 1)]
        for _ in 0..<15 { news.append(breaker.failed(away, begun: at(2), at: at(61), random: 1)) }
        #expect(news == [true] + Array(repeating: false, count: 15))
        #expect(breaker.failures == 1)
        let isWell = breaker.succeeded(begun: at(3))
        #expect(!isWell && breaker.isProbing)
        breaker.failed(away, begun: at(62), at: at(63), random: 1)
        #expect(breaker.failures == 2)
    }

    @Test("takes no failure of an attempt that was under way when somebody asked for another, but what it was told")
    func asked() {
        var breaker = Breaker(RetryPolicy())
        breaker.askedAgain(at: at(10))
        let isNew = breaker.failed(away, begun: at(9), at: at(11), random: 1)
        #expect(!isNew && breaker.notBefore == nil && !breaker.isProbing)
        breaker.failed(
            DeliveryError(.transient, "busy", retryAfter: .seconds(5)), begun: at(9), at: at(11), random: 1)
        #expect(breaker.notBefore == at(16))
        breaker.askedAgain(at: at(12))
        breaker.failed(away, begun: at(13), at: at(14), random: 1)
        #expect(breaker.failures == 2 && breaker.notBefore != nil)
    }

    @Test("leaves a far end alone for as long as the most patient of those that failed together were told")
    func patience() {
        var breaker = Breaker(RetryPolicy())
        breaker.failed(
            DeliveryError(.transient, "busy", retryAfter: .seconds(5)), begun: at(1), at: at(10), random: 1)
        breaker.failed(
            DeliveryError(.transient, "busy", retryAfter: .seconds(100)), begun: at(2), at: at(10), random: 1)
        breaker.failed(DeliveryError(.transient, "busy", retryAfter: .seconds(7)), begun: at(3), at: at(10), random: 1)
        #expect(breaker.notBefore == at(110))
    }

    @Test("lets some failures pass after something went well, and takes the next one in a row")
    func lapse() {
        var breaker = Breaker(RetryPolicy())
        var lapses = [breaker.isLapse(away)]
        _ = breaker.succeeded(begun: at(1))
        for _ in 0..<4 { lapses.append(breaker.isLapse(away)) }
        #expect(lapses == [false, true, true, true, false])
        _ = breaker.succeeded(begun: at(3))
        lapses = [breaker.isLapse(away), breaker.isLapse(away)]
        _ = breaker.succeeded(begun: at(4))
        for _ in 0..<4 { lapses.append(breaker.isLapse(away)) }
        #expect(lapses == [true, true, true, true, true, false])
        _ = breaker.succeeded(begun: at(6))
        breaker.failed(away, begun: at(8), at: at(9), random: 1)
        lapses = [breaker.isLapse(away)]
        #expect(lapses == [false], "while it probes nothing is a lapse")
    }

    @Test(
        "takes no failure for a lapse that says how long, that is of the key, or of a far end that is not there",
        arguments: [
            DeliveryError(.transient, "busy", retryAfter: .seconds(5)), DeliveryError(.authentication, "no"),
            DeliveryError(.transient, "refused", isOutOfReach: true), DeliveryError(.unusable, "no bucket"),
        ])
    func noLapse(_ error: DeliveryError) {
        var breaker = Breaker(RetryPolicy())
        _ = breaker.succeeded(begun: at(1))
        let isLapse = breaker.isLapse(error)
        #expect(!isLapse)
    }
}
