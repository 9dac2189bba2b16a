import Delivery
import Shared
import TestSupport
import Testing

@Suite("A limit of requests in flight")
struct ConcurrencyLimitTests {
    /// A far end that answers up to `capacity` requests at once in one round trip, and makes the others wait for their turn.
    private struct FarEnd {
        var limit: ConcurrencyLimit
        var now = Instant(nanoseconds: 0)
        var roundTrip = Duration.milliseconds(50)

        /// As many rounds, each with as many requests as are allowed and wanted.
        mutating func serve(
            rounds: Int, capacity: Int, wanted: Int = .max,
            _ outcome: (Int) -> ConcurrencyLimit.Outcome = { _ in .answered }
        ) -> [Int] {
            var seen: [Int] = []
            for _ in 0..<rounds {
                let count = min(limit.allowed, wanted)
                let turns = (count + capacity - 1) / capacity
                for number in 0..<count {
                    let took = roundTrip * (number / capacity + 1)
                    limit.ended(outcome(number), bytes: 20_000, after: took, inFlight: count - number, at: now + took)
                }
                now = now + roundTrip * turns
                seen.append(limit.allowed)
            }
            return seen
        }
    }

    @Test(
        "doubles until the far end becomes slower, grows by one a round trip from then on, and stays near what it takes",
        arguments: [4, 16, 40])
    func grows(capacity: Int) {
        var end = FarEnd(limit: ConcurrencyLimit(atMost: 200))
        #expect(end.limit.allowed == 1)
        let seen = end.serve(rounds: 600, capacity: capacity)
        #expect(seen.prefix(9).contains { $0 >= capacity }, "\(seen.prefix(9))")
        let slow = zip(seen, seen.dropFirst()).dropFirst().prefix { $1 >= $0 * 2 }.count + 1
        for (before, after) in zip(seen[slow...], seen[slow...].dropFirst()) {
            #expect(after <= before + 1, "\(seen.prefix(20))")
        }
        let late = seen.suffix(200)
        let mean = Double(late.reduce(0, +)) / Double(late.count)
        print("capacity \(capacity): \(mean) in flight")
        #expect(mean > Double(capacity) * 0.7 && mean < Double(capacity) * 3, "\(mean) of \(capacity)")
    }

    @Test("grows again after the way there has become longer for good")
    func longerWay() {
        var end = FarEnd(limit: ConcurrencyLimit(atMost: 100))
        end.roundTrip = .milliseconds(1)
        _ = end.serve(rounds: 50, capacity: 1000)
        end.roundTrip = .milliseconds(200)
        #expect(end.serve(rounds: 120, capacity: 1000).last ?? 0 > 40)
    }

    @Test("is not lowered by a near far end that seems slower while this machine works, and is by one that is slower")
    func nearby() {
        let seed = UInt64.random(in: 1...1_000_000)
        let random = SeededRandom(seed)
        var limit = ConcurrencyLimit(atMost: 16)
        var now = Instant(nanoseconds: 0)
        func serve(_ count: Int, _ milliseconds: Range<UInt64>) {
            for _ in 0..<count {
                let span = milliseconds.upperBound - milliseconds.lowerBound
                let took = Duration.milliseconds(Int64(milliseconds.lowerBound + random.next() % span))
                now = now + took / limit.allowed
                limit.ended(.answered, bytes: 20_000, after: took, inFlight: limit.allowed, at: now)
            }
        }
        serve(2_000, 1..<40)
        #expect(limit.allowed == 16, "seed \(seed)")
        // What is slower for good is what it takes, after a while.
        serve(200, 150..<250)
        #expect(limit.allowed < 16, "seed \(seed)")
    }

    @Test("begins with one, and one more each time, at a far end that was away or had too much to do")
    func comesBack() {
        var end = FarEnd(limit: ConcurrencyLimit(atMost: 64))
        _ = end.serve(rounds: 20, capacity: 1000)
        _ = end.serve(rounds: 100, capacity: 1000) { _ in .pushedBack }
        #expect(end.limit.allowed == 1)
        let seen = end.serve(rounds: 30, capacity: 1000)
        for (before, after) in zip(seen, seen.dropFirst()) { #expect(after <= before + 1) }
        #expect(seen.last ?? 0 > 20)
    }

    @Test("is never more than it may be, nor less than one")
    func bounds() {
        var end = FarEnd(limit: ConcurrencyLimit(atMost: 16))
        #expect(end.serve(rounds: 100, capacity: 1000).max() == 16)
        #expect(end.limit.allowed == 16)
        #expect(end.serve(rounds: 100, capacity: 1000) { _ in .pushedBack }.min() == 1)
        #expect(ConcurrencyLimit(atMost: 0).allowed == 1)
    }

    @Test("is not lowered by objects that are large")
    func sizes() {
        let seed = UInt64.random(in: 1...1_000_000)
        let random = SeededRandom(seed)
        var limit = ConcurrencyLimit(atMost: 16)
        var now = Instant(nanoseconds: 0)
        for _ in 0..<2_000 {
            let bytes = [2_000, 50_000, 900_000, 8 << 20][Int(random.next() % 4)]
            let took = Duration.milliseconds(40) + .nanoseconds(bytes * 100 + Int(random.next() % 10_000_000))
            now = now + took / limit.allowed
            limit.ended(.answered, bytes: Int64(bytes), after: took, inFlight: limit.allowed, at: now)
        }
        #expect(limit.allowed == 16, "seed \(seed)")
    }

    @Test("falls by a tenth when the far end pushes back, once a round trip, and grows again")
    func pushedBack() {
        var end = FarEnd(limit: ConcurrencyLimit(atMost: 100))
        _ = end.serve(rounds: 60, capacity: 1000)
        let before = end.limit.allowed
        let after = end.serve(rounds: 2, capacity: 1000) { $0 == 0 ? .pushedBack : .answered }.last ?? 0
        #expect(after < before && after >= Int(Double(before) * 0.79), "\(before) to \(after)")
        #expect(end.serve(rounds: 60, capacity: 1000).last == before)
    }

    @Test("does not grow while fewer are needed, and learns nothing of what did not arrive")
    func unneeded() {
        var end = FarEnd(limit: ConcurrencyLimit(atMost: 100))
        #expect(end.serve(rounds: 50, capacity: 1000, wanted: 3).max() ?? 0 <= 4)
        let before = end.limit
        _ = end.serve(rounds: 50, capacity: 1000) { _ in .silent }
        #expect(end.limit == before)
    }

    @Test("holds with any times at all")
    func anything() {
        let seed = UInt64.random(in: 1...1_000_000)
        let random = SeededRandom(seed)
        var limit = ConcurrencyLimit(atMost: 32)
        var now = Instant(nanoseconds: 0)
        for _ in 0..<20_000 {
            now = now + .nanoseconds(Int64(random.next() % 1_000_000_000))
            let outcome: ConcurrencyLimit.Outcome = [.answered, .answered, .pushedBack, .silent][Int(random.next() % 4)]
            let took = Duration.nanoseconds(random.next() % 7 == 0 ? .max : Int64(random.next() % 10_000_000_000))
            limit.ended(
                outcome, bytes: Int64(random.next() % (1 << 40)), after: took, inFlight: Int(random.next() % 64),
                at: now)
            #expect((1...32).contains(limit.allowed), "seed \(seed)")
        }
    }
}
