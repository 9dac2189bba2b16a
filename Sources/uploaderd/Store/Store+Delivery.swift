package import Shared

/// A segment that a store does not have yet.
package struct SegmentDelivery: Sendable, Hashable {
    package var id: SegmentID
    package var record: SegmentRecord
    /// The object is in the spool; if not it is to be fetched from one of `holders`.
    package var isSpooled: Bool
    package var holders: [StoreID]
}

extension Store {
    /// Sets the stores that are to hold everything; the others are filled no further, what they have stays known.
    ///
    /// One that is new, or comes back, is to get all live segments: retired ones are fetched from where they are.
    package func use(_ stores: [StoreID]) throws(StoreError) {
        let catalog = try catalog()
        let rows = try catalog.transaction { () throws(StoreError) in
            var rows: [Int64] = []
            for store in stores { rows.append(try ensureStore(store)) }
            for row in activeStores where !rows.contains(row) {
                try catalog.run("UPDATE stores SET active = 0 WHERE id = ?1", row)
                try catalog.run("DELETE FROM copies WHERE store_id = ?1 AND state = 0 AND tried = 0", row)
            }
            for row in rows where !activeStores.contains(row) {
                try catalog.run("UPDATE stores SET active = 1 WHERE id = ?1", row)
                try catalog.run(
                    """
                    INSERT OR IGNORE INTO copies (segment_id, store_id, session_id, state, tried, spooled)
                    SELECT s.id, ?1, t.session_id, 0, s.found, s.state = 0
                    FROM segments s JOIN streams t ON t.id = s.stream_id
                    WHERE s.superseded_by IS NULL AND (s.state = 0 OR s.state = 1 AND s.reason IS NULL)
                    """, row)
                // Tried before it was lost, and back since then.
                try catalog.run(
                    """
                    UPDATE copies SET state = 0, spooled = (SELECT state = 0 FROM segments WHERE id = segment_id)
                    WHERE store_id = ?1 AND state = 3 AND segment_id IN
                        (SELECT id FROM segments WHERE superseded_by IS NULL AND state IN (0, 1))
                    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.segment_id = copies.segment_id AND q.store_id = ?1)
                    """, row)
                try noteStrays(at: row)
            }
            return rows
        }
        activeStores = rows
        for (store, row) in zip(stores, rows) { knownStores[store] = row }
    }

    /// The segment is live again, after it was lost or replaced: every store in use is to have it, also where a put was tried
    /// before or its object was found missing, and none deletes it; inside a transaction.
    func wantCopies(of row: SegmentRow, sessionRow: Int64, isSpooled: Bool) throws(StoreError) {
        let catalog = try catalog()
        try keepObject(row.record, of: sessionRow)
        for store in activeStores {
            try catalog.run(
                """
                INSERT INTO copies (segment_id, store_id, session_id, state, spooled) VALUES (?1, ?2, ?3, 0, ?4)
                ON CONFLICT (segment_id, store_id) DO UPDATE SET state = 0, spooled = ?4 WHERE state IN (3, 4)
                """, row.id, store, sessionRow, isSpooled)
        }
    }

    func ensureStore(_ store: StoreID) throws(StoreError) -> Int64 {
        let catalog = try catalog()
        if let row = try storeRow(store) { return row }
        try catalog.run("INSERT INTO stores (name, active) VALUES (?1, 0)", store)
        return catalog.lastRow
    }

    func storeRow(_ store: StoreID) throws(StoreError) -> Int64? {
        if let known = knownStores[store] { return known }
        return try catalog().row("SELECT id FROM stores WHERE name = ?1", store) {
            (row) throws(StoreError) in row.int64(0)
        }
    }

    /// What to send next: of each session its oldest first, one session after the other, going on where the last call
    /// ended.
    ///
    /// - Parameters:
    ///   - excluding: segments that the caller already works on.
    ///   - spooledOnly: none that would have to be fetched from another store.
    ///   - atOnce: nothing waits for a session's rest, where the store takes whole files.
    package func nextDeliveries(
        to store: StoreID, limit: Int, excluding: Set<SegmentID> = [], spooledOnly: Bool = false, atOnce: Bool = false
    ) throws(StoreError) -> [SegmentDelivery] {
        try releaseAbandoned()
        return try catalog().reading { () throws(StoreError) in
            try waiting(for: store, limit, excluding, spooledOnly, atOnce)
        }
    }

    /// What a full or failing disk kept from being noted is put again: the store compares, and the receipt follows.
    private func releaseAbandoned() throws(StoreError) {
        guard !abandonedClaims.isEmpty else { return }
        try catalog().transaction { () throws(StoreError) in
            for claim in abandonedClaims { _ = try performRelease(claim.segment, for: claim.store, because: nil) }
        }
        abandonedClaims = []
    }

