package import Digests
private import Glibc
package import Redaction
package import Shared

/// One growing segment: redacted lines in, members out, a sealed segment at the end.
///
/// The object is a sequence of members, each the compression of whole lines, together about 256 KiB of them; a longer
/// line is a member of its own. Nothing stands before, between or behind the members:
///
///     object        member 1 (lines 1–171)  member 2 (line 172, 300 KiB)  member 3 (lines 173–201)
///     members       [[1, 0, 0], [172, 261904, 41233], [173, 569131, 93702]]     line, uncompressed offset, object offset
///
/// Valid: every member decompresses alone, each begins at a line's first byte, and their contents, joined, have the
/// record's size and checksum. So a concatenation of objects of one codec is an object, and any line is one ranged read.
///
/// Costs per byte: one copy into the member's buffer, one SHA-256 pass (a second one for the chain, unless the segment
/// begins its generation), the compressor, and SHA-256 over the object. Holds the open member and the object in memory.
/// One writer serves a stream for as long as it is busy; a stream that rests has none.
package struct SegmentWriter: ~Copyable {
    private var start: SegmentStart
    private let compressors: CompressorPool
    private let rules: String
    private let key: MachineKey
    private let memberBytes: Int

    private var member = RawBuffer()
    private var memberFirstLine: Int
    private var object = RawBuffer()
    private var members: [MemberIndex] = []
    private var checksum = RunningDigest()
    private var chain: RunningDigest
    /// Runs beside `checksum` from the first line on that is not stored as it was.
    private var source: RunningDigest?
    private var closedBytes: Int64 = 0
    private var sourceBytes: Int64 = 0
    private var redactions: [String: Int] = [:]
    private var oddities = [Int](repeating: 0, count: LineOddities.names.count)
    private var firstTS: Int64?
    private var lastTS: Int64?
    private var detail: CheckpointDetail?
    private var standsAlone = false
    private var failure: SegmentError?

    package private(set) var lines = 0

    package init(
        at start: SegmentStart, compressors: CompressorPool, rules: String, key: MachineKey,
        memberBytes: Int = 256 << 10
    ) {
        self.start = start
        self.compressors = compressors
        self.rules = rules
        self.key = key
        self.memberBytes = memberBytes
        memberFirstLine = start.firstLine
        chain = start.chain
    }

    package var isEmpty: Bool { lines == 0 }

    /// Uncompressed.
    package var bytes: Int64 { closedBytes + Int64(member.count) }

    /// Memory that is held for the segment now.
    package var heldBytes: Int { member.capacity + object.capacity }

    /// Where the source goes on behind the last line.
    package var sourceEnd: Int64 { start.sourceOffset + sourceBytes }

    package mutating func append(_ line: borrowing RedactedLine) {
        append(line, LineScanner.look(at: line.bytes))
    }

    /// Takes the next line. A failure of the compressor is kept for `finish`.
    ///
    /// - Parameter look: what `LineScanner` says of this very line.
    package mutating func append(_ line: borrowing RedactedLine, _ look: LineLook) {
        precondition(line.sourceOffset == sourceEnd, "lines of a segment follow each other")
        precondition(detail == nil && !standsAlone, "nothing follows a checkpoint or a line that stands alone")
        if !line.isVerbatim || source != nil { noteSource(of: line) }
        if !member.isEmpty, member.count + line.bytes.count > memberBytes { closeMember() }
        member.append(line.bytes)
        lines += 1
        sourceBytes += line.sourceBytes
        if !look.oddities.isEmpty { count(look.oddities) }
        if line.withheld != nil { count(.withheld) }
        for (type, count) in line.redactions { redactions[type, default: 0] += count }
        if case .checkpoint(let found) = look.kind { detail = found }
        if member.count >= memberBytes { closeMember() }
    }

    /// Seals what was taken, and begins the stream's next segment, whose memory is this one's.
    ///
    /// There is at least one line. After an error the writer is spent: its lines are to be cut again.
    ///
    /// - Parameter partial: the segment is one line whose end the source does not have. The next segment begins at that
    ///   line again.
    package mutating func seal(_ cut: CutReason, partial: Bool = false) throws(SegmentError) -> SealedSegment {
        precondition(lines > 0, "a segment has a line")
        precondition(!partial || lines == 1, "a partial segment is one line")
        if !member.isEmpty { closeMember() }
        if let failure { throw failure }
        let whole = checksum.digest()
        let chained = start.chain.count == 0 ? checksum : chain
        let record = SegmentRecord(
            stream: start.stream, generation: start.generation, seq: start.seq, firstLine: start.firstLine,
            lines: lines, sourceOffset: start.sourceOffset, sourceBytes: sourceBytes,
            sourceMAC: key.mac(of: source?.digest() ?? whole), bytes: closedBytes, storedBytes: Int64(object.count),
            checksum: whole, objectChecksum: RunningDigest.digest(of: object.bytes), chain: chained.digest(),
            codec: compressors.codec, cut: cut, partial: partial, rules: rules, redactions: redactions,
            anomalies: LineOddities.counted(oddities), members: members, firstTS: firstTS, lastTS: lastTS)
        let checkpoint = partial ? nil : detail.map { CheckpointRecord($0, endOf: record) }
        let next = SegmentStart(after: record, at: start, chain: chained)
        let bytes = [UInt8](object.bytes)
        begin(at: next)
        return SealedSegment(record: record, checkpoint: checkpoint, object: .bytes(bytes), next: next)
    }

    /// Seals the last segment that this writer makes.
    package consuming func finish(_ cut: CutReason, partial: Bool = false) throws(SegmentError) -> SealedSegment {
        var last = self
        return try last.seal(cut, partial: partial)
    }

    private mutating func begin(at start: SegmentStart) {
        self.start = start
        member.removeAll()
        memberFirstLine = start.firstLine
        object.removeAll()
        members = []
        checksum = RunningDigest()
        chain = start.chain
        source = nil
        closedBytes = 0
        sourceBytes = 0
        redactions = [:]
        for bit in oddities.indices { oddities[bit] = 0 }
        firstTS = nil
        lastTS = nil
        detail = nil
        standsAlone = false
        lines = 0
    }

    private mutating func noteSource(of line: borrowing RedactedLine) {
        // Until here the source was what is stored: the checksum so far is the source's too.
        var digest = source ?? checksum
        if source == nil { digest.update(member.bytes) }
        line.digestSource(into: &digest)
        source = digest
        standsAlone = line.standsAlone
    }

    private mutating func closeMember() {
        let bytes = member.bytes
        members.append(
            MemberIndex(
                firstLine: memberFirstLine, uncompressedOffset: closedBytes, objectOffset: Int64(object.count)))
        checksum.update(bytes)
        if start.chain.count > 0 { chain.update(bytes) }
        noteTimestamps(in: bytes)
        if failure == nil {
            do throws(SegmentError) {
                try compressors.compress(bytes, into: &object)
            } catch {
                failure = error
            }
        }
        closedBytes += Int64(bytes.count)
        memberFirstLine = start.firstLine + lines
        member.removeAll()
    }

    /// The first of the segment is looked for from the front until found, the last from the back of each member: two
    /// lines a member, not every line.
    private mutating func noteTimestamps(in bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, memmem(base, bytes.count, "\"timestamp\"", 11) != nil else { return }
        var from = 0
        while firstTS == nil, from < bytes.count {
            let end = memchr(base + from, 0x0A, bytes.count - from).map { UnsafeRawPointer($0) - base + 1 }
            let line = from..<(end ?? bytes.count)
            firstTS = LineScanner.timestamp(of: UnsafeRawBufferPointer(rebasing: bytes[line]))?.seconds
            from = line.upperBound
        }
        var end = bytes.count
        while end > 0 {
            let before = memrchr(base, 0x0A, end - 1).map { UnsafeRawPointer($0) - base + 1 } ?? 0
            if let time = LineScanner.timestamp(of: UnsafeRawBufferPointer(rebasing: bytes[before..<end])) {
                lastTS = time.seconds
                return
            }
            end = before
        }
    }

    private mutating func count(_ seen: LineOddities) {
        for bit in oddities.indices where seen.rawValue & 1 << bit != 0 { oddities[bit] += 1 }
    }
}

extension LineOddities {
    /// - Parameter counts: by bit.
    static func counted(_ counts: [Int]) -> [String: Int] {
        var named: [String: Int] = [:]
        for (bit, count) in counts.enumerated() where count > 0 { named[names[bit]] = count }
        return named
    }
}

extension SegmentStart {
    init(after record: SegmentRecord, at start: SegmentStart, chain: RunningDigest) {
        self = start
        seq += 1
        if !record.partial {
            firstLine += record.lines
            sourceOffset += record.sourceBytes
            self.chain = chain
        }
    }
}

extension CheckpointRecord {
    /// The checkpoint whose line is the last of the segment.
    init(_ detail: CheckpointDetail, endOf record: SegmentRecord) {
        self.init(
            stream: record.stream, generation: record.generation, seq: record.seq, lineIndex: record.lines,
            line: record.firstLine + record.lines - 1, ts: record.lastTS ?? 0, label: detail.label, git: detail.git,
            branch: detail.branch, payload: detail.payload)
    }
}
