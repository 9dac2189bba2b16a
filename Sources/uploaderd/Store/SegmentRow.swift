import Shared

/// A row of `segments`, with what one store knows of it where a query asked for that.
struct SegmentRow {
    enum State: Int {
        case spooled, retired, lost, gap
    }

    var id: SegmentID
    var streamRow: Int64
    var state: State
    /// `chain` is `unknownChain` where `isChainKnown` is false.
    var record: SegmentRecord
    var isChainKnown: Bool
    var supersededBy: SegmentID?
    /// What goes before the object in the spool file.
    var headerBytes: Int64
    var sealedAt: WallTime
    var reason: String?
    /// Fields of a manifest's entry that a newer version wrote.
    var extra: [String: JSONValue]
    var copy: CopyRow?
    /// Why the store asked for will never take it as it is, or is not to have it; `nil`: nothing of the kind.
    var aside: String?

    var sourceEnd: Int64 { record.sourceOffset + record.sourceBytes }
    var fileBytes: Int64 { headerBytes + record.storedBytes }

    func isSameRange(as other: SegmentRecord) -> Bool {
        record.generation == other.generation && record.sourceOffset == other.sourceOffset
            && record.sourceBytes == other.sourceBytes
    }

    /// Stands where the digest of a generation's bytes so far is not known: rows taken up from a manifest.
    static let unknownChain = SegmentRecord.unknownChain
}

/// A row of `copies`.
struct CopyRow {
    enum State: Int {
        case waiting, claimed, stored, stray, missing, damaged
    }

    var state: State
    var isListed: Bool

    /// Whether there was an object of ours, and nobody else has taken it away.
    var wasPut: Bool {
        switch state {
        case .stored, .stray, .missing, .damaged: true
        case .waiting, .claimed: false
        }
    }
    /// Whether the store said that it has it, be it found since that it does not.
    var hasReceipt: Bool { wasPut && state != .stray }
}

extension Catalog {
    /// In the order that `segmentRow` reads; `s` is segments, `t` streams, `e` sessions.
    private static let columns = """
        s.id, s.stream_id, s.generation, s.seq, s.first_line, s.lines, s.source_offset, s.source_bytes, s.source_mac, \
        s.bytes, s.stored_bytes, s.checksum, s.object_checksum, s.chain, s.codec, s.cut, s.partial, s.rules, \
        s.redactions, s.anomalies, s.members, s.first_ts, s.last_ts, s.extra, s.state, s.superseded_by, s.sealed_at, \
        s.header_bytes, s.reason, s.source_parts, s.row_check
        """
    /// Those of them that do not change while the row is there, and the digest behind it: they have a check.
    private static let checked = [Int32](1...16) + [Int32](18...23) + [27, 29]
    private static let tables = "segments s JOIN streams t ON t.id = s.stream_id JOIN sessions e ON e.id = t.session_id"

    func segment(_ id: SegmentID) throws(StoreError) -> SegmentRow? {
        try row("SELECT \(Self.columns), e.sid, t.name FROM \(Self.tables) WHERE s.id = ?1", id) {
            (row) throws(StoreError) in try Self.segmentRow(row, stream: Self.key(row, 31, 32))
        }
    }

    /// Rows of a stream in the order of the source: generation, offset, age.
    func segments(of stream: StreamRow) throws(StoreError) -> [SegmentRow] {
        try rows(
            """
            SELECT \(Self.columns) FROM segments s WHERE s.stream_id = ?1 ORDER BY s.generation, s.source_offset, s.id
            """, stream.id
        ) { (row) throws(StoreError) in try Self.segmentRow(row, stream: stream.key) }
    }

    /// The same with what `store` knows of each. Superseded rows of which nothing is there are left out.
    func segments(of stream: StreamRow, at store: Int64) throws(StoreError) -> [SegmentRow] {
        try rows(
            """
            SELECT \(Self.columns), c.state, c.listed, q.reason FROM segments s
            LEFT JOIN copies c ON c.segment_id = s.id AND c.store_id = ?2
            LEFT JOIN quarantine q ON q.segment_id = s.id AND q.store_id = ?2
            WHERE s.stream_id = ?1 AND (s.superseded_by IS NULL OR c.state IS NOT NULL OR EXISTS
                (SELECT 1 FROM segments p WHERE p.superseded_by = s.id))
            ORDER BY s.generation, s.source_offset, s.id
            """, stream.id, store
        ) { (row) throws(StoreError) in
            var segment = try Self.segmentRow(row, stream: stream.key)
            if let state = CopyRow.State(rawValue: row.int(31)), !row.isNull(31) {
                segment.copy = CopyRow(state: state, isListed: row.bool(32))
            }
            segment.aside = row.optionalText(33)
            return segment
        }
    }

