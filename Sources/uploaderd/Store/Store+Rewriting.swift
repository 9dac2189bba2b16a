package import Segments
package import Shared

/// Segments that older rules made: what of them no store has is made anew before it leaves, what stores have when somebody asks
/// for it (`resend --redact`).
extension Store {
    /// The digest of the rules in force; nothing that is older is put where no store has it yet. `nil`: nothing is redacted.
    package func enforce(rules: String?) { rulesInForce = rules }

    /// No store has said that it has the segment, and it is not by the rules in force: nothing of it leaves as it is.
    static let isOutdated = """
        ?4 IS NOT NULL AND (SELECT rules FROM segments WHERE id = ?1) <> ?4
        AND NOT EXISTS (SELECT 1 FROM copies o WHERE o.segment_id = ?1 AND o.state IN (2, 4, 5))
        """

    /// Whether the segment has to be made anew before it may be claimed.
    package func isOutdated(_ id: SegmentID) throws(StoreError) -> Bool {
        try catalog().number("SELECT \(Self.isOutdated)", id, nil, nil, rulesInForce) != 0
    }

    /// Live segments of the session that have bytes and are by other rules than these, in the order of their lines.
    package func segments(
        of session: SessionID, notBy rules: String
    ) throws(StoreError) -> [StoredSegment] {
        let catalog = try catalog()
        guard let sessionRow = try catalog.sessionRow(session) else { return [] }
        var found: [StoredSegment] = []
        for stream in try catalog.streams(of: sessionRow) {
            for row in try catalog.segments(of: stream)
            where row.supersededBy == nil && row.record.rules != rules
                && (row.state == .spooled || row.state == .retired)
            {
                found.append(try stored(row))
            }
        }
        return found
    }

    /// The segment is by these rules, too: not a byte of it would be another.
    package func note(rules: String, of id: SegmentID) throws(StoreError) {
        try catalog().run("UPDATE segments SET rules = ?2 WHERE id = ?1", id, rules)
    }

    /// What its lines have told of a session.
    package func facts(of session: SessionID) throws(StoreError) -> SessionFacts? {
        try catalog().row("SELECT facts FROM sessions WHERE sid = ?1", session) { (row) throws(StoreError) in
            try row.json(0, SessionFacts.self)
        }
    }

    /// Puts these facts in the place of what is known of the session; not where something was learnt meanwhile.
    package func replaceFacts(
        _ old: SessionFacts, by new: SessionFacts, of session: SessionID
    ) throws(StoreError) {
        let catalog = try catalog()
        try catalog.transaction { () throws(StoreError) in
            let row = try knownSession(session)
            guard try facts(of: session) == old else { return }
            try catalog.run("UPDATE sessions SET facts = ?2 WHERE id = ?1", row, try jsonText(new))
            try wantManifests(of: row)
        }
    }

    package func checkpoint(of id: SegmentID) throws(StoreError) -> CheckpointRecord? {
        try catalog().checkpoints(of: id).last
    }

    /// Takes over a segment with the same lines by other rules: file, row, and the old one superseded, which leaves the spool.
    ///
    /// Where the old one was put it stays until a manifest lists the new one, and goes then: at once, for it holds what is not to
    /// be there. What it had been joined from goes with it, and so do the checkpoints' objects that tell of its lines.
    ///
    /// - Throws: `stale` when the old one is not live any more; then nothing was changed.
    package func sealRewritten(
        _ segment: SealedSegment, replacing old: SegmentID
    ) throws(StoreError) -> SegmentID {
        let catalog = try catalog()
        let record = segment.record
        try requireOpen(record.stream.session)
        let stream = try knownStream(record.stream)
        try removeLeftovers(of: record.stream)
        let covered = try catalog.live(
            stream, generation: record.generation, from: record.sourceOffset, to: record.sourceEnd)
        guard let row = covered.first, covered.count == 1, row.id == old, row.isSameRange(as: record),
            row.record.seq == record.seq, row.record.firstLine == record.firstLine, row.record.lines == record.lines,
            row.record.objectChecksum != record.objectChecksum, row.state == .spooled || row.state == .retired
        else {
            throw StoreError(.stale, "segment \(record.seq) of \(record.stream) is not what it was when it was read")
        }
        let points = TakeoverPoints(
            written: .rewriteWritten, renamed: .rewriteRenamed, sealed: .rewriteCommitted, unlinked: .rewriteUnlinked)
        let id = try takeOver(segment, from: [row], of: stream, at: points, isRewritten: true) {
            (id) throws(StoreError) in
            try condemn(row, of: stream, for: id, besides: segment.checkpoint?.id)
            try replaceFiles(of: stream.id, at: nil)
            guard !record.partial else { return }
            try forgetChain(of: stream, generation: record.generation, behind: record.sourceOffset)
        }
        // Who cuts lines of it now goes on with the digest of what was there before.
        if !record.partial, stream.cursor.generation == record.generation { doubtfulChains.insert(record.stream) }
        return id
    }

