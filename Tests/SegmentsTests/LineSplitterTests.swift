import TestSupport
import Testing

@testable import Segments

@Suite("A line splitter")
struct LineSplitterTests {
    @Test("finds the same lines however the bytes arrive", arguments: seeds)
    func splits(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<50 {
            var source: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<30, using: &random) {
                let length = Int.random(in: 0..<6, using: &random) == 0 ? 300 : 20
                source += [UInt8](repeating: 0x61, count: Int.random(in: 0...length, using: &random)) + [0x0A]
            }
            source += [UInt8](repeating: 0x62, count: Int.random(in: 0...200, using: &random))
            #expect(split(source, &random) == lines(of: source).map { Array($0) }, "seed \(seed)")
        }
    }

    /// Reads the source in random steps, as a tail does.
    private func split(_ source: [UInt8], _ random: inout Seeded) -> [[UInt8]] {
        var splitter = LineSplitter()
        var buffer: [UInt8] = []
        var found: [[UInt8]] = []
        var read = 0
        while true {
            while let length = buffer.withUnsafeBytes({ splitter.line(in: $0) }) {
                found.append(Array(buffer[..<length]))
                buffer.removeFirst(length)
                splitter.passed(length)
            }
            guard read < source.count else { return buffer.isEmpty ? found : found + [buffer] }
            let more = min(source.count - read, Int.random(in: 1...150, using: &random))
            buffer += source[read..<read + more]
            read += more
        }
    }

    @Test("gives the steps that its example shows, and looks at no byte twice")
    func example() {
        var splitter = LineSplitter()
        #expect(Array("a\nbc".utf8).withUnsafeBytes { splitter.line(in: $0) } == 2)
        splitter.passed(2)
        #expect(Array("bc".utf8).withUnsafeBytes { splitter.line(in: $0) } == nil)
        // A line end that appears where it has looked is not seen: that is how one knows.
        #expect(Array("\nc\nd".utf8).withUnsafeBytes { splitter.line(in: $0) } == 3)
    }

    @Test("goes on where it was when a part of a long line is passed")
    func part() {
        var splitter = LineSplitter()
        #expect(Array("abcdef".utf8).withUnsafeBytes { splitter.line(in: $0) } == nil)
        splitter.passed(4)
        #expect(Array("\nf\n".utf8).withUnsafeBytes { splitter.line(in: $0) } == 3)
        splitter.passed(3)
        #expect(Array("\n".utf8).withUnsafeBytes { splitter.line(in: $0) } == 1)
    }
}
