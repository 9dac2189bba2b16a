package import Digests
package import Shared

/// Joins neighbours of one stream, generation and codec into one segment, by concatenating their members.
///
/// Nothing is compressed again. Each part is decompressed once, to check it and for the joint checksum; the object is
/// held in memory, its contents never. The result stands under the last part's sequence number, with its cut, its chain
/// and its checkpoint, whose line index counts from the first part's first line.
package struct SegmentMerger: ~Copyable {
    /// So many source ranges are kept when some part was redacted, the last ones; earlier ones cannot be checked again.
    package static let keptSourceParts = 16

    private let key: MachineKey
    private var object = RawBuffer()
    private var checksum = RunningDigest()
    private var joint: SegmentRecord?
    private var checkpoint: CheckpointRecord?
    private var sources: [SourcePart] = []
    private var isVerbatim = true

    package init(key: MachineKey) { self.key = key }

    /// Adds the next part.
    ///
    /// - Parameter checkpoint: the one at the part's end; nothing can be added behind it.
    /// - Throws: `.notNeighbours`, `.damaged`, `.unreadable`.
    package mutating func add(
        _ record: SegmentRecord, checkpoint: CheckpointRecord?, object bytes: borrowing some ObjectBytes & ~Copyable
    ) throws(SegmentError) {
        if let joint { try SegmentMerger.check(record, follows: joint, self.checkpoint) }
        if record.partial { throw SegmentError(.notNeighbours, "\(record.objectPath) is a partial line") }
        let from = object.count
        try read(bytes, of: record)
        try verify(record, from: from)
        for part in record.sourceParts ?? [SourcePart(bytes: record.sourceBytes, mac: record.sourceMAC)] {
            sources.append(part)
        }
        if sources.count > SegmentMerger.keptSourceParts {
            sources.removeFirst(sources.count - SegmentMerger.keptSourceParts)
        }
        // Of a part that was stored as it was the source's digest is the checksum's.
        if record.sourceParts != nil || record.sourceMAC != key.mac(of: record.checksum) { isVerbatim = false }
        take(record, checkpoint, objectOffset: Int64(from))
    }

    /// - Throws: `.damaged` when the parts begin a generation and their contents do not make its chain.
    package consuming func finish() throws(SegmentError) -> SealedSegment {
        guard var record = joint else { preconditionFailure("a merge has parts") }
        record.checksum = checksum.digest()
        record.objectChecksum = RunningDigest.digest(of: object.bytes)
        record.storedBytes = Int64(object.count)
        if isVerbatim {
            record.sourceMAC = key.mac(of: record.checksum)
            record.sourceParts = nil
        } else {
            record.sourceParts = sources
        }
        // What begins a generation says the digest itself, where its last part does not.
        if record.firstLine == 1, record.chain == SegmentRecord.unknownChain { record.chain = record.checksum }
        if record.firstLine == 1, record.checksum != record.chain {
            throw .damaged(record.objectPath, at: 0, "the joined lines do not make the chain \(record.chain)")
        }
        return SealedSegment(
            record: record, checkpoint: checkpoint, object: .bytes([UInt8](object.bytes)), next: nil)
    }

    private mutating func take(_ record: SegmentRecord, _ checkpoint: CheckpointRecord?, objectOffset: Int64) {
        guard var whole = joint else {
            joint = record
            self.checkpoint = checkpoint
            return
        }
        whole.members += record.members.map {
            MemberIndex(
                firstLine: $0.firstLine, uncompressedOffset: whole.bytes + $0.uncompressedOffset,
                objectOffset: objectOffset + $0.objectOffset)
        }
        if var checkpoint {
            checkpoint.lineIndex += whole.lines
            self.checkpoint = checkpoint
        }
        whole.seq = record.seq
        whole.lines += record.lines
        whole.sourceBytes += record.sourceBytes
        whole.sourceMAC = record.sourceMAC
        whole.bytes += record.bytes
        whole.chain = record.chain
        whole.cut = record.cut
        whole.redactions.merge(record.redactions, uniquingKeysWith: +)
        whole.anomalies.merge(record.anomalies, uniquingKeysWith: +)
        whole.firstTS = whole.firstTS ?? record.firstTS
        whole.lastTS = record.lastTS ?? whole.lastTS
        joint = whole
    }

    private static func check(
        _ record: SegmentRecord, follows last: SegmentRecord, _ checkpoint: CheckpointRecord?
    ) throws(SegmentError) {
        guard record.stream == last.stream, record.generation == last.generation, record.codec == last.codec,
            record.rules == last.rules, record.seq > last.seq, record.firstLine == last.firstLine + last.lines,
            record.sourceOffset == last.sourceOffset + last.sourceBytes, checkpoint == nil
        else {
            throw SegmentError(.notNeighbours, "\(record.objectPath) does not continue segment \(last.seq)")
        }
    }

    private mutating func read(
        _ bytes: borrowing some ObjectBytes & ~Copyable, of record: SegmentRecord
    ) throws(SegmentError) {
        var position: Int64 = 0
        while position < record.storedBytes {
            let room = Int(min(record.storedBytes - position, 256 << 10))
            var failure: (any Error)?
            var count = 0
            object.append(room: room) { room in
                do {
                    count = try bytes.read(at: position, into: room)
                } catch {
                    failure = error
                }
                return count
            }
            if let failure {
                throw SegmentError(.unreadable, "could not read \(record.objectPath)", cause: failure)
            }
            guard count > 0 else { throw .damaged(record.objectPath, at: position, "it ends too early") }
            position += Int64(count)
        }
    }

    private mutating func verify(_ record: SegmentRecord, from: Int) throws(SegmentError) {
        let part = HeldObject(bytes: UnsafeRawBufferPointer(rebasing: object.bytes[from...]))
        var reader = try MemberReader(SegmentOutline(record), object: part)
        while let piece = try reader.next() { checksum.update(piece) }
    }
}

/// A part that was read into the joint object.
private struct HeldObject: ObjectBytes {
    let bytes: UnsafeRawBufferPointer

    var size: Int64 { Int64(bytes.count) }

    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) -> Int {
        let part = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(Int(offset)).prefix(room.count))
        room.copyMemory(from: part)
        return part.count
    }
}
