package import Shared

/// A session that is delivered once more, as it is.
extension Store {
    /// Every live segment of the session is to be put in the store again, as if it had not been; what is listed stays listed.
    ///
    /// - Returns: how many will be put, and those of which the store has the only copy: these can be read there, not put.
    package func putAgain(
        _ session: SessionID, at store: StoreID
    ) throws(StoreError) -> (put: Int, alone: [StoredSegment]) {
        let catalog = try catalog()
        let sessionRow = try knownSession(session)
        guard let storeRow = try storeRow(store) else { return (0, []) }
        return try catalog.transaction { () throws(StoreError) in
            var put = 0
            var alone: [StoredSegment] = []
            for stream in try catalog.streams(of: sessionRow) {
                for row in try catalog.segments(of: stream)
                where row.supersededBy == nil && (row.state == .spooled || row.state == .retired) {
                    // Listed or not, while it is not there again it lets nothing leave the spool. What is damaged there is not put
                    // again: its name is taken.
                    try catalog.run(
                        """
                        UPDATE copies SET state = 0, spooled = 0 WHERE segment_id = ?1 AND store_id = ?2 AND state IN (2, 4)
                        AND (?3 OR EXISTS (SELECT 1 FROM copies o WHERE o.segment_id = ?1 AND o.store_id <> ?2 AND o.state = 2))
                        """, row.id, storeRow, row.state == .spooled)
                    if catalog.changes > 0 {
                        put += 1
                    } else if try holders(of: row.id).contains(store) {
                        alone.append(try stored(row))
                    }
                }
            }
            try wantManifest(of: sessionRow, at: storeRow)
            return (put, alone)
        }
    }

    /// Whether something of the session is to be put in the store yet.
    package func isBehind(_ session: SessionID, at store: StoreID) throws(StoreError) -> Bool {
        guard let storeRow = try storeRow(store) else { return false }
        return try catalog().number(
            """
            SELECT EXISTS (SELECT 1 FROM copies WHERE session_id = ?1 AND store_id = ?2 AND state IN (0, 1))
            OR EXISTS (SELECT 1 FROM manifests WHERE session_id = ?1 AND store_id = ?2 AND wanted > published)
            """, try knownSession(session), storeRow) != 0
    }

    /// How many live segments of the session the store does not have as it was said.
    package func faultyCount(of session: SessionID, at store: StoreID) throws(StoreError) -> Int {
        guard let storeRow = try storeRow(store) else { return 0 }
        return Int(
            try catalog().number(
                """
                SELECT count(*) FROM copies c JOIN segments s ON s.id = c.segment_id
                WHERE c.session_id = ?1 AND c.store_id = ?2 AND c.state >= 4 AND s.superseded_by IS NULL
                """, try knownSession(session), storeRow))
    }
}
