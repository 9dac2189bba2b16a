import Digests
import Redaction
import Shared
import TestSupport
import Testing

@testable import Segments

@Suite("A segment writer")
struct SegmentWriterTests {
    /// Everything that a real file can hold (05, F).
    static let strange: [UInt8] =
        Array("{\"a\":1,\"timestamp\":\"2026-11-20T11:38:39Z\"}\r\n\n   \n{\"b\":2}{\"c\":3}\nnot json\n".utf8)
        + [0, 0, 0, 0x0A, 0xEF, 0xBB, 0xBF] + Array("{\"d\":\"\\ud800\"}\n".utf8) + [0xFF, 0xFE, 0x0A]
        + Array("{\"e\":[[[[\n{\"last\":\"no end".utf8)

    @Test("keeps every byte, in every codec and however its members are cut", arguments: Codec.allCases, seeds)
    func keepsBytes(codec: Codec, seed: UInt64) throws {
        var random = Seeded(seed)
        for size in [1, 17, 64, 1 << 20] {
            var bytes = SegmentWriterTests.strange
            for _ in 0..<40 {
                bytes.append(0x0A)
                bytes.append(contentsOf: random.bytes(Int.random(in: 0..<200, using: &random)))
            }
            let segment = try sealed(bytes, at: start(), codec: codec, memberBytes: size)
            let record = segment.record
            #expect(try contents(of: segment) == bytes)
            #expect(record.bytes == Int64(bytes.count))
            #expect(record.sourceBytes == Int64(bytes.count))
            #expect(record.lines == lines(of: bytes).count)
            #expect(record.checksum == RunningDigest.digest(of: bytes))
            #expect(record.chain == record.checksum)
            #expect(record.sourceMAC == key.mac(of: RunningDigest.digest(of: bytes)))
            #expect(record.objectChecksum == RunningDigest.digest(of: segment.bytes))
            #expect(record.storedBytes == Int64(segment.bytes.count))
        }
    }

    @Test("makes equal objects of equal lines", arguments: Codec.allCases)
    func isDeterministic(codec: Codec) throws {
        let first = try sealed(SegmentWriterTests.strange, at: start(), codec: codec)
        let second = try sealed(SegmentWriterTests.strange, at: start(), codec: codec)
        #expect(first.bytes == second.bytes)
        #expect(first.record == second.record)
        if codec == .gzip { #expect(first.bytes.prefix(8) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]) }
    }

    @Test("cuts members at line ends, and gives a line over a member its own", arguments: seeds)
    func cutsMembers(seed: UInt64) throws {
        var random = Seeded(seed)
        var bytes: [UInt8] = []
        for _ in 0..<300 {
            let length = Int.random(in: 0..<8, using: &random) == 0 ? 3000 : Int.random(in: 1..<400, using: &random)
            bytes.append(contentsOf: [UInt8](repeating: 0x61, count: length - 1) + [0x0A])
        }
        let segment = try sealed(bytes, at: start(), memberBytes: 1024)
        let members = segment.record.members
        let starts = lines(of: bytes).reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        #expect(members.count > 10)
        for (index, member) in members.enumerated() {
            #expect(member.uncompressedOffset == Int64(starts[member.firstLine - 1]))
            let next = index + 1 < members.count ? members[index + 1] : nil
            let length = (next?.uncompressedOffset ?? Int64(bytes.count)) - member.uncompressedOffset
            #expect(length <= 1024 || (next?.firstLine ?? starts.count) == member.firstLine + 1)
            let end = Int(next?.objectOffset ?? Int64(segment.bytes.count))
            let alone = Array(segment.bytes[Int(member.objectOffset)..<end])
            let from = Int(member.uncompressedOffset)
            #expect(try decompressed(alone, .gzip) == Array(bytes[from..<from + Int(length)]))
        }
    }

    @Test("goes on: the next segment continues line, source and chain")
    func goesOn() throws {
        let all = SegmentWriterTests.strange
        let parts = lines(of: all)
        var writer = SegmentWriter(
            at: try start(), compressors: CompressorPool(codec: .gzip), rules: "none", key: key)
        var whole: [UInt8] = []
        for (index, line) in parts.enumerated() {
            writer.take(line)
            let segment = try writer.seal(.flush)
            whole += try contents(of: segment)
            #expect(segment.record.firstLine == index + 1)
            #expect(segment.record.seq == index + 1)
            #expect(segment.record.chain == RunningDigest.digest(of: whole))
            #expect(RunningDigest(state: segment.chainState)?.digest() == segment.record.chain)
            let cursor = StreamCursor(
                stream: segment.record.stream, offset: Int64(whole.count), line: index + 1, nextSeq: index + 2,
                file: FileIdentity(device: 0, inode: 0, birth: 0), chainState: segment.chainState)
            // As after a restart: nothing is left but the cursor.
            writer = SegmentWriter(
                at: try #require(SegmentStart(continuing: cursor)), compressors: CompressorPool(codec: .gzip),
                rules: "none", key: key)
        }
        #expect(whole == all)
    }

    @Test("does not continue a chain that was lost")
    func lostChain() throws {
        let cursor = StreamCursor(
            stream: try stream(), offset: 5, line: 1, nextSeq: 2, file: FileIdentity(device: 0, inode: 0, birth: 0))
        #expect(SegmentStart(continuing: cursor) == nil)
    }

    @Test("leaves the stream where it was after a partial line")
    func partial() throws {
        var writer = SegmentWriter(at: try start(), compressors: CompressorPool(codec: .gzip), rules: "none", key: key)
        writer.take(Array("{\"a\":1}\n".utf8))
        let before = try writer.seal(.quiet)
        writer.take(Array("{\"b\":".utf8))
        let partial = try writer.seal(.quiet, partial: true)
        #expect(partial.record.partial)
        #expect(partial.record.sourceBytes == 5)
        #expect(partial.record.chain == RunningDigest.digest(of: Array("{\"a\":1}\n{\"b\":".utf8)))
        #expect(partial.chainState == before.chainState)
        writer.take(Array("{\"b\":2}\n".utf8))
        let whole = try writer.finish(.quiet)
        #expect(whole.record.firstLine == 2)
        #expect(whole.record.seq == 3)
        #expect(whole.record.sourceOffset == 8)
        #expect(whole.record.chain == RunningDigest.digest(of: Array("{\"a\":1}\n{\"b\":2}\n".utf8)))
    }

    @Test("takes its times from the first and the last line that have one")
    func times() throws {
        let text = """
            {"type":"mode"}
            {"x":{"timestamp":"2020-01-01T00:00:00Z"}}
            {"timestamp":"2026-11-20T11:38:39.123Z"}
            {"timestamp":"2026-11-20T11:38:30Z"}
            {"n":"timestamp"}
            {"timestamp":"soon"}

            """
        for size in [1, 64, 1 << 20] {
            let record = try sealed(Array(text.utf8), at: start(), memberBytes: size).record
            #expect(record.firstTS == 1_795_174_719)
            #expect(record.lastTS == 1_795_174_710)
        }
        let none = try sealed(Array("{\"a\":1}\n".utf8), at: start()).record
        #expect(none.firstTS == nil)
        #expect(none.lastTS == nil)
    }

    @Test("makes a checkpoint of a compacted line, with the time of the line before if it has none")
    func checkpoint() throws {
        let text =
            "{\"timestamp\":\"2026-11-20T11:38:39Z\"}\n{\"a\":1}\n{\"type\":\"compacted\",\"payload\":{\"label\":\"x\"}}\n"
        let segment = try sealed(Array(text.utf8), at: start(seq: 7), cut: .checkpoint)
        let checkpoint = try #require(segment.checkpoint)
        #expect(checkpoint.id == "2026-11-20T11-38-39Z-s000007-l000003")
        #expect(checkpoint.line == 3)
        #expect(checkpoint.label == "x")
        #expect(checkpoint.payload == "{\"label\":\"x\"}")
        let bare = try sealed(Array("{\"type\":\"compacted\"}\n".utf8), at: start(), cut: .checkpoint)
        #expect(bare.checkpoint?.ts == 0)
        #expect(bare.checkpoint?.label == "compacted")
    }

    @Test("counts what is odd")
    func anomalies() throws {
        let record = try sealed(SegmentWriterTests.strange, at: start()).record
        #expect(
            record.anomalies == [
                "crlf": 1, "blank": 2, "glued": 1, "not_json": 5, "nul": 1, "bom": 1, "invalid_utf8": 1,
            ])
    }

