package import Shared

/// Receipts that a store does not live up to: it was put back from a backup that is older than they are.
extension Store {
    /// Whether the store has any object of the session, or had.
    package func hasReceipts(of session: SessionID, at store: StoreID) throws(StoreError) -> Bool {
        guard let storeRow = try storeRow(store), let sessionRow = try catalog().sessionRow(session) else {
            return false
        }
        return try catalog().number(
            """
            SELECT EXISTS (SELECT 1 FROM streams t CROSS JOIN segments s ON s.stream_id = t.id
            CROSS JOIN copies c ON c.segment_id = s.id AND c.store_id = ?2
            WHERE t.session_id = ?1 AND c.state IN (2, 4, 5))
            """, sessionRow, storeRow) != 0
    }

    /// The session's segments that the store has by our receipts, also where it was found since that it does not.
    ///
    /// - Parameter manifest: what it lists there is left out, and of what was replaced here what it names as superseded.
    package func received(
        _ session: SessionID, at store: StoreID, besides manifest: Manifest?
    ) throws(StoreError) -> [(id: SegmentID, path: String)] {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store), let sessionRow = try catalog.sessionRow(session) else { return [] }
        let listed = Set(manifest?.everySegment.lazy.map(\.entry.path) ?? [])
        let replaced = Set(manifest?.superseded.lazy.map(\.path) ?? [])
        var found: [(SegmentID, String)] = []
        for stream in try catalog.streams(of: sessionRow) {
            for row in try catalog.segments(of: stream, at: storeRow)
            where row.copy?.hasReceipt == true {
                let path = row.record.objectPath
                guard !listed.contains(path), row.supersededBy == nil || !replaced.contains(path) else { continue }
                found.append((row.id, path))
            }
        }
        return found
    }

    /// The store has these no more: what is in the spool, or in another store, is to be put there again, and of one that was
    /// joined from parts that it has, they are listed again.
    ///
    /// - Returns: those of which there is no other copy; nothing is changed about them.
    package func withdraw(receiptsFor ids: [SegmentID], at store: StoreID) throws(StoreError) -> [SegmentRecord] {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store) else { return [] }
        return try catalog.transaction { () throws(StoreError) in
            var last: [SegmentRecord] = []
            for id in ids {
                guard let row = try catalog.segment(id), let stream = try catalog.stream(row.streamRow) else {
                    continue
                }
                let others = try holders(of: id).filter { $0 != store }
                if row.supersededBy != nil {
                    try catalog.run("DELETE FROM copies WHERE segment_id = ?1 AND store_id = ?2", id, storeRow)
                } else if row.state == .spooled || !others.isEmpty {
                    try catalog.run(
                        "UPDATE copies SET state = 0, listed = 0, spooled = ?3 WHERE segment_id = ?1 AND store_id = ?2",
                        id,
                        storeRow, row.state == .spooled)
                } else if try restoreParts(of: row) {
                    try catalog.run("DELETE FROM copies WHERE segment_id = ?1 AND store_id = ?2", id, storeRow)
                } else {
                    last.append(row.record)
                    continue
                }
                try wantManifest(of: stream.sessionRow, at: storeRow)
            }
            return last
        }
    }
}
