package import Digests
package import Redaction
package import Shared

/// Makes a segment's lines anew by the rules in force, from what was stored of them: the same lines under the same numbers, without
/// what older rules had left in them.
///
/// The result stands for the same range of the source and has the old one's number, cut, times and anomalies; members, digests and
/// the text that was learnt of a checkpoint are made again. What had been removed before stays removed. The digest of the
/// generation so far is not known any more, unless the segment begins it.
///
/// An object is read twice: first only to see whether any byte of it changes, which is seldom.
package struct SegmentRewriter: Sendable {
    private let redactor: Redactor
    private let key: MachineKey
    private let level: Int
    private let memberBytes: Int

    package init(redactor: Redactor, key: MachineKey, level: Int, memberBytes: Int) {
        self.redactor = redactor
        self.key = key
        self.level = level
        self.memberBytes = memberBytes
    }

    /// Whether any byte of the object is another by the rules in force.
    ///
    /// - Parameter isLong: it is one line that is not to be held in memory.
    package func changes(
        _ record: SegmentRecord, object: some ObjectBytes, isLong: Bool
    ) throws(SegmentError) -> Bool {
        var reader = try MemberReader(SegmentOutline(record), object: object)
        guard isLong else {
            var lines = StoredLines()
            var isChanged = false
            // Read to the end in any case: only then is it known to be whole.
            while let piece = try reader.next() {
                lines.take(piece) { line in isChanged = isChanged || changes(line) }
            }
            lines.end { line in isChanged = isChanged || changes(line) }
            return isChanged
        }
        var long = redactor.beginLong(offset: record.sourceOffset)
        var checksum = RunningDigest()
        while let piece = try reader.next() { long.pass(piece) { checksum.update($0.bytes) } }
        _ = long.finish { checksum.update($0.bytes) }
        return long.isFailed || checksum.digest() != record.checksum
    }

    private func changes(_ line: UnsafeRawBufferPointer) -> Bool {
        redactor.redact(RawLine(bytes: line, offset: 0, terminated: line.last == 0x0A)) { redacted in
            !redacted.bytes.elementsEqual(line)
        }
    }

    /// - Parameter checkpoint: the one at its end.
    package func rewritten(
        _ old: SegmentRecord, checkpoint: CheckpointRecord?, object: some ObjectBytes
    ) throws(SegmentError) -> SealedSegment {
        var reader = try MemberReader(SegmentOutline(old), object: object)
        var lines = StoredLines()
        var work = Work(
            SegmentWriter(
                at: Self.start(of: old), compressors: CompressorPool(codec: old.codec, level: level, keeping: 1),
                rules: redactor.rules, key: key, memberBytes: memberBytes))
        while let piece = try reader.next() { lines.take(piece) { line in work.take(line, through: redactor) } }
        lines.end { line in work.take(line, through: redactor) }
        guard work.lines == old.lines else {
            throw .damaged(old.objectPath, at: 0, "it holds \(work.lines) lines instead of \(old.lines)")
        }
        let (redactions, withheld, last) = (work.redactions, work.withheld, work.last)
        let sealed = try work.finish(old)
        return settled(
            sealed, for: old, checkpoint?.telling(last), redactions: redactions, withheld: withheld)
    }

    /// The same for one line that is too long to be held.
    ///
    /// - Parameters:
    ///   - temporary: the file that `sink` writes into.
    /// - Returns: a segment with its object in `temporary`, or with another line in its place, when the rules could not be
    ///   applied: then nothing becomes of the file.
    package func rewrittenLong(
        _ old: SegmentRecord, checkpoint: CheckpointRecord?, object: some ObjectBytes, in temporary: SpoolTemporaryID,
        sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws(SegmentError) -> SealedSegment {
        var reader = try MemberReader(SegmentOutline(old), object: object)
        var redactor = self.redactor.beginLong(offset: old.sourceOffset)
        var writer = try LongLineWriter(
            at: Self.start(of: old), codec: old.codec, level: level, rules: self.redactor.rules, key: key, sink: sink)
        var isTerminated = false
        while let piece = try reader.next() {
            isTerminated = piece.last == 0x0A
            try redactor.pass(piece) { redacted throws(SegmentError) in try writer.append(redacted) }
        }
        let source = try redactor.finish { redacted throws(SegmentError) in try writer.append(redacted) }
        guard redactor.isFailed else {
            let sealed = try writer.finish(source, cut: old.cut, partial: old.partial, in: temporary)
            return settled(
                sealed, for: old, checkpoint?.telling(sealed.checkpoint.map(CheckpointDetail.init)),
                redactions: source.redactions, withheld: 0)
        }
        var short = SegmentWriter(
            at: Self.start(of: old), compressors: CompressorPool(codec: old.codec, level: level, keeping: 1),
            rules: self.redactor.rules, key: key, memberBytes: memberBytes)
        redactor.withhold(.redactionFailed, terminated: isTerminated) { line in short.append(line, LineLook()) }
        let sealed = try short.finish(old.cut, partial: old.partial)
        return settled(sealed, for: old, checkpoint?.telling(nil), redactions: [:], withheld: 1)
    }

    private static func start(of old: SegmentRecord) -> SegmentStart {
        SegmentStart(
            stream: old.stream, generation: old.generation, seq: old.seq, firstLine: old.firstLine,
            sourceOffset: old.sourceOffset)
    }

    private func settled(
        _ sealed: SealedSegment, for old: SegmentRecord, _ checkpoint: CheckpointRecord?, redactions: [String: Int],
        withheld: Int
    ) -> SealedSegment {
        var record = sealed.record
        record.sourceBytes = old.sourceBytes
        record.sourceMAC = old.sourceMAC
        record.sourceParts = old.sourceParts
        record.cut = old.cut
        record.partial = old.partial
        record.firstTS = old.firstTS
        record.lastTS = old.lastTS
        record.redactions = old.redactions.merging(redactions, uniquingKeysWith: +)
        record.anomalies = old.anomalies
        if withheld > 0 { record.anomalies["withheld", default: 0] += withheld }
        record.chain = record.firstLine == 1 ? record.checksum : SegmentRecord.unknownChain
        return SealedSegment(record: record, checkpoint: checkpoint, object: sealed.object, next: nil)
    }

    /// A segment that grows from stored lines.
    private struct Work: ~Copyable {
        private var writer: SegmentWriter
        private var offset: Int64
        private(set) var lines = 0
        private(set) var redactions: [String: Int] = [:]
        private(set) var withheld = 0
        /// What the last line says of a checkpoint, if it is one.
        private(set) var last: CheckpointDetail?

        init(_ writer: consuming SegmentWriter) {
            offset = writer.sourceEnd
            self.writer = writer
        }

        mutating func take(_ line: UnsafeRawBufferPointer, through redactor: Redactor) {
            let raw = RawLine(bytes: line, offset: offset, terminated: line.last == 0x0A)
            redactor.redact(raw) { redacted in
                // Markers of older rules that are found again change nothing.
                if !redacted.bytes.elementsEqual(line) {
                    for (type, count) in redacted.redactions { redactions[type, default: 0] += count }
                }
                if redacted.withheld != nil { withheld += 1 }
                last = nil
                if case .checkpoint(let detail) = LineScanner.look(at: redacted.bytes).kind { last = detail }
                // The old segment says what is odd about its lines, and where it ends.
                writer.append(redacted, LineLook())
            }
            offset += Int64(line.count)
            lines += 1
        }

        consuming func finish(_ old: SegmentRecord) throws(SegmentError) -> SealedSegment {
            try writer.finish(old.cut, partial: old.partial)
        }
    }
}

/// Lines of a segment that comes in pieces.
private struct StoredLines: ~Copyable {
    /// The beginning of a line whose end is in a later piece.
    private var rest = RawBuffer()

    mutating func take(_ piece: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        var from = 0
        while let end = piece.firstNewline(from: from) {
            let line = UnsafeRawBufferPointer(rebasing: piece[from..<end])
            if rest.isEmpty {
                body(line)
            } else {
                rest.append(line)
                body(rest.bytes)
                rest.removeAll()
            }
            from = end
        }
        rest.append(UnsafeRawBufferPointer(rebasing: piece[from...]))
    }

    /// Gives what is left: a line without its end.
    mutating func end(_ body: (UnsafeRawBufferPointer) -> Void) {
        if !rest.isEmpty { body(rest.bytes) }
        rest.removeAll()
    }
}

extension CheckpointDetail {
    fileprivate init(_ record: CheckpointRecord) {
        self.init(label: record.label, git: record.git, branch: record.branch, payload: record.payload)
    }
}

extension CheckpointRecord {
    /// The same place, with what its line says now; `nil`: nothing.
    fileprivate func telling(_ detail: CheckpointDetail?) -> CheckpointRecord {
        var told = self
        told.label = detail?.label
        told.git = detail?.git
        told.branch = detail?.branch
        told.payload = detail?.payload
        return told
    }
}
