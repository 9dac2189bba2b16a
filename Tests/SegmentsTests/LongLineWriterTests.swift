import Digests
import Redaction
import Shared
import TestSupport
import Testing

@testable import Segments

private final class Sink {
    var bytes: [UInt8] = []
    var largest = 0
}

private struct Refused: Error {}

@Suite("A long line writer")
struct LongLineWriterTests {
    private func write(
        _ line: [UInt8], codec: Codec, piece: Int, at start: SegmentStart, partial: Bool = false
    ) throws -> (SealedSegment, [UInt8]) {
        let sink = Sink()
        var writer = try LongLineWriter(at: start, codec: codec, rules: "none", key: key) {
            sink.bytes.append(contentsOf: $0)
            sink.largest = max(sink.largest, $0.count)
        }
        var long = redactor.beginLong(offset: start.sourceOffset)
        var from = 0
        while from < line.count {
            let end = min(line.count, from + piece)
            try line[from..<end].withUnsafeBytes { bytes in
                try long.pass(bytes) { piece throws(SegmentError) in try writer.append(piece) }
            }
            from = end
        }
        let source = try long.finish { piece throws(SegmentError) in try writer.append(piece) }
        let segment = try writer.finish(source, cut: .bytes, partial: partial, in: SpoolTemporaryID("t1"))
        #expect(sink.largest <= max(piece, 64 << 10))
        return (segment, sink.bytes)
    }

    @Test(
        "streams a line into one member that reads back the same", arguments: Codec.allCases, [1000, 65_537, 1 << 20])
    func streams(codec: Codec, piece: Int) throws {
        var random = Seeded(5)
        var line = Array("{\"type\":\"user\",\"timestamp\":\"2026-11-20T11:38:39Z\",\"image\":\"".utf8)
        line += random.bytes(700_000).map { 0x61 + $0 % 20 } + Array("\"}\r\n".utf8)
        var place = try start()
        place.firstLine = 5
        place.sourceOffset = 4000
        [UInt8](repeating: 1, count: 4000).withUnsafeBytes { place.chain.update($0) }
        let (segment, object) = try write(line, codec: codec, piece: piece, at: place)
        let record = segment.record
        #expect(try read(SegmentOutline(record), object) == line)
        #expect(record.members == [MemberIndex(firstLine: 5, uncompressedOffset: 0, objectOffset: 0)])
        #expect(record.sourceMAC == key.mac(of: RunningDigest.digest(of: line)))
        #expect(record.chain == RunningDigest.digest(of: [UInt8](repeating: 1, count: 4000) + line))
        #expect(segment.next?.chain.digest() == record.chain)
        #expect(segment.next?.sourceOffset == Int64(4000 + line.count))
        #expect(record.anomalies == ["crlf": 1])
        #expect(record.firstTS == 1_795_174_719)
        #expect(record.cut == .bytes)
        guard case .spooled(let id) = segment.object else {
            Issue.record("not spooled")
            return
        }
        #expect(id == SpoolTemporaryID("t1"))
        if codec == .gzip { #expect(object.prefix(8) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]) }
    }

    @Test("makes a checkpoint of a compacted line that is too long to be held")
    func checkpoint() throws {
        let history = String(repeating: "x\\\"", count: 50_000)
        let line = Array(
            "{\"timestamp\":\"2026-11-20T11:38:39Z\",\"type\":\"compacted\",\"payload\":{\"h\":\"\(history)\",\"label\":\"l\"}}\n"
                .utf8)
        let (segment, _) = try write(line, codec: .gzip, piece: 777, at: try start())
        #expect(segment.record.cut == .checkpoint)
        #expect(segment.checkpoint?.id == "2026-11-20T11-38-39Z-s000001-l000001")
        #expect(segment.checkpoint?.label == "l")
        let (partial, _) = try write(Array(line.dropLast(2)), codec: .gzip, piece: 777, at: try start(), partial: true)
        #expect(partial.checkpoint == nil)
        #expect(partial.record.partial)
        #expect(partial.chainState == RunningDigest().state)
    }

    @Test("gives the sink's error back")
    func sinkFails() throws {
        let bytes = [UInt8](repeating: 0x61, count: 100)
        let error = #expect(throws: SegmentError.self) {
            var writer = try LongLineWriter(at: start(), codec: .none, rules: "none", key: key) { _ in throw Refused() }
            var long = redactor.beginLong(offset: 0)
            try bytes.withUnsafeBytes { bytes in
                try long.pass(bytes) { piece throws(SegmentError) in try writer.append(piece) }
            }
        }
        #expect(error?.code == .sink)
        #expect(error?.cause is Refused)
    }

    @Test("leaves a line over the limit to a notice that stands alone, and marks its source")
    func withheld() throws {
        let line = [UInt8](repeating: 0x61, count: 5000) + [0x0A]
        var long = redactor.beginLong(offset: 9)
        line.withUnsafeBytes { long.skip($0) }
        #expect(long.bytes == 5001)
        var place = try start()
        place.sourceOffset = 9
        var writer = SegmentWriter(at: place, compressors: CompressorPool(codec: .none), rules: "none", key: key)
        long.withhold(.tooLong) { writer.append($0) }
        let segment = try writer.finish(.bytes)
        #expect(
            segment.bytes == Array("{\"type\":\"uploaderd.withheld\",\"bytes\":5001,\"reason\":\"too_long\"}\n".utf8))
        #expect(segment.record.sourceBytes == 5001)
        #expect(segment.record.sourceMAC == key.mac(of: RunningDigest.digest(of: line)))
        #expect(segment.next?.sourceOffset == 5010)
    }

    @Test("holds nothing back: what went in comes out while the line goes on", arguments: Codec.allCases)
    func holdsNothingBack(codec: Codec) throws {
        var stored: Int64 = 0
        var writer = try LongLineWriter(at: start(), codec: codec, level: 1, rules: "none", key: key) {
            stored += Int64($0.count)
        }
        var long = redactor.beginLong(offset: 0)
        var random = Seeded(4)
        let piece = random.bytes(256 << 10)
        for count in 1...64 {
            try piece.withUnsafeBytes { bytes in
                try long.pass(bytes) { piece throws(SegmentError) in try writer.append(piece) }
            }
            // Random bytes do not shrink, but for zstd's window, which finds the piece before.
            if codec != .zstd { #expect(Int64(count * piece.count) - stored < 300 << 10) }
        }
        let source = try long.finish { piece throws(SegmentError) in try writer.append(piece) }
        let segment = try writer.finish(source, in: SpoolTemporaryID("t"))
        #expect(segment.record.bytes == 16 << 20)
        #expect(segment.record.storedBytes == stored)
    }
}