    /// Live ones that are lost, of the cursor's generation, from it on.
    func lostSegments(of stream: StreamRow, from cursor: StreamCursor) throws(StoreError) -> [SegmentRow] {
        try rows(
            """
            SELECT \(Self.columns) FROM segments s INDEXED BY segments_lost
            WHERE s.state = 2 AND s.superseded_by IS NULL AND s.stream_id = ?1 AND s.generation = ?2
                AND s.source_offset >= ?3 ORDER BY s.source_offset
            """, stream.id, cursor.generation, cursor.offset
        ) { (row) throws(StoreError) in try Self.segmentRow(row, stream: stream.key) }
    }

    /// Live rows of a generation whose source ranges begin in `offsets`, in order. A gap is live too.
    func live(_ stream: StreamRow, generation: Int, from: Int64, to: Int64) throws(StoreError) -> [SegmentRow] {
        try rows(
            """
            SELECT \(Self.columns) FROM segments s WHERE s.stream_id = ?1 AND s.generation = ?2
            AND s.source_offset >= ?3 AND s.source_offset < ?4 AND s.superseded_by IS NULL
            ORDER BY s.source_offset, s.id
            """, stream.id, generation, from, to
        ) { (row) throws(StoreError) in try Self.segmentRow(row, stream: stream.key) }
    }

    /// Live rows that end in the segment, so that it replaces them.
    ///
    /// - Parameter isRecut: where lines are cut again, the beginning of an old row may lie in the segment before this one.
    func covered(by record: SegmentRecord, of stream: StreamRow, isRecut: Bool) throws(StoreError) -> [SegmentRow] {
        try live(
            stream, generation: record.generation, from: isRecut ? 0 : record.sourceOffset, to: record.sourceEnd
        ).filter { $0.sourceEnd > record.sourceOffset && $0.sourceEnd <= record.sourceEnd }
    }

    /// The live row that begins last at or before `offset`.
    func live(_ stream: StreamRow, generation: Int, atOrBefore offset: Int64) throws(StoreError) -> SegmentRow? {
        try row(
            """
            SELECT \(Self.columns) FROM segments s WHERE s.stream_id = ?1 AND s.generation = ?2
            AND s.source_offset <= ?3 AND s.superseded_by IS NULL ORDER BY s.source_offset DESC, s.id DESC LIMIT 1
            """, stream.id, generation, offset
        ) { (row) throws(StoreError) in try Self.segmentRow(row, stream: stream.key) }
    }

    /// The row with exactly this name.
    func segment(named record: SegmentRecord, of stream: StreamRow) throws(StoreError) -> SegmentRow? {
        try row(
            """
            SELECT \(Self.columns) FROM segments s WHERE s.stream_id = ?1 AND s.seq = ?2 AND s.object_checksum = ?3
            """, stream.id, record.seq, record.objectChecksum
        ) { (row) throws(StoreError) in try Self.segmentRow(row, stream: stream.key) }
    }

    /// Live rows with the number that have bytes, or had: no gap.
    func live(_ stream: StreamRow, seq: Int) throws(StoreError) -> [SegmentRow] {
        try rows(
            """
            SELECT \(Self.columns) FROM segments s
            WHERE s.stream_id = ?1 AND s.seq = ?2 AND s.superseded_by IS NULL AND s.state <> 3
            """, stream.id, seq
        ) { (row) throws(StoreError) in try Self.segmentRow(row, stream: stream.key) }
    }

    /// What the row has replaced, in the order of the source.
    func parts(of id: SegmentID, stream: StreamRow) throws(StoreError) -> [SegmentRow] {
        try rows("SELECT \(Self.columns) FROM segments s WHERE s.superseded_by = ?1", id) {
            (row) throws(StoreError) in try Self.segmentRow(row, stream: stream.key)
        }.sorted { ($0.record.sourceOffset, $0.id.rawValue) < ($1.record.sourceOffset, $1.id.rawValue) }
    }

    /// Every row whose file should be in the spool.
    func spooled() throws(StoreError) -> [SegmentRow] {
        try rows(
            "SELECT \(Self.columns), e.sid, t.name FROM \(Self.tables) WHERE s.state = 0 ORDER BY s.id"
        ) { (row) throws(StoreError) in try Self.segmentRow(row, stream: Self.key(row, 31, 32)) }
    }

