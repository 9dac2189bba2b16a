import Shared
import TestSupport
import Testing

@testable import Delivery

@Suite("An upload's allowance")
struct UploadAllowanceTests {
    @Test(
        "lets as much go as its rate says, however late it is asked, in pieces that are worth sending",
        arguments: [1_000, 100_000, 2_000_000, 50_000_000] as [Int64])
    func rate(_ rate: Int64) throws {
        let world = SimulatedWorld(seed: 1)
        let seed = UInt64.random(in: 1...1_000_000)
        let random = SeededRandom(seed)
        let (allowance, begun) = (UploadAllowance(rate, time: world.time), world.time.now)
        let (sent, pieces) = try world.run {
            var sent: Int64 = 0
            var pieces = 0
            while world.time.now < begun + .seconds(60) {
                let count = allowance.allowed(64 << 10)
                if count > 0 {
                    allowance.spend(count)
                    sent += Int64(count)
                    pieces += 1
                } else {
                    try await world.time.sleep(
                        until: allowance.next + .milliseconds(Int(random.next() % 100)))
                }
            }
            return (sent, pieces)
        }
        let measured = Double(sent) / (world.time.now - begun).inSeconds
        #expect(measured > Double(rate) * 0.95 && measured < Double(rate) * 1.01, "seed \(seed)")
        #expect(pieces < 60 * 1_000, "\(pieces) pieces in a minute")
    }

    @Test("is none while nobody has set a rate, and again when it is taken away")
    func none() {
        let world = SimulatedWorld(seed: 1)
        let allowance = UploadAllowance(nil, time: world.time)
        #expect(allowance.allowed(1 << 20) == 1 << 20)
        allowance.rate = 10
        #expect(allowance.allowed(1 << 20) == 0)
        allowance.rate = nil
        #expect(allowance.allowed(1 << 20) == 1 << 20)
    }
}
