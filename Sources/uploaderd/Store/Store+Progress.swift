package import Shared

/// How far a store has come with what there was at a moment, for whoever waits for that and no more.
extension Store {
    /// The last segment that was sealed; `nil`: none was.
    package func lastSegment() throws(StoreError) -> SegmentID? {
        try catalog().row("SELECT id FROM segments ORDER BY id DESC LIMIT 1") { (row) throws(StoreError) in
            row.segment(0)
        }
    }

    /// Whether the store has every segment up to `last`, or what these were joined to since.
    ///
    /// - Parameters:
    ///   - refused: it does not take these now; they are not waited for, nor what waits for something else.
    ///   - spooledOnly: what has left the spool is not waited for either.
    package func isDelivered(
        upTo last: SegmentID, to store: StoreID, besides refused: Set<SegmentID>, spooledOnly: Bool = false
    ) throws(StoreError) -> Bool {
        let catalog = try catalog()
        // What is not to be filled yet does not have everything.
        guard let storeRow = try storeRow(store), activeStores.contains(storeRow) else { return false }
        let queries = [
            """
            SELECT c.segment_id FROM copies c INDEXED BY copies_queue CROSS JOIN sessions e ON e.id = c.session_id
            CROSS JOIN segments s ON s.id = c.segment_id
            WHERE c.store_id = ?1 AND c.state = 0 AND c.segment_id <= ?2 AND e.state = 'open' AND e.unresolved IS NULL
            \(spooledOnly ? "AND c.spooled = 1" : "")
            AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.segment_id = c.segment_id AND q.store_id = ?1)
            \(unfinished(at: storeRow)) LIMIT ?3
            """,
            """
            SELECT segment_id FROM copies INDEXED BY copies_claimed
            WHERE state = 1 AND store_id = ?1 AND segment_id <= ?2 LIMIT ?3
            """,
            """
            WITH RECURSIVE joined(id) AS (
                SELECT superseded_by FROM segments INDEXED BY segments_parts WHERE superseded_by > ?2 AND id <= ?2
                UNION SELECT s.superseded_by FROM joined j JOIN segments s ON s.id = j.id WHERE s.superseded_by IS NOT NULL)
            SELECT c.segment_id FROM joined j CROSS JOIN copies c ON c.segment_id = j.id AND c.store_id = ?1
            CROSS JOIN sessions e ON e.id = c.session_id WHERE c.state < 2 AND e.state = 'open'
            AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.segment_id = c.segment_id AND q.store_id = ?1) LIMIT ?3
            """,
        ]
        for query in queries {
            let open = try catalog.rows(query, storeRow, last, refused.count + 1) { (row) throws(StoreError) in
                row.segment(0)
            }
            guard open.allSatisfy(refused.contains) else { return false }
        }
        return true
    }

    /// The manifests that are to be made anew at the store, and when they are new enough.
    package func wantedManifests(at store: StoreID) throws(StoreError) -> [WantedManifest] {
        guard let storeRow = try storeRow(store) else { return [] }
        return try catalog().rows(
            """
            SELECT e.sid, m.wanted FROM manifests m JOIN sessions e ON e.id = m.session_id
            WHERE m.store_id = ?1 AND m.wanted > m.published AND e.state = 'open' AND e.unresolved IS NULL
            """, storeRow
        ) { (row) throws(StoreError) in WantedManifest(session: try row.session(0), revision: row.int(1)) }
    }

    /// - Parameter withheld: sessions whose manifests the store does not take now.
    /// - Returns: where the first is that is not new enough, and can be; `nil`: nowhere.
    package func firstUnlisted(
        of manifests: ArraySlice<WantedManifest>, at store: StoreID, besides withheld: Set<SessionID>
    ) throws(StoreError) -> Int? {
        guard let storeRow = try storeRow(store) else { return nil }
        let catalog = try catalog()
        for (place, manifest) in zip(manifests.indices, manifests) where !withheld.contains(manifest.session) {
            let isBehind = try catalog.number(
                """
                SELECT EXISTS (SELECT 1 FROM sessions e CROSS JOIN manifests m ON m.session_id = e.id AND m.store_id = ?2
                WHERE e.sid = ?1 AND m.wanted > m.published AND m.published < ?3 AND e.state = 'open'
                AND e.unresolved IS NULL)
                """, manifest.session, storeRow, manifest.revision)
            if isBehind != 0 { return place }
        }
        return nil
    }
}

/// A manifest that somebody waits for.
package struct WantedManifest: Sendable {
    package var session: SessionID
    /// How often it was to be made by then.
    var revision: Int
}
