package import Digests
package import Redaction
package import Shared

/// One line that is too long to be held, as a segment of its own: one member, streamed into `sink` as it is made.
///
/// Memory is bounded by the compressor's (about 400 KiB for gzip), whatever the line's length. Dropped before `finish` it
/// leaves nothing behind; what is in the sink is the caller's to discard.
package struct LongLineWriter: ~Copyable {
    private let start: SegmentStart
    private let codec: Codec
    private let rules: String
    private let key: MachineKey
    private let sink: (UnsafeRawBufferPointer) throws -> Void

    private var compressor: StreamCompressor
    private var checksum = RunningDigest()
    private var chain: RunningDigest
    private var object = RunningDigest()
    private var look = LongLineLook()

    /// - Parameter sink: takes the object's bytes in order; its error ends the line.
    package init(
        at start: SegmentStart, codec: Codec, level: Int = 6, rules: String, key: MachineKey,
        sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws(SegmentError) {
        self.start = start
        self.codec = codec
        self.rules = rules
        self.key = key
        self.sink = sink
        compressor = try StreamCompressor(codec: codec, level: level)
        chain = start.chain
    }

    /// Uncompressed.
    package var bytes: Int64 { Int64(checksum.count) }
    /// Of the object, so far.
    package var storedBytes: Int64 { Int64(object.count) }

    package mutating func append(_ piece: borrowing RedactedPiece) throws(SegmentError) {
        checksum.update(piece.bytes)
        chain.update(piece.bytes)
        look.feed(piece.bytes)
        try compress(piece.bytes, ends: false)
    }

    /// Completes the object and seals it.
    ///
    /// - Parameters:
    ///   - cut: what the line's kind does not say: a compacted line makes a checkpoint, an end line the end.
    ///   - temporary: the file that `sink` wrote into.
    package consuming func finish(
        _ source: LongLineSource, cut: CutReason = .bytes, partial: Bool = false, in temporary: SpoolTemporaryID
    ) throws(SegmentError) -> SealedSegment {
        precondition(source.offset == start.sourceOffset, "the long line is the segment's")
        try compress(UnsafeRawBufferPointer(start: nil, count: 0), ends: true)
        let kind = look.kind
        let reason: CutReason =
            switch kind {
            case .plain: cut
            case .checkpoint: .checkpoint
            case .end: .end
            }
        let time = look.timestamp?.seconds
        let record = SegmentRecord(
            stream: start.stream, generation: start.generation, seq: start.seq, firstLine: start.firstLine, lines: 1,
            sourceOffset: start.sourceOffset, sourceBytes: source.bytes, sourceMAC: key.mac(of: source.digest),
            bytes: bytes, storedBytes: storedBytes, checksum: checksum.digest(), objectChecksum: object.digest(),
            chain: chain.digest(), codec: codec, cut: partial ? cut : reason, partial: partial, rules: rules,
            redactions: source.redactions, anomalies: look.anomalies,
            members: [MemberIndex(firstLine: start.firstLine, uncompressedOffset: 0, objectOffset: 0)],
            firstTS: time, lastTS: time)
        var checkpoint: CheckpointRecord?
        if case .checkpoint(let detail) = kind, !partial { checkpoint = CheckpointRecord(detail, endOf: record) }
        return SealedSegment(
            record: record, checkpoint: checkpoint, object: .spooled(temporary),
            next: SegmentStart(after: record, at: start, chain: chain))
    }

    private mutating func compress(_ bytes: UnsafeRawBufferPointer, ends: Bool) throws(SegmentError) {
        let sink = sink
        var digest = object
        try compressor.feed(bytes, ends: ends) { out throws(SegmentError) in
            digest.update(out)
            do {
                try sink(out)
            } catch {
                throw SegmentError(.sink, "could not store a part of a long line", cause: error)
            }
        }
        object = digest
    }
}

/// What `LineScanner` would say of a line that comes in pieces, except for invalid UTF-8, which is not looked for here.
private struct LongLineLook {
    private static let endLength = 64

    private var scanner = TopLevelScanner()
    private var hasNUL = false
    private var head: [UInt8] = []
    private var tail: [UInt8] = []

    mutating func feed(_ piece: UnsafeRawBufferPointer) {
        scanner.feed(piece)
        if ByteGlance.over(piece).contains(.nul) { hasNUL = true }
        let front = piece.prefix(LongLineLook.endLength - head.count)
        head.append(contentsOf: front)
        tail.append(contentsOf: piece[front.endIndex...].suffix(LongLineLook.endLength))
        tail.removeFirst(max(0, tail.count - LongLineLook.endLength))
    }

    var kind: LineKind { LineScanner.kind(of: scanner) }
    var timestamp: WallTime? { LineScanner.timestamp(of: scanner) }

    var anomalies: [String: Int] {
        var seen: LineOddities = []
        (head + tail).withUnsafeBytes { LineScanner.lookAtEnds($0, &seen) }
        if hasNUL { seen.insert(.nul) }
        if scanner.isGlued { seen.insert(.glued) }
        return LineOddities.counted(LineOddities.names.indices.map { seen.rawValue & 1 << $0 == 0 ? 0 : 1 })
    }
}