    /// The digests behind the segments from this place of the source on are not those of their bytes: no manifest tells them any
    /// more, and whoever takes the next line makes the last one anew.
    package func forgetChain(of key: StreamKey, generation: Int, from offset: Int64) throws(StoreError) {
        let stream = try knownStream(key)
        try catalog().transaction { () throws(StoreError) in
            try forgetChain(of: stream, generation: generation, behind: offset - 1)
            try wantManifests(of: stream.sessionRow)
        }
        if stream.cursor.generation == generation { doubtfulChains.insert(key) }
    }

    private func forgetChain(of stream: StreamRow, generation: Int, behind offset: Int64) throws(StoreError) {
        let catalog = try catalog()
        try catalog.run(
            """
            UPDATE segments SET chain = NULL, row_check = NULL WHERE stream_id = ?1 AND generation = ?2 AND source_offset > ?3
            """, stream.id, generation, offset)
        guard stream.cursor.generation == generation, stream.cursor.offset > offset else { return }
        try catalog.run("UPDATE streams SET chain_state = x'' WHERE id = ?1", stream.id)
    }

    /// Whoever has rebuilt the digest over the generation so far has read what is there now.
    ///
    /// - Parameter ids: what was read.
    /// - Throws: `stale` when something else is there by now, or the cursor has moved.
    package func setChain(
        _ state: [UInt8], of stream: StreamKey, generation: Int, offset: Int64, from ids: [SegmentID]
    ) throws(StoreError) {
        guard try liveWhole(stream, generation, to: offset).map(\.id) == ids else {
            throw StoreError(.stale, "the segments of \(stream) are not those that were read")
        }
        try setChain(state, of: stream, generation: generation, offset: offset)
        doubtfulChains.remove(stream)
    }

    func liveWhole(
        _ stream: StreamKey, _ generation: Int, to offset: Int64
    ) throws(StoreError) -> [SegmentRow] {
        try catalog().live(try knownStream(stream), generation: generation, from: 0, to: offset).filter {
            !$0.record.partial
        }
    }

    /// What a pipeline hands over that began before the digest became another: of that nothing is kept.
    func withoutDoubt(
        _ record: SegmentRecord, _ cursor: StreamCursor
    ) -> (record: SegmentRecord, cursor: StreamCursor) {
        guard record.firstLine > 1, doubtfulChains.contains(record.stream) else { return (record, cursor) }
        var (record, cursor) = (record, cursor)
        record.chain = SegmentRow.unknownChain
        cursor.chainState = []
        return (record, cursor)
    }

    /// Whether something waits for one of the rows to be listed that holds what newer rules remove.
    func replacesSecrets(_ rows: [SegmentRow]) throws(StoreError) -> Bool {
        for row in rows {
            let waiting = try catalog().number(
                "SELECT count(*) FROM superseded WHERE waits_for = ?1 AND secret = 1", row.id)
            if waiting != 0 { return true }
        }
        return false
    }

    /// Notes that the row holds what is to go from every store, and all that it was joined from; inside a transaction.
    func condemn(
        _ row: SegmentRow, of stream: StreamRow, for id: SegmentID, besides checkpoint: String?
    ) throws(StoreError) {
        let catalog = try catalog()
        var left = [row]
        while let row = left.popLast() {
            try catalog.run("UPDATE segments SET secret = 1 WHERE id = ?1", row.id)
            try catalog.run(
                "UPDATE superseded SET secret = 1 WHERE session_id = ?1 AND path = ?2", stream.sessionRow,
                row.record.objectPath)
            for old in try catalog.checkpoints(of: row.id) where old.id != checkpoint {
                let folder = stream.key.stream == .main ? "" : SegmentRecord.folder(of: stream.key.stream)
                try catalog.run(
                    """
                    INSERT OR IGNORE INTO superseded (store_id, session_id, path, at, waits_for, secret)
                    SELECT store_id, ?1, ?2, ?3, ?4, 1 FROM manifests WHERE session_id = ?1
                    """, stream.sessionRow, "\(folder)checkpoints/\(old.id).json", time.wall, id)
            }
            // What a checkpoint tells of the line is as secret as the line.
            try catalog.run(
                checkpoint == nil
                    ? "DELETE FROM checkpoints WHERE segment_id = ?1"
                    : """
                    UPDATE checkpoints SET record = coalesce((SELECT record FROM checkpoints WHERE segment_id = ?2), record)
                    WHERE segment_id = ?1
                    """, row.id, checkpoint == nil ? nil : id)
            left += try catalog.parts(of: row.id, stream: stream)
        }
        // What no manifest has named, and waited for the old one, waits for the new one by now.
        try catalog.run("UPDATE superseded SET secret = 1 WHERE waits_for = ?1", id)
    }
}

extension SegmentRecord {
    /// Of two over one range, of which one has replaced the other in a life of which no catalog tells: whether that was, as far as
    /// is known, for what newer rules remove.
    func isUnlike(_ other: SegmentRecord) -> Bool {
        let isSameRange = sourceOffset == other.sourceOffset && sourceBytes == other.sourceBytes
        return rules != other.rules && !(isSameRange && checksum == other.checksum)
    }
}
