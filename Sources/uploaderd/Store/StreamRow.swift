import Shared

/// A row of `streams`.
struct StreamRow {
    var id: Int64
    var sessionRow: Int64
    var cursor: StreamCursor
    /// `nil` for a stream that is known only from a manifest.
    var source: SourceInfo?
    var kind: String
    var agentID: String?
    /// Whether marks and chain belong to the cursor; if not the source is to be checked, and they are to be rebuilt.
    var isVerified: Bool
    /// Where our own segments of generation 1 begin, after another program's.
    var baseOffset: Int64
    var baseLine: Int
    /// After the cursor went back: where the rows behind it end. Before that place new segments overlap with old ones.
    var recutEnd: Int64
    var totals: StreamTotals

    var key: StreamKey { cursor.stream }
}

/// Sums over the live segments of a stream.
struct StreamTotals {
    var segments: Int
    var lines: Int
    var bytes: Int64
    var storedBytes: Int64
}

extension Catalog {
    private static let columns = """
        t.id, t.session_id, t.name, e.sid, t.kind, t.agent, t.root, t.path, t.agent_id, t.generation, t.offset, \
        t.line, t.next_seq, t.head_length, t.head_mac, t.tail_length, t.tail_mac, t.device, t.inode, t.birth, \
        t.chain_state, t.partial_end, t.verified, t.base_offset, t.base_line, t.segments, t.lines, t.bytes, \
        t.stored_bytes, t.recut_end
        """
    private static let tables = "streams t JOIN sessions e ON e.id = t.session_id"

    func stream(_ key: StreamKey) throws(StoreError) -> StreamRow? {
        try row(
            "SELECT \(Self.columns) FROM \(Self.tables) WHERE e.sid = ?1 AND t.name = ?2", key.session, key.stream,
            read: Self.streamRow)
    }

    func stream(_ id: Int64) throws(StoreError) -> StreamRow? {
        try row("SELECT \(Self.columns) FROM \(Self.tables) WHERE t.id = ?1", id, read: Self.streamRow)
    }

    /// The streams of a session, main first, then by name.
    func streams(of sessionRow: Int64) throws(StoreError) -> [StreamRow] {
        try rows(
            "SELECT \(Self.columns) FROM \(Self.tables) WHERE t.session_id = ?1 ORDER BY t.name <> 'main', t.name",
            sessionRow, read: Self.streamRow)
    }

    /// The stream whose source this was last.
    func stream(root: String, relativePath: String) throws(StoreError) -> StreamRow? {
        try row(
            "SELECT \(Self.columns) FROM \(Self.tables) WHERE t.root = ?1 AND t.path = ?2 ORDER BY t.id DESC LIMIT 1",
            root, relativePath, read: Self.streamRow)
    }

    /// The streams that this file gave lines to last, by whatever path. Device numbers change over reboots.
    func streams(ofFile file: FileIdentity) throws(StoreError) -> [StreamRow] {
        try rows(
            "SELECT \(Self.columns) FROM \(Self.tables) WHERE t.inode = ?1 AND t.birth = ?2 ORDER BY t.id LIMIT 8",
            Int64(bitPattern: file.inode), file.birth, read: Self.streamRow)
    }

    /// The streams that begin with these bytes, of which the most was taken first. Many may: files are copied.
    func streams(beginningWith head: Digest256) throws(StoreError) -> [StreamRow] {
        try rows(
            "SELECT \(Self.columns) FROM \(Self.tables) WHERE t.head_mac = ?1 ORDER BY t.offset DESC LIMIT 64", head,
            read: Self.streamRow)
    }

    func sessionRow(_ session: SessionID) throws(StoreError) -> Int64? {
        try row("SELECT id FROM sessions WHERE sid = ?1", session) { (row) throws(StoreError) in row.int64(0) }
    }

    /// The session's row, made if there is none.
    func ensureSession(_ session: SessionID, facts: SessionFacts, at now: WallTime) throws(StoreError) -> Int64 {
        if let known = try sessionRow(session) { return known }
        try run(
            """
            INSERT INTO sessions (sid, created_at, facts, state)
            VALUES (?1, ?2, ?3, coalesce((SELECT standing FROM standings WHERE sid = ?1), 'open'))
            """, session, now, try jsonText(facts))
        return lastRow
    }

