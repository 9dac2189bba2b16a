import Shared
import TestSupport
import Testing

@testable import Segments

/// Gives at most a few bytes at a time, as a slow disk or a socket may.
private struct Trickle: ObjectBytes {
    let bytes: [UInt8]
    var size: Int64 { Int64(bytes.count) }

    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) -> Int {
        let part = bytes[Int(offset)...].prefix(min(room.count, 7))
        room.copyBytes(from: part)
        return part.count
    }
}

private struct Broken: ObjectBytes {
    struct Failure: Error {}
    let size: Int64
    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int { throw Failure() }
}

@Suite("A member reader")
struct MemberReaderTests {
    /// 200 lines of random lengths, some empty.
    private static func source(_ random: inout Seeded) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<200 {
            bytes += random.bytes(Int.random(in: 0..<300, using: &random)).map { $0 == 0x0A ? 0x20 : $0 } + [0x0A]
        }
        return bytes
    }

    @Test("gives exactly the lines that are asked for", arguments: Codec.allCases, seeds)
    func selects(codec: Codec, seed: UInt64) throws {
        var random = Seeded(seed)
        let bytes = MemberReaderTests.source(&random)
        let all = lines(of: bytes)
        var place = try start()
        place.firstLine = 1001
        let segment = try sealed(bytes, at: place, codec: codec, memberBytes: 1000)
        let outline = SegmentOutline(segment.record)
        for _ in 0..<40 {
            let from = Int.random(in: 0..<200, using: &random)
            let to = Int.random(in: from..<200, using: &random)
            #expect(try read(outline, segment.bytes, lines: 1001 + from...1001 + to) == Array(all[from...to].joined()))
        }
        #expect(try read(outline, segment.bytes, lines: 1...1000) == [])
        #expect(try read(outline, segment.bytes, lines: 1201...1300) == [])
        #expect(try read(outline, segment.bytes, lines: 1...5000) == bytes)
        #expect(try read(outline, segment.bytes) == bytes)
    }

    @Test("reads no more of the object than the lines need")
    func readsLittle() throws {
        var random = Seeded(1)
        let segment = try sealed(MemberReaderTests.source(&random), at: start(), memberBytes: 1000)
        let parts = try #require(SegmentOutline(segment.record).parts(for: 100...101))
        #expect(parts.object.count < segment.bytes.count / 5)
        // Everything outside that part may be gone.
        var holed = [UInt8](repeating: 0, count: segment.bytes.count)
        let needed = Int(parts.object.lowerBound)..<Int(parts.object.upperBound)
        holed.replaceSubrange(needed, with: segment.bytes[needed])
        let outline = SegmentOutline(segment.record)
        #expect(try read(outline, holed, lines: 100...101) == read(outline, segment.bytes, lines: 100...101))
    }

    @Test("reads through any number of short reads", arguments: Codec.allCases)
    func trickles(codec: Codec) throws {
        var random = Seeded(2)
        let bytes = MemberReaderTests.source(&random)
        let segment = try sealed(bytes, at: start(), codec: codec, memberBytes: 1000)
        var reader = try MemberReader(SegmentOutline(segment.record), object: Trickle(bytes: segment.bytes))
        var all: [UInt8] = []
        while let piece = try reader.next() { all += piece }
        #expect(all == bytes)
    }

    @Test("finds every flipped bit and every cut", arguments: Codec.allCases, seeds)
    func damage(codec: Codec, seed: UInt64) throws {
        var random = Seeded(seed)
        let segment = try sealed(MemberReaderTests.source(&random), at: start(), codec: codec, memberBytes: 1000)
        let outline = SegmentOutline(segment.record)
        for _ in 0..<60 {
            var object = segment.bytes
            let place = Int.random(in: 0..<object.count, using: &random)
            object[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let error = #expect(throws: SegmentError.self) { try read(outline, object) }
            #expect(error?.code == .damaged)
            #expect(error?.message.hasPrefix("\(outline.name) is damaged at byte ") == true)
        }
        for length in [0, 1, segment.bytes.count / 2, segment.bytes.count - 1] {
            #expect(throws: SegmentError.self) { try read(outline, Array(segment.bytes.prefix(length))) }
        }
        #expect(throws: SegmentError.self) { try read(outline, segment.bytes + [0]) }
    }

    @Test("says where an object without a promised size is cut or wrong")
    func damagedForeign() throws {
        var random = Seeded(3)
        let segment = try sealed(MemberReaderTests.source(&random), at: start())
        let outline = try foreign("segments/session-000001.jsonl.gz")
        let cut = #expect(throws: SegmentError.self) { try read(outline, Array(segment.bytes.prefix(900))) }
        #expect(cut?.message == "segments/session-000001.jsonl.gz is damaged at byte 900: it ends inside a member")
        let garbage = #expect(throws: SegmentError.self) { try read(outline, Array("<html>no</html>".utf8)) }
        #expect(garbage?.code == .damaged)
    }

    @Test("reads agent-uploader's objects: one member, or plain lines")
    func readsForeign() throws {
        let bytes = Array("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n".utf8)
        let gzip = try foreign("segments/session-000001.jsonl.gz")
        // By GNU gzip 1.12, with a file name and a time in the header.
        let object: [UInt8] = [
            31, 139, 8, 8, 115, 63, 0, 107, 2, 3, 115, 101, 115, 115, 105, 111, 110, 45, 48, 48, 48, 48, 48, 49, 46,
            106, 115, 111, 110, 108, 0, 171, 86, 74, 84, 178, 50, 172, 229, 170, 86, 74, 82, 178, 50, 2, 209, 201, 74,
            86, 198, 181, 92, 0, 45, 27, 185, 92, 24, 0, 0, 0,
        ]
        #expect(try read(gzip, object) == bytes)
        #expect(try read(gzip, object, lines: 12...12) == Array("{\"b\":2}\n".utf8))
        let plain = try foreign("segments/session-000001.jsonl")
        #expect(try read(plain, bytes) == bytes)
        #expect(try read(plain, bytes, lines: 13...99) == Array("{\"c\":3}\n".utf8))
    }

    private func foreign(_ path: String) throws -> SegmentOutline {
        let json = #"{"seq":1,"path":"\#(path)","lines":3,"bytes_uncompressed":5,"bytes_gzip":7}"#
        return SegmentOutline(try JSONText.decode(ManifestSegment.self, from: Array(json.utf8)), firstLine: 11)
    }

    @Test("hands on why the bytes could not be had")
    func unreadable() throws {
        let segment = try sealed([0x61, 0x0A], at: start())
        let outline = SegmentOutline(segment.record)
        let error = #expect(throws: SegmentError.self) {
            var reader = try MemberReader(outline, object: Broken(size: Int64(segment.bytes.count)))
            _ = try reader.next()
        }
        #expect(error?.code == .unreadable)
        #expect(error?.cause is Broken.Failure)
    }

    @Test("is not led astray by members that a manifest lies about")
    func lyingMembers() throws {
        let segment = try sealed([0x61, 0x0A, 0x62, 0x0A], at: start(), memberBytes: 1)
        var outline = SegmentOutline(segment.record)
        outline.members[1].objectOffset = 1 << 50
        #expect(try read(outline, segment.bytes, lines: 1...1) == [0x61, 0x0A])
        outline.members[1].objectOffset = -5
        #expect(try read(outline, segment.bytes, lines: 2...2) == [0x62, 0x0A])
        outline.members[1].objectOffset = 3
        #expect(throws: SegmentError.self) { try read(outline, segment.bytes, lines: 2...2) }
    }
}
