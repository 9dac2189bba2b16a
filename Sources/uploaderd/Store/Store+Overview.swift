package import Shared

/// A segment as the catalog knows it.
package struct StoredSegment: Sendable, Hashable {
    package enum State: Sendable, Hashable {
        case spooled, retired, lost, gap
    }

    package var id: SegmentID
    /// `chain` is 64 zeros where `isChainKnown` is false.
    package var record: SegmentRecord
    package var isChainKnown: Bool
    package var state: State
    package var supersededBy: SegmentID?
    package var sealedAt: WallTime
    package var receipts: [Receipt]
    /// The stores that were said to have it, and were found not to.
    package var faulty: [StoreID]

    /// The stores that have it.
    package var holders: [StoreID] { receipts.map(\.store) }

    /// Those of them where a reader finds it.
    package var listers: [StoreID] { receipts.filter(\.isListed).map(\.store) }
}

/// That a store has a segment whole and durable, and since when that is known.
package struct Receipt: Sendable, Hashable {
    package var store: StoreID
    package var at: WallTime
    /// A manifest that was put there names it. Always so where there are none.
    package var isListed: Bool
}

package struct SessionSummary: Sendable, Hashable {
    package var session: SessionID
    package var facts: SessionFacts
    package var standing: SessionStanding
    package var createdAt: WallTime
    package var sealedAt: WallTime?
    package var endedAt: WallTime?
    package var unresolved: String?
    package var streams: Int
    package var segments: Int
    package var lines: Int
    /// Uncompressed.
    package var bytes: Int64
    package var storedBytes: Int64
}

package struct StreamDescription: Sendable, Hashable {
    package var stream: StreamKey
    package var source: SourceInfo?
    package var cursor: StreamCursor
    /// Marks and chain belong to the cursor.
    package var isVerified: Bool
    package var segments: Int
    package var lines: Int
    package var bytes: Int64
    package var storedBytes: Int64
}

package struct ManifestState: Sendable, Hashable {
    package var store: StoreID
    package var epoch: Int
    package var publishedAt: WallTime?
    package var isBehind: Bool
}

package struct SessionDescription: Sendable, Hashable {
    package var summary: SessionSummary
    package var streams: [StreamDescription]
    package var manifests: [ManifestState]
    /// Lost segments whose lines are to be cut again.
    package var lost: [SegmentID]
}

extension Store {
    /// The sessions whose ids come after `after` (`nil`: all), in the order of the ids. Costs as much as it returns.
    package func sessions(after: SessionID? = nil, limit: Int = .max) throws(StoreError) -> [SessionSummary] {
        // An id is never empty, so all come after "".
        try catalog().rows(
            "\(Self.summaries) WHERE e.sid > coalesce(?1, '') GROUP BY e.sid ORDER BY e.sid LIMIT ?2", after, limit,
            read: Self.summary)
    }

    /// - Returns: `nil` when there is no such session.
    package func describe(_ session: SessionID) throws(StoreError) -> SessionDescription? {
        let catalog = try catalog()
        guard let row = try catalog.sessionRow(session),
            let summary = try catalog.row("\(Self.summaries) WHERE e.id = ?1 GROUP BY e.id", row, read: Self.summary)
        else { return nil }
        let streams = try catalog.streams(of: row).map { stream in
            StreamDescription(
                stream: stream.key, source: stream.source, cursor: stream.cursor, isVerified: stream.isVerified,
                segments: stream.totals.segments, lines: stream.totals.lines, bytes: stream.totals.bytes,
                storedBytes: stream.totals.storedBytes)
        }
        let manifests = try catalog.rows(
            """
            SELECT r.name, m.epoch, m.published_at, m.wanted > m.published FROM manifests m
            JOIN stores r ON r.id = m.store_id WHERE m.session_id = ?1 ORDER BY r.name
            """, row
        ) { (row) throws(StoreError) in
            ManifestState(
                store: StoreID(row.text(0)), epoch: row.int(1),
                publishedAt: row.optionalInt64(2).map(WallTime.init(nanoseconds:)), isBehind: row.bool(3))
        }
        let lost = try catalog.rows(
            """
            SELECT s.id FROM segments s JOIN streams t ON t.id = s.stream_id
            WHERE s.state = 2 AND s.superseded_by IS NULL AND t.session_id = ?1 ORDER BY s.id
            """, row
        ) { (row) throws(StoreError) in row.segment(0) }
        return SessionDescription(summary: summary, streams: streams, manifests: manifests, lost: lost)
    }

