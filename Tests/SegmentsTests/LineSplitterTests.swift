import Testing

@testable import Segments

@Suite("A line splitter")
struct LineSplitterTests {
    @Test("finds the same lines however the bytes arrive, and pieces of long ones", arguments: seeds)
    func splits(seed: UInt64) {
        var random = Seeded(state: seed)
        for _ in 0..<50 {
            var source: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<30, using: &random) {
                let length = Int.random(in: 0..<6, using: &random) == 0 ? 300 : 20
                source += [UInt8](repeating: 0x61, count: Int.random(in: 0...length, using: &random)) + [0x0A]
            }
            source += [UInt8](repeating: 0x62, count: Int.random(in: 0...200, using: &random))
            #expect(split(source, longLine: 100, &random) == lines(of: source).map { Array($0) })
        }
    }

    /// Reads the source in random steps, as a tail does, and checks each step's promise.
    private func split(_ source: [UInt8], longLine: Int, _ random: inout Seeded) -> [[UInt8]] {
        var splitter = LineSplitter(longLine: longLine)
        var buffer: [UInt8] = []
        var found: [[UInt8]] = []
        var long: [UInt8]?
        var read = 0
        while true {
            let step = buffer.withUnsafeBytes { splitter.next(in: $0) }
            switch step {
            case .line(let range):
                #expect(long == nil)
                #expect(range.count <= longLine)
                found.append(Array(buffer[range]))
            case .piece(let range, let begins, let ends):
                #expect(begins == (long == nil))
                #expect(!range.isEmpty)
                long = (long ?? []) + buffer[range]
                if ends, let line = long {
                    #expect(line.count > longLine)
                    found.append(line)
                    long = nil
                }
            case .needsMore(let kept):
                #expect(kept.upperBound == buffer.count)
                #expect(kept.count <= longLine)
                if read == source.count {
                    let rest = buffer.withUnsafeBytes { splitter.takeRest(in: $0) }
                    let last = (long ?? []) + buffer[rest]
                    if !last.isEmpty { found.append(last) }
                    #expect(!splitter.isInLongLine)
                    return found
                }
                buffer.removeSubrange(..<kept.lowerBound)
                splitter.rebased()
                let more = min(source.count - read, Int.random(in: 1...150, using: &random))
                buffer += source[read..<read + more]
                read += more
            }
        }
    }

    @Test("gives the steps that its example shows")
    func example() {
        var splitter = LineSplitter(longLine: 100)
        let first = Array("a\nbc".utf8)
        #expect(first.withUnsafeBytes { splitter.next(in: $0) } == .line(0..<2))
        #expect(first.withUnsafeBytes { splitter.next(in: $0) } == .needsMore(kept: 2..<4))
        splitter.rebased()
        let second = Array("bc\nd".utf8)
        #expect(second.withUnsafeBytes { splitter.next(in: $0) } == .line(0..<3))
        #expect(second.withUnsafeBytes { splitter.next(in: $0) } == .needsMore(kept: 3..<4))
    }
}
