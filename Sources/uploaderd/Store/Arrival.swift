import Segments
import Shared

/// A segment whose file is durable in the spool and that gets its row: just sealed, or found at boot.
struct Arrival {
    var record: SegmentRecord
    var checkpoint: CheckpointRecord?
    /// Behind the segment.
    var cursor: StreamCursor
    var source: SourceInfo
    /// The main stream's are laid over what is known of the session, those of another only fill in. The manifest that will
    /// name the segment tells them.
    var facts: SessionFacts?
    var headerBytes: Int
    /// By store, what its header says that it replaced there; rows that are known say it themselves.
    var replaces: [String: [String]] = [:]
    /// Its row was lost: it may have been put already.
    var isFound = false
}

extension Store {
    /// Row, copies to be made, cursor; inside a transaction.
    ///
    /// Live rows that end in the new segment are superseded by it: a partial line that is whole now, or what comes after
    /// a lost segment that was cut again.
    ///
    /// - Parameters:
    ///   - known: the stream's row, where it was read just before.
    ///   - movesCursor: not for a merged segment, nor for one that only fills in.
    /// - Returns: the row, and rows whose files are not needed once this is committed.
    func insert(
        _ arrival: Arrival, into known: StreamRow? = nil, movesCursor: Bool = true
    ) throws(StoreError) -> (SegmentID, [SegmentRow]) {
        let catalog = try catalog()
        let record = arrival.record
        let now = time.wall
        let session = try ensureSession(of: arrival, in: known?.sessionRow, at: now)
        let stream: StreamRow
        if let known { stream = known } else { stream = try catalog.ensureStream(record.stream, sessionRow: session) }
        let isRecut = movesCursor && record.sourceOffset < stream.recutEnd
        let covered = try catalog.covered(by: record, of: stream, isRecut: isRecut)
        let id = try catalog.insert(
            record, stream: stream, state: .spooled,
            chain: record.chain == SegmentRow.unknownChain ? nil : record.chain, headerBytes: arrival.headerBytes,
            sealedAt: now)
        try catalog.count(record, of: stream.id, sign: 1)
        if let checkpoint = arrival.checkpoint { try catalog.insert(checkpoint, of: id) }
        for store in activeStores {
            try catalog.run(
                "INSERT INTO copies (segment_id, store_id, session_id, state, spooled) VALUES (?1, ?2, ?3, 0, 1)", id,
                store, session)
        }
        if arrival.isFound { try noteFound(id) }
        var unneeded: [SegmentRow] = []
        for row in covered where try supersede(row, by: id) { unneeded.append(row) }
        try noteReplaced(arrival.replaces, by: id, of: session)
        if movesCursor {
            if record.generation != stream.cursor.generation, stream.recutEnd != 0 {
                try catalog.run("UPDATE streams SET recut_end = 0 WHERE id = ?1", stream.id)
            }
            // A merged segment's header knows no chain.
            try catalog.setCursor(
                arrival.cursor, of: stream.id, isVerified: !arrival.cursor.chainState.isEmpty)
            if stream.source != arrival.source { try catalog.setSource(arrival.source, of: stream.id) }
            let resumes = record.stream.stream == .main && record.cut != .end
            try catalog.run(
                resumes
                    ? "UPDATE sessions SET sealed_at = ?2, ended_at = NULL, end_reason = NULL WHERE id = ?1"
                    : "UPDATE sessions SET sealed_at = ?2 WHERE id = ?1", session, now)
        }
        return (id, unneeded)
    }

    private func ensureSession(
        of arrival: Arrival, in row: Int64?, at now: WallTime
    ) throws(StoreError) -> Int64 {
        let catalog = try catalog()
        var row = row
        if row == nil { row = try catalog.sessionRow(arrival.record.stream.session) }
        if let known = row {
            if let facts = arrival.facts {
                _ = try lay(facts, over: known, fillsIn: arrival.record.stream.stream != .main)
            }
            return known
        }
        let agent = SessionFacts(agent: arrival.source.agent)
        return try catalog.ensureSession(
            arrival.record.stream.session, facts: arrival.facts.map(agent.merged(with:)) ?? agent, at: now)
    }

    /// Makes `row` a part of `id`, which holds its bytes; inside a transaction.
    ///
    /// - Returns: whether its file is now to be unlinked.
    func supersede(_ row: SegmentRow, by id: SegmentID) throws(StoreError) -> Bool {
        let catalog = try catalog()
        let isSpooled = row.state == .spooled
        try catalog.run(
            "UPDATE segments SET superseded_by = ?2, state = ?3 WHERE id = ?1", row.id, id,
            isSpooled ? SegmentRow.State.retired.rawValue : row.state.rawValue)
        // Never tried: not there. Tried without an answer: it may be there, and is to be deleted with the others.
        try catalog.run("DELETE FROM copies WHERE segment_id = ?1 AND state = 0 AND tried = 0", row.id)
        try catalog.run(
            "UPDATE copies SET spooled = 0, state = CASE WHEN state = 0 THEN 3 ELSE state END WHERE segment_id = ?1",
            row.id)
        try catalog.run("UPDATE superseded SET waits_for = ?2 WHERE waits_for = ?1", row.id, id)
        if row.state != .gap, row.state != .lost { try catalog.count(row.record, of: row.streamRow, sign: -1) }
        return isSpooled
    }
}