    /// The live segments of a stream in the order of the source: joined they are the source file of each generation.
    ///
    /// - Parameter generation: `nil`: all of them.
    package func segments(of stream: StreamKey, generation: Int? = nil) throws(StoreError) -> [StoredSegment] {
        guard let row = try catalog().stream(stream) else { return [] }
        var all: [StoredSegment] = []
        for segment in try catalog().segments(of: row)
        where segment.supersededBy == nil && (generation ?? segment.record.generation) == segment.record.generation {
            all.append(try stored(segment))
        }
        return all
    }

    /// Whether each of these stores has every live segment of the session. What was lost is nowhere.
    package func isHeld(_ session: SessionID, byAll stores: [StoreID]) throws(StoreError) -> Bool {
        guard let row = try catalog().sessionRow(session) else { return true }
        for store in stores {
            let lacks = try catalog().number(
                """
                SELECT 1 FROM streams t CROSS JOIN segments s INDEXED BY segments_live
                ON s.stream_id = t.id AND s.superseded_by IS NULL
                WHERE t.session_id = ?1 AND NOT EXISTS
                    (SELECT 1 FROM copies c WHERE c.segment_id = s.id AND c.store_id = ?2 AND c.state = 2 AND c.listed = 1) LIMIT 1
                """, row, try storeRow(store))
            if lacks != 0 { return false }
        }
        return true
    }

    /// - Returns: `nil` when there is no such row.
    package func segment(_ id: SegmentID) throws(StoreError) -> StoredSegment? {
        guard let row = try catalog().segment(id) else { return nil }
        return try stored(row)
    }

    /// The segment of ours that a manifest lists.
    ///
    /// - Returns: `nil` when it is not known here.
    package func segment(listedAs entry: ManifestSegment, of stream: StreamKey) throws(StoreError) -> SegmentID? {
        guard let row = try catalog().stream(stream) else { return nil }
        return try catalog().row(
            "SELECT id FROM segments WHERE stream_id = ?1 AND seq = ?2 AND object_checksum = ?3", row.id, entry.seq,
            entry.objectChecksum
        ) { (row) throws(StoreError) in row.segment(0) }
    }

    /// The query plan of every statement since the store was opened, by its text: which of them cost more with more rows.
    package func queryPlans() throws(StoreError) -> [String: [String]] { try catalog().plans() }

    func stored(_ row: SegmentRow) throws(StoreError) -> StoredSegment {
        let state: StoredSegment.State =
            switch row.state {
            case .spooled: .spooled
            case .retired: .retired
            case .lost: .lost
            case .gap: .gap
            }
        return StoredSegment(
            id: row.id, record: row.record, isChainKnown: row.isChainKnown, state: state,
            supersededBy: row.supersededBy, sealedAt: row.sealedAt, receipts: try receipts(of: row.id),
            faulty: try faulty(row.id))
    }

    private func receipts(of id: SegmentID) throws(StoreError) -> [Receipt] {
        try catalog().rows(
            """
            SELECT r.name, c.at, c.listed FROM copies c JOIN stores r ON r.id = c.store_id WHERE c.segment_id = ?1 AND c.state = 2
            """, id
        ) { (row) throws(StoreError) in
            Receipt(store: StoreID(row.text(0)), at: WallTime(nanoseconds: row.int64(1)), isListed: row.bool(2))
        }
    }

    private static let summaries = """
        SELECT e.sid, e.facts, e.state, e.created_at, e.sealed_at, e.ended_at, e.unresolved, count(t.id),
            coalesce(sum(t.segments), 0), coalesce(sum(t.lines), 0), coalesce(sum(t.bytes), 0),
            coalesce(sum(t.stored_bytes), 0), e.end_reason
        FROM sessions e LEFT JOIN streams t ON t.session_id = e.id
        """

    private static func summary(_ row: Row) throws(StoreError) -> SessionSummary {
        var facts = try row.json(1, SessionFacts.self)
        if let ended = row.optionalInt64(5) { facts.endedAt = RFC3339.text(WallTime(nanoseconds: ended)) }
        if let reason = row.optionalText(12) { facts.endReason = reason }
        return SessionSummary(
            session: try row.session(0), facts: facts, standing: try row.standing(2),
            createdAt: WallTime(nanoseconds: row.int64(3)),
            sealedAt: row.optionalInt64(4).map(WallTime.init(nanoseconds:)),
            endedAt: row.optionalInt64(5).map(WallTime.init(nanoseconds:)), unresolved: row.optionalText(6),
            streams: row.int(7), segments: row.int(8), lines: row.int(9), bytes: row.int64(10),
            storedBytes: row.int64(11))
    }
}