    @Test("marks the source, not what is stored, from the first line on that was kept back")
    func sourceOfWithheld() throws {
        var writer = SegmentWriter(
            at: try start(), compressors: CompressorPool(codec: .none), rules: "none", key: key, memberBytes: 40)
        let source = Array("{\"first\":\"line is 30 bytes\"}\n{\"secret\":1}\n{\"third\":3}\n".utf8)
        let parts = lines(of: source)
        writer.take(parts[0])
        source.withUnsafeBytes { bytes in
            let secret = UnsafeRawBufferPointer(rebasing: bytes[parts[1].startIndex..<parts[1].endIndex])
            redactor.withhold(
                RawLine(bytes: secret, offset: writer.sourceEnd, terminated: true), .redactionFailed
            ) { writer.append($0) }
        }
        writer.take(parts[2])
        let segment = try writer.finish(.quiet)
        let notice = "{\"type\":\"uploaderd.withheld\",\"bytes\":13,\"reason\":\"redaction_failed\"}\n"
        #expect(segment.bytes == Array(parts[0]) + Array(notice.utf8) + Array(parts[2]))
        #expect(segment.record.sourceMAC == key.mac(of: RunningDigest.digest(of: source)))
        #expect(segment.record.sourceBytes == Int64(source.count))
        #expect(segment.record.checksum == RunningDigest.digest(of: segment.bytes))
        #expect(segment.record.anomalies == ["withheld": 1])
    }
}

/// What one object of one codec holds.
func decompressed(_ object: [UInt8], _ codec: Codec) throws -> [UInt8] {
    var entry = SegmentOutline(try sealed([0x0A], at: start(), codec: codec).record)
    entry.bytes = nil
    entry.storedBytes = nil
    entry.checksum = nil
    entry.objectChecksum = nil
    entry.members = []
    return try read(entry, object)
}

func contents(of segment: SealedSegment) throws -> [UInt8] { try read(SegmentOutline(segment.record), segment.bytes) }

func read(_ outline: SegmentOutline, _ object: [UInt8], lines: ClosedRange<Int>? = nil) throws -> [UInt8] {
    var reader = try MemberReader(outline, object: MemoryObject(object), lines: lines)
    var all: [UInt8] = []
    while let piece = try reader.next() { all.append(contentsOf: piece) }
    return all
}
