import Shared
import Testing

@Suite("A waiting line")
struct WaitingLineTests {
    @Test("gives each value once, first come first served, however long it gets")
    func order() {
        var line = WaitingLine<Int>()
        for value in 0..<10_000 {
            line.add(value)
            line.add(value / 2)
        }
        #expect(line.count == 10_000)
        for value in 0..<6_000 { #expect(line.next() == value) }
        line.add(3)
        #expect(line.contains(3) && !line.contains(4) && line.contains { $0 > 9_000 })
        for value in 6_000..<10_000 { #expect(line.next() == value) }
        #expect(line.next() == 3)
        #expect(line.next() == nil && line.isEmpty)
    }
}
