import Shared
import Testing

@Suite("A part of all objects")
struct VerifySampleTests {
    @Test("is disjoint from every other, and together they are all", arguments: [1, 2, 7, 100])
    func union(_ parts: Int) throws {
        let samples = try (1...parts).map { try #require(VerifySample("\($0)/\(parts)")) }
        var counts = [Int](repeating: 0, count: parts)
        for number in (0..<10_000).map({ UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }) + [0, .max] {
            let holders = samples.indices.filter { samples[$0].holds(number) }
            #expect(holders.count == 1)
            for holder in holders { counts[holder] += 1 }
        }
        #expect(counts.allSatisfy { $0 > 10_000 / parts / 2 })
    }

    @Test("is not one of none, nor one behind the last", arguments: ["0/3", "4/3", "1/0", "1", "/", "-1/3", "1/3/3"])
    func refused(_ text: String) { #expect(VerifySample(text) == nil) }
}
