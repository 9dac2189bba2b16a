package import Shared

/// A segment that a store will never take as it is.
package struct QuarantinedSegment: Sendable, Hashable {
    /// Of the entry; grows with time.
    package var id: Int
    package var record: SegmentRecord
    package var store: StoreID
    package var reason: String
    package var hint: String?
    package var at: WallTime
}

/// Which of them somebody means; `nil`: any.
package struct QuarantineChoice: Sendable, Hashable {
    package var id: Int?
    package var session: SessionID?
    package var store: StoreID?

    package init(id: Int? = nil, session: SessionID? = nil, store: StoreID? = nil) {
        self.id = id
        self.session = session
        self.store = store
    }
}

/// What a store refused for good is put aside, alone and with its reason, and everything else of its session goes on: it is a
/// gap in the manifest there, stays in the spool, and counts as not delivered. Only a person ends that.
extension Store {
    private static let chosen = """
        q.dropped = 0 AND s.superseded_by IS NULL AND (?1 IS NULL OR q.id = ?1) AND (?2 IS NULL OR e.sid = ?2)
        AND (?3 IS NULL OR r.name = ?3)
        """
    private static let tables = """
        quarantine q JOIN segments s ON s.id = q.segment_id JOIN streams t ON t.id = s.stream_id
        JOIN sessions e ON e.id = t.session_id JOIN stores r ON r.id = q.store_id
        """

    /// No attempt is under way: the claim has been released.
    package func quarantine(
        _ id: SegmentID, at store: StoreID, because reason: String, hint: String?
    ) throws(StoreError) {
        let catalog = try catalog()
        let storeRow = try ensureStore(store)
        try catalog.transaction { () throws(StoreError) in
            guard let row = try catalog.segment(id), let stream = try catalog.stream(row.streamRow) else { return }
            try catalog.run(
                """
                INSERT INTO quarantine (segment_id, store_id, at, reason, hint) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (segment_id, store_id) DO UPDATE SET at = ?3, reason = ?4, hint = ?5
                """, id, storeRow, time.wall, reason, hint)
            try wantManifest(of: stream.sessionRow, at: storeRow)
        }
    }

    /// In the order in which they were put aside.
    package func quarantined(
        _ choice: QuarantineChoice = QuarantineChoice(), after: Int = 0, limit: Int = .max
    ) throws(StoreError) -> [QuarantinedSegment] {
        let catalog = try catalog()
        let found = try catalog.rows(
            """
            SELECT q.id, q.segment_id, r.name, q.reason, q.hint, q.at FROM \(Self.tables)
            WHERE \(Self.chosen) AND q.id > ?4 ORDER BY q.id LIMIT ?5
            """, choice.id, choice.session, choice.store, after, limit
        ) { (row) throws(StoreError) in
            (row.int(0), row.segment(1), StoreID(row.text(2)), row.text(3), row.optionalText(4), row.int64(5))
        }
        var segments: [QuarantinedSegment] = []
        for (id, segment, store, reason, hint, at) in found {
            guard let row = try catalog.segment(segment) else { continue }
            segments.append(
                QuarantinedSegment(
                    id: id, record: row.record, store: store, reason: reason, hint: hint,
                    at: WallTime(nanoseconds: at)))
        }
        return segments
    }

    /// They are put again.
    ///
    /// - Returns: how many there were.
    package func retryQuarantined(_ choice: QuarantineChoice) throws(StoreError) -> Int {
        try ending(choice) { (id, segment, store) throws(StoreError) in
            try catalog().run("DELETE FROM quarantine WHERE id = ?1", id)
        }
    }

    /// The stores are not to have them: they may leave the spool without. What no other store has, or is to have, is gone with
    /// that.
    ///
    /// - Returns: how many there were.
    package func dropQuarantined(_ choice: QuarantineChoice) throws(StoreError) -> Int {
        let catalog = try catalog()
        var unneeded: [SpoolEntry] = []
        let count = try ending(choice) { (id, segment, store) throws(StoreError) in
            try catalog.run(
                "UPDATE quarantine SET dropped = 1, reason = 'dropped: ' || reason WHERE id = ?1", id)
            // As if it were listed: it is not waited for.
            try catalog.run(
                "UPDATE copies SET state = 3, listed = 1 WHERE segment_id = ?1 AND store_id = ?2 AND state < 4",
                segment, store)
            let isWanted = try catalog.number(
                "SELECT EXISTS (SELECT 1 FROM copies WHERE segment_id = ?1 AND state < 3)", segment)
            guard isWanted == 0, let entry = try catalog.spoolEntry(segment), entry.state == .spooled else { return }
            try markRetired(segment)
            try catalog.run("UPDATE segments SET reason = 'dropped' WHERE id = ?1", segment)
            unneeded.append(entry)
        }
        removeFiles(unneeded.map { ($0.path, $0.fileBytes) })
        return count
    }

    private func ending(
        _ choice: QuarantineChoice, _ end: (Int64, SegmentID, Int64) throws(StoreError) -> Void
    ) throws(StoreError) -> Int {
        let catalog = try catalog()
        return try catalog.transaction { () throws(StoreError) in
            let found = try catalog.rows(
                "SELECT q.id, q.segment_id, q.store_id, t.session_id FROM \(Self.tables) WHERE \(Self.chosen)",
                choice.id, choice.session, choice.store
            ) { (row) throws(StoreError) in (row.int64(0), row.segment(1), row.int64(2), row.int64(3)) }
            for (id, segment, store, session) in found {
                try end(id, segment, store)
                try wantManifest(of: session, at: store)
            }
            return found.count
        }
    }

    /// Of a stream, at any store: they are joined with nothing, or all would be refused for one.
    func setAside(of stream: StreamRow) throws(StoreError) -> Set<SegmentID> {
        Set(
            try catalog().rows(
                "SELECT q.segment_id FROM quarantine q JOIN segments s ON s.id = q.segment_id WHERE s.stream_id = ?1",
                stream.id
            ) { (row) throws(StoreError) in row.segment(0) })
    }
}

/// Destinations that somebody has stopped.
extension Store {
    private static let pausedKey = "paused"

    package func pausedDestinations() throws(StoreError) -> Set<String> {
        guard let text = try value(Self.pausedKey) else { return [] }
        return Set(text.split(separator: "\n").map(String.init))
    }

    package func setPaused(_ destinations: Set<String>) throws(StoreError) {
        try setValue(Self.pausedKey, destinations.sorted().joined(separator: "\n"))
    }
}