    /// Adds a row; the caller adds its copies and moves the cursor.
    func insert(
        _ record: SegmentRecord, stream: StreamRow, state: SegmentRow.State, chain: Digest256?, headerBytes: Int,
        sealedAt: WallTime, supersededBy: SegmentID? = nil, extra: [String: JSONValue] = [:]
    ) throws(StoreError) -> SegmentID {
        func optional(_ value: [String: Int]) throws(StoreError) -> String? {
            value.isEmpty ? nil : try jsonText(value)
        }
        try run(
            """
            INSERT INTO segments (stream_id, generation, seq, first_line, lines, source_offset, source_bytes,
                source_mac, bytes, stored_bytes, checksum, object_checksum, chain, codec, cut, partial, rules,
                redactions, anomalies, members, first_ts, last_ts, extra, state, superseded_by, sealed_at, header_bytes, source_parts)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                ?22, ?23, ?24, ?25, ?26, ?27, ?28)
            """, stream.id, record.generation, record.seq, record.firstLine, record.lines, record.sourceOffset,
            record.sourceBytes, record.sourceMAC, record.bytes, record.storedBytes, record.checksum,
            record.objectChecksum, chain, record.codec.rawValue, record.cut.rawValue, record.partial, record.rules,
            try optional(record.redactions), try optional(record.anomalies),
            record.members.count > 1 ? try jsonText(record.members) : nil, record.firstTS, record.lastTS,
            extra.isEmpty ? nil : try jsonText(extra), state.rawValue, supersededBy, sealedAt, headerBytes,
            try record.sourceParts.map(jsonText))
        let id = SegmentID(rawValue: lastRow)
        try noteCheck(of: id)
        return id
    }

    /// The digest behind a segment, known only later.
    func setChain(of id: SegmentID, to digest: Digest256) throws(StoreError) {
        try run("UPDATE segments SET chain = ?2 WHERE id = ?1", id, digest)
        try noteCheck(of: id)
    }

    func noteCheck(of id: SegmentID) throws(StoreError) {
        let check = try row("SELECT \(Self.columns) FROM segments s WHERE s.id = ?1", id) {
            (row) throws(StoreError) in row.check(of: Self.checked)
        }
        try run("UPDATE segments SET row_check = ?2 WHERE id = ?1", id, check)
    }

    func checkpoints(of id: SegmentID) throws(StoreError) -> [CheckpointRecord] {
        try rows("SELECT record FROM checkpoints WHERE segment_id = ?1 ORDER BY line", id) {
            (row) throws(StoreError) in try row.json(0, CheckpointRecord.self)
        }
    }

    func insert(_ checkpoint: CheckpointRecord, of id: SegmentID) throws(StoreError) {
        try run(
            "INSERT OR REPLACE INTO checkpoints (segment_id, line, record) VALUES (?1, ?2, ?3)", id, checkpoint.line,
            try jsonText(checkpoint))
    }

    private static func key(_ row: Row, _ session: Int32, _ stream: Int32) throws(StoreError) -> StreamKey {
        StreamKey(session: try row.session(session), stream: try row.stream(stream))
    }

    private static func segmentRow(_ row: Row, stream: StreamKey) throws(StoreError) -> SegmentRow {
        let firstLine = row.int(4)
        let chain = try row.isNull(13) ? nil : row.digest(13)
        var record = SegmentRecord(
            stream: stream, generation: row.int(2), seq: row.int(3), firstLine: firstLine, lines: row.int(5),
            sourceOffset: row.int64(6), sourceBytes: row.int64(7), sourceMAC: try row.digest(8), bytes: row.int64(9),
            storedBytes: row.int64(10), checksum: try row.digest(11), objectChecksum: try row.digest(12),
            chain: chain ?? SegmentRow.unknownChain,
            codec: try row.value(14) { (text) in Codec(rawValue: text) },
            cut: try row.value(15) { (text) in CutReason(rawValue: text) }, partial: row.bool(16), rules: row.text(17),
            redactions: try row.isNull(18) ? [:] : row.json(18, [String: Int].self),
            anomalies: try row.isNull(19) ? [:] : row.json(19, [String: Int].self),
            members: try row.isNull(20)
                ? [MemberIndex(firstLine: firstLine, uncompressedOffset: 0, objectOffset: 0)]
                : row.json(20, [MemberIndex].self),
            firstTS: row.optionalInt64(21), lastTS: row.optionalInt64(22))
        if !row.isNull(29) { record.sourceParts = try row.json(29, [SourcePart].self) }
        guard row.isNull(30) || row.int64(30) == row.check(of: checked) else {
            throw StoreError(.corrupt, "the catalog's row of \(record.objectPath) is not what was written")
        }
        return SegmentRow(
            id: row.segment(0), streamRow: row.int64(1), state: try SegmentRow.State(row.int(24), of: row.segment(0)),
            record: record, isChainKnown: chain != nil,
            supersededBy: row.optionalInt64(25).map(SegmentID.init(rawValue:)), headerBytes: row.int64(27),
            sealedAt: WallTime(nanoseconds: row.int64(26)), reason: row.optionalText(28),
            extra: try row.isNull(23) ? [:] : row.json(23, [String: JSONValue].self), copy: nil)
    }
}