    private func waiting(
        for store: StoreID, _ limit: Int, _ excluding: Set<SegmentID>, _ spooledOnly: Bool, _ atOnce: Bool
    ) throws(StoreError) -> [SegmentDelivery] {
        guard let storeRow = try storeRow(store), activeStores.contains(storeRow), limit > 0, standingsFault == nil
        else { return [] }
        if fileRounds[storeRow] != nil, !beginFileRound(at: storeRow, atOnce: atOnce) { return [] }
        var hasFound = false
        defer { endFileRound(at: storeRow, hasFound: hasFound) }
        let catalog = try catalog()
        let spooled = spooledOnly ? "AND spooled = 1" : ""
        // One list per session, until there are enough sessions or the round is over.
        var lists: [(session: Int64, segments: [SegmentID])] = []
        let start = rounds[storeRow] ?? 0
        var last = start
        var isSecondLap = false
        while lists.count < limit {
            let next = try catalog.row(
                """
                SELECT session_id FROM copies WHERE store_id = ?1 AND state = 0 AND session_id > ?2 \(spooled)
                ORDER BY session_id LIMIT 1
                """, storeRow, last
            ) { (row) throws(StoreError) in row.int64(0) }
            guard let session = next, !isSecondLap || session <= start else {
                if isSecondLap || start == 0 { break }
                isSecondLap = true
                last = 0
                continue
            }
            last = session
            guard try isDeliverable(session) else { continue }
            let waiting = try waiting(for: storeRow, of: session, limit, excluding, spooled, atOnce)
            let free = waiting.filter { !excluding.contains($0) }.prefix(limit)
            if !free.isEmpty {
                lists.append((session, Array(free)))
                hasFound = true
            }
        }
        var chosen: [SegmentID] = []
        var depth = 0
        while chosen.count < limit, lists.contains(where: { $0.segments.count > depth }) {
            for list in lists where list.segments.count > depth && chosen.count < limit {
                chosen.append(list.segments[depth])
                rounds[storeRow] = list.session
            }
            depth += 1
        }
        var deliveries: [SegmentDelivery] = []
        // Lines go in order: where the first is not to be had, what follows waits.
        for id in chosen {
            if let delivery = try delivery(id), delivery.isSpooled || !spooledOnly { deliveries.append(delivery) }
        }
        return deliveries
    }

    /// What of one session may go to the store, in that order.
    private func waiting(
        for store: Int64, of session: Int64, _ limit: Int, _ excluding: Set<SegmentID>, _ spooled: String,
        _ atOnce: Bool
    ) throws(StoreError) -> [SegmentID] {
        if fileRounds[store] != nil {
            return try fileEnds(of: session, at: store, excluding: excluding, atOnce: atOnce)
        }
        if lineStores.contains(store) { return try heads(of: session, at: store, excluding: excluding) }
        return try catalog().rows(
            """
            SELECT segment_id FROM copies c
            WHERE store_id = ?1 AND state = 0 AND session_id = ?2 \(spooled)
            AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.segment_id = c.segment_id AND q.store_id = ?1)
            ORDER BY segment_id LIMIT ?3
            """, store, session, limit + excluding.count
        ) { (row) throws(StoreError) in row.segment(0) }
    }

    /// Nothing leaves of one that is not open; of one that is not resolved it is not known where its objects belong.
    private func isDeliverable(_ sessionRow: Int64) throws(StoreError) -> Bool {
        let session = try catalog().row(
            "SELECT sid FROM sessions WHERE id = ?1 AND unresolved IS NULL AND state = 'open'", sessionRow
        ) { (row) throws(StoreError) in try row.session(0) }
        return session.map { !unrecorded.contains($0) } ?? false
    }

    private func delivery(_ id: SegmentID) throws(StoreError) -> SegmentDelivery? {
        guard let row = try catalog().segment(id) else { return nil }
        return SegmentDelivery(
            id: id, record: row.record, isSpooled: row.state == .spooled, holders: try holders(of: id))
    }

    /// The stores that have the object.
    package func holders(of id: SegmentID) throws(StoreError) -> [StoreID] {
        try catalog().rows(
            "SELECT r.name FROM copies c JOIN stores r ON r.id = c.store_id WHERE c.segment_id = ?1 AND c.state = 2", id
        ) { (row) throws(StoreError) in StoreID(row.text(0)) }
    }

    /// Asks whether the object may go to the store, right before it does. An open claim is durable.
    ///
    /// The one place where that is decided: not for a session that is not open or not resolved, not twice, not what was superseded,
    /// not what older rules made and no store has yet.
    ///
    /// - Returns: `false`: leave it, and ask `nextDeliveries` again.
    package nonisolated(nonsending) func claim(
        _ id: SegmentID, for store: StoreID
    ) async throws(StoreError) -> Bool {
        guard case .claimed(let isClaimed) = try await submit(.claim(id, store)) else {
            throw StoreError(.internalFailure, "a claim was answered as something else")
        }
        return isClaimed
    }

