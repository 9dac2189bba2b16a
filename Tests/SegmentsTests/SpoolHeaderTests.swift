import Digests
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

    /// A header in which every number that can be absent is there.
    private func full() throws -> SpoolHeader {
        var header = try sample()
        header.record.redactions = ["token": 1]
        header.record.anomalies = ["no_json": 1]
        (header.record.firstTS, header.record.lastTS) = (1, 2)
        header.record.sourceParts = [SourcePart(bytes: 20, mac: header.record.sourceMAC)]
        header.cursor.partialEnd = 20
        header.cursor.marks = SourceMarks(
            headLength: 20, headMAC: header.record.sourceMAC, tailLength: 20, tailMAC: header.record.sourceMAC)
        return header
    }

    private func file(_ json: JSONValue) throws -> [UInt8] {
        let text = try JSONText.encode(json)
        var file = Array("UPSPOOL1".utf8)
        withUnsafeBytes(of: UInt32(text.count).littleEndian) { file.append(contentsOf: $0) }
        return file + RunningDigest.digest(of: text).bytes.prefix(4) + text
    }

    /// The value with each of its whole numbers, one at a time, replaced by `number`, and which one that was.
    private func variants(_ value: JSONValue, _ number: JSONValue, at path: String = "") -> [(String, JSONValue)] {
        switch value {
        case .integer, .unsigned: [(path, number)]
        case .array(let items):
            items.indices.flatMap { index in
                variants(items[index], number, at: "\(path)[\(index)]").map { path, changed in
                    var copy = items
                    copy[index] = changed
                    return (path, .array(copy))
                }
            }
        case .object(let members):
            members.keys.sorted().flatMap { key in
                variants(members[key] ?? .null, number, at: "\(path).\(key)").map { path, changed in
                    (path, .object(members.merging([key: changed]) { $1 }))
                }
            }
        case .null, .bool, .number, .string: []
        }
    }

    @Test(
        "is refused when any number of it is one that none of ours can be",
        arguments: [Int64.max, .min, -1, Int64.max / 2, 1 << 53 + 1])
    func extreme(_ number: Int64) throws {
        let bytes = try full().encoded()
        let whole = try JSONText.decode(JSONValue.self, from: Array(bytes[SpoolHeader.prefixLength...]))
        #expect(try SpoolHeader(from: file(whole), of: "f") == full())
        let changed = variants(whole, .integer(number))
        #expect(changed.count > 25)
        // Of a file's identity nothing is calculated.
        for (path, json) in changed where !path.hasPrefix(".cursor.file.") {
            // Of times even those before 1970 are possible.
            if number == -1, path.hasSuffix("TS") || path.hasSuffix(".ts") { continue }
            let error = #expect(throws: SegmentError.self, "\(path)") { try SpoolHeader(from: file(json), of: "f") }
            #expect(error?.code == .damaged)
        }
    }
}
