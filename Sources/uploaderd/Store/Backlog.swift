package import Shared

/// What waits for a store. What is not to leave does not wait.
package struct Backlog: Sendable, Hashable {
    package var segments: Int
    /// Of objects.
    package var bytes: Int64
    /// When the longest waiting one was sealed.
    package var oldest: WallTime?
}

extension Store {
    /// What a store would be sent that is not open, so that nothing is queued for it: all that it has no receipt for.
    /// What it was found not to have any more is not: it is put again, or waits for nothing.
    ///
    /// Looks at every live segment.
    ///
    /// - Parameter store: `nil`: it was never open.
    package func missing(at store: StoreID?) throws(StoreError) -> Backlog {
        var row: Int64?
        if let store { row = try storeRow(store) }
        return try catalog().row(
            """
            SELECT count(*), coalesce(sum(s.stored_bytes), 0), min(s.sealed_at)
            FROM segments s JOIN streams t ON t.id = s.stream_id JOIN sessions e ON e.id = t.session_id
            WHERE s.superseded_by IS NULL AND s.state IN (0, 1) AND e.state = 'open' AND NOT EXISTS
                (SELECT 1 FROM copies c WHERE c.segment_id = s.id AND c.store_id = ?1 AND c.state IN (2, 4, 5))
            \(row.map { unfinished(at: $0) } ?? "")
            """, row, read: Self.backlog) ?? Backlog(segments: 0, bytes: 0)
    }

    private static func backlog(_ row: Row) -> Backlog {
        Backlog(
            segments: row.int(0), bytes: row.int64(1), oldest: row.optionalInt64(2).map(WallTime.init(nanoseconds:)))
    }

    /// Looks at all that waits. Where that takes long, as with half a million small segments, an answer serves for ten times as
    /// long as it took: who looks on does not hold up the work.
    package func backlog(at store: StoreID) throws(StoreError) -> Backlog {
        guard let row = try storeRow(store) else { return Backlog(segments: 0, bytes: 0) }
        if let counted = counted[row], time.now < counted.until, try isWaiting(for: row) { return counted.backlog }
        let begin = time.now
        let backlog =
            try catalog().row(
                """
                SELECT count(*), coalesce(sum(s.stored_bytes), 0), min(s.sealed_at) FROM (
                    SELECT segment_id, session_id FROM copies INDEXED BY copies_queue WHERE store_id = ?1 AND state = 0
                    UNION ALL
                    SELECT segment_id, session_id FROM copies INDEXED BY copies_claimed WHERE store_id = ?1 AND state = 1
                ) c JOIN segments s ON s.id = c.segment_id JOIN sessions e ON e.id = c.session_id
                WHERE s.superseded_by IS NULL AND e.state = 'open' \(unfinished(at: row))
                """, row, read: Self.backlog) ?? Backlog(segments: 0, bytes: 0)
        let cost = time.now - begin
        counted[row] = cost < Self.noticeable ? nil : CountedBacklog(backlog: backlog, until: time.now + cost * 10)
        return backlog
    }

    private static let noticeable: Duration = .milliseconds(20)

    private func isWaiting(for store: Int64) throws(StoreError) -> Bool {
        try catalog().row("SELECT 1 FROM copies WHERE store_id = ?1 AND state IN (0, 1) LIMIT 1", store) { _ in true }
            ?? false
    }
}

/// What was counted, and how long that is believed.
struct CountedBacklog {
    var backlog: Backlog
    var until: Instant
}