    /// Notes that the store has the object whole and durable; ends the claim. Noting it twice is not an error.
    package nonisolated(nonsending) func record(
        receiptFor id: SegmentID, at store: StoreID
    ) async throws(StoreError) { _ = try await submit(.receipt(id, store)) }

    /// Ends a claim without a receipt. The object may be there all the same.
    ///
    /// - Parameter setback: what the store said; `nil`: nobody knows how the attempt ended.
    /// - Returns: whether the store is still to have it; not what was superseded meanwhile, whose bytes have left the spool.
    package nonisolated(nonsending) func release(
        _ id: SegmentID, for store: StoreID, because setback: Setback? = nil
    ) async throws(StoreError) -> Bool {
        guard case .released(let isWanted) = try await submit(.release(id, store, setback)) else {
            throw StoreError(.internalFailure, "a release was answered as something else")
        }
        return isWanted
    }

    func performClaim(_ id: SegmentID, for store: StoreID) throws(StoreError) -> Bool {
        guard let storeRow = try storeRow(store), standingsFault == nil else { return false }
        let catalog = try catalog()
        try catalog.run(
            """
            UPDATE copies SET state = 1, tried = 1, at = ?3 WHERE segment_id = ?1 AND store_id = ?2 AND state = 0
            AND (SELECT state FROM sessions WHERE id = session_id AND unresolved IS NULL) = 'open'
            AND (SELECT superseded_by FROM segments WHERE id = segment_id) IS NULL AND NOT (\(Self.isOutdated))
            AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.segment_id = ?1 AND q.store_id = ?2)
            """, id, storeRow, time.wall, rulesInForce)
        guard catalog.changes == 1 else { return false }
        let waits = try catalog.number(
            """
            SELECT 1 FROM superseded WHERE store_id = ?2 AND session_id =
                (SELECT session_id FROM copies WHERE segment_id = ?1 AND store_id = ?2) LIMIT 1
            """, id, storeRow)
        if waits != 0, let segment = try catalog.segment(id), let stream = try catalog.stream(segment.streamRow) {
            try keepObject(segment.record, of: stream.sessionRow, at: storeRow)
        }
        return true
    }

    func performReceipt(_ id: SegmentID, at store: StoreID) throws(StoreError) {
        let storeRow = try ensureStore(store)
        let catalog = try catalog()
        guard let entry = try catalog.spoolEntry(id) else {
            throw StoreError(.unknown, "there is no \(id) to note a receipt for")
        }
        let isSpooled = entry.state == .spooled
        try noteStored(id, at: storeRow, sessionRow: entry.sessionRow, isSpooled: isSpooled, isPut: true)
        try wantManifest(of: entry.sessionRow, at: storeRow)
    }

    /// - Parameter isPut: it was put just now. Else a manifest says so, and what was looked for and is not there stays known.
    func noteStored(
        _ id: SegmentID, at store: Int64, sessionRow: Int64, isSpooled: Bool, isPut: Bool = false
    ) throws(StoreError) {
        try catalog().run(
            """
            INSERT INTO copies (segment_id, store_id, session_id, state, tried, at, spooled)
            VALUES (?1, ?2, ?3, 2, 1, ?4, ?5)
            ON CONFLICT (segment_id, store_id) DO UPDATE SET state = 2, tried = 1, at = ?4, spooled = ?5
            WHERE state <> 2 AND (?6 OR (state < 4 AND NOT (state < 2 AND listed = 1)))
            """, id, store, sessionRow, time.wall, isSpooled, isPut)
    }

    /// Of a claimed copy nobody knows whether it is there: it waits again, or is a stray where the segment was superseded
    /// or lost meanwhile.
    static let releaseClaims = """
        UPDATE copies SET state = CASE
            WHEN (SELECT superseded_by IS NULL AND state IN (0, 1) FROM segments WHERE id = segment_id) THEN 0 ELSE 3 END
        WHERE state = 1
        """

    func performRelease(
        _ id: SegmentID, for store: StoreID, because setback: Setback?
    ) throws(StoreError) -> Bool {
        guard let storeRow = try storeRow(store) else { return false }
        let catalog = try catalog()
        try catalog.run("\(Self.releaseClaims) AND segment_id = ?1 AND store_id = ?2", id, storeRow)
        if catalog.changes > 0 { try note(setback, of: id, at: store) }
        return try catalog.number(
            "SELECT superseded_by IS NULL AND state IN (0, 1) FROM segments WHERE id = ?1", id) != 0
    }
}
