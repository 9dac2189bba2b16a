import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("A line buffer")
struct LineBufferTests {
    @Test("gives out the source's lines, however it was read", arguments: 1...5)
    func lines(seed: UInt64) {
        print("seed \(seed)")
        let random = SeededRandom(seed)
        var source: [UInt8] = []
        for _ in 0..<500 {
            let length = random.percent(5) ? random.below(200_000) : random.below(200)
            source += [UInt8](repeating: UInt8(ascii: "a") + UInt8(random.below(26)), count: length) + [0x0A]
        }
        source += Array("no end".utf8)
        var buffer = LineBuffer()
        var found: [UInt8] = []
        var read = 0
        while read < source.count {
            let count = min(source.count - read, 1 + random.below(random.percent(10) ? 100_000 : 300))
            buffer.room(count).copyBytes(from: source[read..<read + count])
            buffer.fill(count)
            read += count
            while let line = buffer.nextLine() {
                // The same line until it is dropped.
                #expect(buffer.nextLine().map { $0.elementsEqual(line) } == true)
                #expect(line.last == 0x0A && !line.dropLast().contains(0x0A))
                found += line
                buffer.drop(line.count)
            }
            if random.percent(20) { buffer.shrink() }
        }
        found += buffer.bytes
        #expect(found == source)
        #expect(buffer.bytes.elementsEqual("no end".utf8))
        buffer.drop(6)
        buffer.shrink()
        #expect(buffer.isEmpty && buffer.count == 0)
    }

    @Test("goes on behind a part that was dropped: how a line that is too long is passed")
    func parts() {
        var buffer = LineBuffer()
        func put(_ text: String) {
            let bytes = Array(text.utf8)
            buffer.room(bytes.count).copyBytes(from: bytes)
            buffer.fill(bytes.count)
        }
        put("abcdef")
        #expect(buffer.nextLine() == nil)
        buffer.drop(4)
        put("gh\nx\n")
        #expect(buffer.nextLine().map { $0.elementsEqual("efgh\n".utf8) } == true)
        buffer.drop(5)
        #expect(buffer.nextLine().map { $0.elementsEqual("x\n".utf8) } == true)
    }
}
