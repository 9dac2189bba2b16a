import Capture
import Segments
import Shared

/// Lines of sessions, and the objects that hold them.
enum LineReaders {
    /// Every byte is in one line, whole, whatever the reader's pieces are.
    static func split(_ bytes: UnsafeRawBufferPointer) {
        let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
        for piece in [1, max(1, Int(bytes.first ?? 1)), max(1, bytes.count)] {
            var splitter = LineSplitter()
            var found: [Int] = []
            var (front, seen) = (0, 0)
            while seen < bytes.count {
                seen = min(bytes.count, seen + piece)
                while let length = splitter.line(in: UnsafeRawBufferPointer(rebasing: bytes[front..<seen])) {
                    precondition(length > 0 && front + length <= seen, "a line that is not there")
                    splitter.passed(length)
                    front += length
                    found.append(front)
                }
            }
            precondition(found == ends, "lines end at \(found), not at \(ends)")
        }
    }

    /// The looks at a line: kind, oddities, time, and what the first lines say of a session.
    static func look(_ bytes: UnsafeRawBufferPointer) {
        let seen = LineScanner.look(at: bytes)
        precondition(LineScanner.look(at: bytes) == seen)
        _ = LineScanner.timestamp(of: bytes)
        for agent in Agent.allCases {
            var first = FirstLines(agent: agent)
            first.take(bytes)
        }
    }

    /// A hostile object, read as each codec's, with and without a promise of what it holds.
    static func object(_ bytes: UnsafeRawBufferPointer) {
        let object = MemoryObject(Array(bytes))
        for path in ["segments/a.jsonl.gz", "segments/a.jsonl.zst", "segments/a.jsonl"] {
            let text = """
                {"seq":1,"path":"\(path)","lines":3,"bytes_uncompressed":64,"bytes_gzip":\(bytes.count)}
                """
            guard let entry = try? JSONText.decode(ManifestSegment.self, from: text.utf8) else {
                preconditionFailure(text)
            }
            read(SegmentOutline(entry, firstLine: 1), object, lines: nil)
            read(SegmentOutline(entry, firstLine: 1), object, lines: 2...2)
        }
    }

    private static func read(_ outline: SegmentOutline, _ object: MemoryObject, lines: ClosedRange<Int>?) {
        do throws(SegmentError) {
            var reader = try MemberReader(outline, object: object, lines: lines)
            // A bomb is endless for us: its reader is as slow as it likes.
            var left: Int64 = 1 << 20
            while left > 0, let piece = try reader.next() {
                precondition(!piece.isEmpty, "an empty piece")
                left -= Int64(piece.count)
            }
        } catch {
            precondition(!error.description.isEmpty)
        }
    }
}