    /// The stream's row, made with an empty cursor if there is none.
    func ensureStream(_ key: StreamKey, sessionRow: Int64) throws(StoreError) -> StreamRow {
        if let known = try stream(key) { return known }
        try run(
            """
            INSERT INTO streams (session_id, name, generation, offset, line, next_seq, head_length, tail_length,
                device, inode, birth, chain_state, verified) VALUES (?1, ?2, 1, 0, 0, 1, 0, 0, 0, 0, 0, x'', 1)
            """, sessionRow, key.stream)
        guard let made = try stream(lastRow) else {
            throw StoreError(.internalFailure, "the row of stream \(key) is not there after it was made")
        }
        return made
    }

    func setSource(_ source: SourceInfo, of streamRow: Int64) throws(StoreError) {
        try run(
            "UPDATE streams SET kind = ?2, agent = ?3, root = ?4, path = ?5, agent_id = ?6 WHERE id = ?1", streamRow,
            source.kind, source.agent.rawValue, source.root, source.relativePath, source.agentID)
    }

    func setCursor(_ cursor: StreamCursor, of streamRow: Int64, isVerified: Bool) throws(StoreError) {
        if cursor.generation > 1 { try noteEnding(of: streamRow, before: cursor.generation) }
        try run(
            """
            UPDATE streams SET generation = ?2, offset = ?3, line = ?4, next_seq = ?5, head_length = ?6, head_mac = ?7,
                tail_length = ?8, tail_mac = ?9, device = ?10, inode = ?11, birth = ?12, chain_state = ?13,
                partial_end = ?14, verified = ?15 WHERE id = ?1
            """, streamRow, cursor.generation, cursor.offset, cursor.line, cursor.nextSeq, cursor.marks.headLength,
            cursor.marks.headMAC, cursor.marks.tailLength, cursor.marks.tailMAC,
            Int64(bitPattern: cursor.file.device), Int64(bitPattern: cursor.file.inode), cursor.file.birth,
            cursor.chainState, cursor.partialEnd, isVerified)
    }

    /// Adds to the running totals, or takes away: `sign` is 1 or -1.
    ///
    /// A stream's first segment has no neighbour to be joined with; each one after it may be the one that makes the
    /// session's manifest too long, and is held back from it until it was looked at: `unmerged` counts those, and only
    /// `settleMerge` takes them off. One that replaces a partial segment counts too: now it may be joined.
    func count(_ record: SegmentRecord, of streamRow: Int64, sign: Int) throws(StoreError) {
        try run(
            """
            UPDATE streams SET segments = segments + ?2, lines = lines + ?3, bytes = bytes + ?4,
                stored_bytes = stored_bytes + ?5, unmerged = unmerged + max(?2, 0) WHERE id = ?1
            """, streamRow, sign, sign * record.lines, Int64(sign) * record.bytes, Int64(sign) * record.storedBytes)
    }

    private static func streamRow(_ row: Row) throws(StoreError) -> StreamRow {
        let key = StreamKey(session: try row.session(3), stream: try row.stream(2))
        let marks = SourceMarks(
            headLength: row.int(13), headMAC: row.optionalDigest(14), tailLength: row.int(15),
            tailMAC: row.optionalDigest(16))
        let file = FileIdentity(
            device: UInt64(bitPattern: row.int64(17)), inode: UInt64(bitPattern: row.int64(18)), birth: row.int64(19))
        let cursor = StreamCursor(
            stream: key, generation: row.int(9), offset: row.int64(10), line: row.int(11), nextSeq: row.int(12),
            marks: marks, file: file, chainState: row.blob(20), partialEnd: row.optionalInt64(21))
        var source: SourceInfo?
        if let agent = row.optionalText(5).flatMap({ Agent(rawValue: $0) }), let root = row.optionalText(6) {
            source = SourceInfo(
                agent: agent, root: root, relativePath: row.text(7), kind: row.text(4), agentID: row.optionalText(8))
        }
        return StreamRow(
            id: row.int64(0), sessionRow: row.int64(1), cursor: cursor, source: source, kind: row.text(4),
            agentID: row.optionalText(8), isVerified: row.bool(22), baseOffset: row.int64(23), baseLine: row.int(24),
            recutEnd: row.int64(29),
            totals: StreamTotals(
                segments: row.int(25), lines: row.int(26), bytes: row.int64(27), storedBytes: row.int64(28)))
    }
}
