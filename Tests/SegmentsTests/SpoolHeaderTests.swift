import Shared
import TestSupport
import Testing

@testable import Segments

@Suite("A spool header")
struct SpoolHeaderTests {
    private func sample() throws -> SpoolHeader {
        let segment = try sealed(Array("{\"type\":\"compacted\"}\n".utf8), at: start(), cut: .checkpoint)
        let cursor = StreamCursor(
            stream: segment.record.stream, offset: 20, line: 1, nextSeq: 2,
            file: FileIdentity(device: 1, inode: 2, birth: 3), chainState: segment.chainState)
        return SpoolHeader(
            record: segment.record, checkpoint: segment.checkpoint, cursor: cursor,
            source: SourceInfo(agent: .codex, root: "/home/u/.codex", relativePath: "a/\u{1}é\".jsonl", kind: "main"))
    }

    @Test("comes back as it was written, in a multiple of 512 bytes")
    func comesBack() throws {
        let header = try sample()
        let bytes = try header.encoded()
        #expect(bytes.count % 512 == 0)
        #expect(bytes.prefix(8) == Array("UPSPOOL1".utf8)[...])
        #expect(try SpoolHeader.length(from: Array(bytes.prefix(16)), of: "f") == bytes.count)
        #expect(try SpoolHeader(from: bytes + [1, 2, 3], of: "f") == header)
    }

    @Test("fits the room that was kept for it, or says that it does not")
    func fitsRoom() throws {
        let header = try sample()
        let bytes = try header.encoded(room: SpoolHeader.roomForStreamed)
        #expect(bytes.count == 65_536)
        #expect(try SpoolHeader(from: bytes, of: "f") == header)
        let error = #expect(throws: SegmentError.self) { try header.encoded(room: 512) }
        #expect(error?.code == .headerTooLarge)
    }

    @Test("is refused when any byte of it is wrong", arguments: seeds)
    func refused(seed: UInt64) throws {
        var random = Seeded(seed)
        let bytes = try sample().encoded()
        for _ in 0..<200 {
            var wrong = bytes
            wrong[Int.random(in: 0..<wrong.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let error = #expect(throws: SegmentError.self) { try SpoolHeader(from: wrong, of: "f") }
            #expect(error?.code == .damaged)
        }
        for length in [0, 15, 16, bytes.count - 1] {
            #expect(throws: SegmentError.self) { try SpoolHeader(from: Array(bytes.prefix(length)), of: "f") }
        }
    }
}
