import LinuxSystem
package import Shared

/// Stores that take the lines of a stream in order, each once, as a server does that counts them.
///
/// Of a generation of a stream one segment is given out at a time: the first that the store has not got, when it has the one
/// before, or that is a gap. So a segment that was joined meanwhile comes where its lines do, whatever its row. A line without
/// its end is given out when its source is gone: until then it may get one, and cannot be taken back.
extension Store {
    /// From now on the store is one of those. Of this life: who opens it says so.
    package func takesLines(_ store: StoreID) throws(StoreError) { lineStores.insert(try ensureStore(store)) }

    /// The segments of a session that may go to the store now.
    ///
    /// - Parameter excluding: segments that are on their way, or not taken now: nothing goes before them.
    func heads(of session: Int64, at store: Int64, excluding: Set<SegmentID>) throws(StoreError) -> [SegmentID] {
        let (waiting, claimed) = try queue(of: session, at: store)
        var busy = claimed
        for each in waiting where excluding.contains(each.id) { busy.insert(each.place) }
        var heads: [SegmentID] = []
        for each in waiting where busy.insert(each.place).inserted {
            guard try follows(each.place, each.offset, at: store) else { continue }
            if each.isPartial, try mayGrow(each.place) { continue }
            heads.append(each.id)
        }
        return heads
    }

    /// One generation of a stream.
    struct StreamPlace: Hashable {
        var stream: Int64
        var generation: Int
    }

    /// A segment that a store has not got.
    struct WaitingSegment {
        var id: SegmentID
        var place: StreamPlace
        var offset: Int64
        var isPartial: Bool
    }

    /// What of a session waits for a store, in the order of the source, and of which places something is claimed.
    func queue(
        of session: Int64, at store: Int64
    ) throws(StoreError) -> (waiting: [WaitingSegment], claimed: Set<StreamPlace>) {
        let catalog = try catalog()
        let claimed = Set(
            try catalog.rows(
                """
                SELECT s.stream_id, s.generation FROM copies c INDEXED BY copies_claimed
                JOIN segments s ON s.id = c.segment_id WHERE c.session_id = ?1 AND c.store_id = ?2 AND c.state = 1
                """, session, store
            ) { (row) throws(StoreError) in StreamPlace(stream: row.int64(0), generation: row.int(1)) })
        let waiting = try catalog.rows(
            """
            SELECT s.id, s.stream_id, s.generation, s.source_offset, s.partial
            FROM copies c INDEXED BY copies_queue JOIN segments s ON s.id = c.segment_id
            WHERE c.store_id = ?1 AND c.session_id = ?2 AND c.state = 0 AND s.superseded_by IS NULL
            ORDER BY s.stream_id, s.generation, s.source_offset, s.id
            """, store, session
        ) { (row) throws(StoreError) in
            WaitingSegment(
                id: row.segment(0), place: StreamPlace(stream: row.int64(1), generation: row.int(2)),
                offset: row.int64(3), isPartial: row.bool(4))
        }
        return (waiting, claimed)
    }

    /// Whether what comes right before is at the store, or nowhere any more.
    private func follows(_ place: StreamPlace, _ offset: Int64, at store: Int64) throws(StoreError) -> Bool {
        let before = try catalog().row(
            """
            SELECT s.state, c.state FROM segments s LEFT JOIN copies c ON c.segment_id = s.id AND c.store_id = ?4
            WHERE s.stream_id = ?1 AND s.generation = ?2 AND s.source_offset < ?3 AND s.superseded_by IS NULL
            ORDER BY s.source_offset DESC, s.id DESC LIMIT 1
            """, place.stream, place.generation, offset, store
        ) { (row) throws(StoreError) in (SegmentRow.State(rawValue: row.int(0)), row.isNull(1) ? -1 : row.int(1)) }
        guard let (state, copy) = before else { return true }
        // What is missing there by now the store says itself.
        return state == .gap || CopyRow.State(rawValue: copy).map { $0 != .waiting && $0 != .claimed } ?? false
    }

    /// Whether the last line of the generation may get its end yet. Looks at the file's folder; only such a line has that done.
    func mayGrow(_ place: StreamPlace) throws(StoreError) -> Bool {
        guard let stream = try catalog().stream(place.stream), let source = stream.source,
            stream.cursor.generation == place.generation
        else { return false }
        let path = "\(source.root)/\(source.relativePath)"
        return try reporting("could not look at \(path)") { () throws(SystemError) in
            // A root that is away may come back with all that was in it.
            if try Files.status(source.root, followLinks: true) == nil { return true }
            return try Files.status(path) != nil
        }
    }

    /// The condition on a segment `s` that leaves out what waits for its line's end.
    func unfinished(at store: Int64) -> String {
        lineStores.contains(store) || fileRounds[store] != nil ? "AND s.partial = 0" : ""
    }

    /// What becomes of lines that a store has not got, though it should.
    package enum Recalled: Sendable, Hashable {
        /// They go there, before anything that comes behind them.
        case waiting
        /// Nobody has them any more.
        case lost
        /// They have left the spool for that store alone, or were another program's.
        case nowhere
    }

    /// The store has not got the lines, of the generation that a segment comes from: what of them is anywhere is put there again.
    package func recall(
        _ lines: ClosedRange<Int>, before record: SegmentRecord, at store: StoreID
    ) throws(StoreError) -> Recalled {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store), let stream = try catalog.stream(record.stream) else {
            return .nowhere
        }
        let rows = try catalog.segments(of: stream, at: storeRow).filter {
            $0.supersededBy == nil && $0.record.generation == record.generation
                && (lines.contains($0.record.firstLine) || lines.contains($0.record.lastLine)
                    || ($0.record.firstLine...$0.record.lastLine).overlaps(lines))
        }
        let received = rows.filter { $0.copy?.hasReceipt == true }.map(\.id)
        let kept = try withdraw(receiptsFor: received, at: store)
        if !kept.isEmpty { return .nowhere }
        if rows.contains(where: { $0.state != .gap }) { return .waiting }
        let lost = rows.reduce(0) { $0 + $1.record.lines }
        return lost >= lines.count ? .lost : .nowhere
    }
}
