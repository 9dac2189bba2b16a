import Digests
import Redaction
import Shared
import TestSupport
import Testing

@testable import Segments

@Suite("A segment merger")
struct SegmentMergerTests {
    /// Segments of a few lines each, the last one a checkpoint.
    private func parts(_ codec: Codec, _ random: inout Seeded) throws -> (segments: [SealedSegment], source: [UInt8]) {
        var writer = SegmentWriter(
            at: try start(), compressors: CompressorPool(codec: codec), rules: "none", key: key, memberBytes: 100)
        var source: [UInt8] = []
        var segments: [SealedSegment] = []
        for index in 0..<10 {
            for line in 0..<Int.random(in: 1..<8, using: &random) {
                let time = "2026-11-20T11:3\(index):0\(line)Z"
                let text = Array("{\"n\":\(random.next()),\"timestamp\":\"\(time)\"}\r\n".utf8)
                writer.take(text)
                source += text
            }
            if index == 9 {
                let last = Array("{\"type\":\"compacted\"}\n".utf8)
                writer.take(last)
                source += last
            }
            segments.append(try writer.seal(index == 9 ? .checkpoint : .quiet))
        }
        return (segments, source)
    }

    private func merged(_ segments: ArraySlice<SealedSegment>) throws -> SealedSegment {
        var merger = SegmentMerger(key: key)
        for segment in segments {
            try merger.add(segment.record, checkpoint: segment.checkpoint, object: MemoryObject(segment.bytes))
        }
        return try merger.finish()
    }

    @Test("joins neighbours into what one segment of their lines says", arguments: Codec.allCases, seeds)
    func joins(codec: Codec, seed: UInt64) throws {
        var random = Seeded(seed)
        let (segments, source) = try parts(codec, &random)
        let joint = try merged(segments[...])
        var record = joint.record
        #expect(joint.bytes == segments.flatMap(\.bytes))
        #expect(try contents(of: joint) == source)
        let whole = try sealed(source, at: start(), codec: codec, memberBytes: 1 << 20, cut: .checkpoint).record
        let last = try #require(segments.last)
        #expect(record.seq == last.record.seq)
        #expect(record.members.count > 10)
        #expect(record.objectChecksum == RunningDigest.digest(of: joint.bytes))
        #expect(joint.chainState.isEmpty)
        #expect(joint.checkpoint?.lineIndex == whole.lines)
        #expect(joint.checkpoint?.line == whole.lines)
        #expect(joint.checkpoint?.seq == record.seq)
        // Everything else is equal, however the lines were cut.
        record.seq = whole.seq
        record.members = whole.members
        record.storedBytes = whole.storedBytes
        record.objectChecksum = whole.objectChecksum
        #expect(record == whole)
        for line in [1, 5, whole.lines / 2, whole.lines] {
            let expected = Array(lines(of: source)[line - 1])
            #expect(try read(SegmentOutline(joint.record), joint.bytes, lines: line...line) == expected)
        }
    }

    @Test("joins what was joined before, with the same result", arguments: seeds)
    func isAssociative(seed: UInt64) throws {
        var random = Seeded(seed)
        let segments = try parts(.gzip, &random).segments
        let left = try merged(segments[..<4])
        let twice = try merged([left] + segments[4...])
        let once = try merged(segments[...])
        #expect(twice.record == once.record)
        #expect(twice.bytes == once.bytes)
        #expect(twice.checkpoint == once.checkpoint)
    }

    @Test("refuses what does not follow")
    func refuses() throws {
        var random = Seeded(1)
        let segments = try parts(.gzip, &random).segments
        func adding(_ change: (inout SegmentRecord) -> Void, checkpoint: Bool = false) -> SegmentError? {
            do throws(SegmentError) {
                var merger = SegmentMerger(key: key)
                let mark = CheckpointRecord(CheckpointDetail(), endOf: segments[0].record)
                try merger.add(
                    segments[0].record, checkpoint: checkpoint ? mark : nil, object: MemoryObject(segments[0].bytes))
                var second = segments[1].record
                change(&second)
                try merger.add(second, checkpoint: nil, object: MemoryObject(segments[1].bytes))
                return nil
            } catch {
                return error
            }
        }
        #expect(adding { _ in } == nil)
        #expect(adding({ _ in }, checkpoint: true)?.code == .notNeighbours)
        #expect(adding { $0.generation = 2 }?.code == .notNeighbours)
        #expect(adding { $0.firstLine += 1 }?.code == .notNeighbours)
        #expect(adding { $0.codec = .none }?.code == .notNeighbours)
        #expect(adding { $0.rules = "sha256:x" }?.code == .notNeighbours)
        #expect(adding { $0.partial = true }?.code == .notNeighbours)
        #expect(adding { $0.checksum = segments[2].record.checksum }?.code == .damaged)
        #expect(adding { $0.storedBytes += 1 }?.code == .damaged)
    }

    @Test("keeps the last source ranges when a part was not stored as it was")
    func keepsSources() throws {
        var writer = SegmentWriter(
            at: try start(), compressors: CompressorPool(codec: .gzip), rules: "none", key: key)
        var segments: [SealedSegment] = []
        for index in 0..<20 {
            if index == 12 {
                let secret = Array("{\"secret\":true}\n".utf8)
                secret.withUnsafeBytes { bytes in
                    redactor.withhold(
                        RawLine(bytes: bytes, offset: writer.sourceEnd, terminated: true), .redactionFailed
                    ) { writer.append($0) }
                }
            } else {
                writer.take(Array("{\"n\":\(index)}\n".utf8))
            }
            segments.append(try writer.seal(.quiet))
        }
        let joint = try merged(segments[...]).record
        let kept = segments.suffix(16).map { SourcePart(bytes: $0.record.sourceBytes, mac: $0.record.sourceMAC) }
        #expect(joint.sourceParts == kept)
        #expect(joint.sourceMAC == segments[19].record.sourceMAC)
        #expect(joint.anomalies == ["withheld": 1])
        let twice = try merged([try merged(segments[..<15])] + segments[15...]).record
        #expect(twice.sourceParts == kept)
        let entry = ManifestSegment(joint)
        let copy = try JSONText.decode(ManifestSegment.self, from: JSONText.encode(entry))
        #expect(copy.record(of: joint.stream, chain: joint.chain) == joint)
        #expect(try merged(segments[13...]).record.sourceParts == nil)
    }
}
