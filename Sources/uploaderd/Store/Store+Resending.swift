package import Shared

/// A session that is delivered once more, as it is.
extension Store {
    /// Live segments of the session are to be put in the store again, as if they had not been, where another copy of them is at hand;
    /// what is listed stays listed.
    ///
    /// - Parameter sources: stores that give objects back; with the spool, what may be put comes from there.
    /// - Returns: how many will be put.
    package func putAgain(_ session: SessionID, at store: StoreID, from sources: [StoreID]) throws(StoreError) -> Int {
        let catalog = try catalog()
        let sessionRow = try knownSession(session)
        guard let storeRow = try storeRow(store) else { return 0 }
        return try catalog.transaction { () throws(StoreError) in
            var put = 0
            for stream in try catalog.streams(of: sessionRow) { try replaceFiles(of: stream.id, at: storeRow) }
            for row in try liveSegments(of: sessionRow) {
                let holders = try holders(of: row.id)
                guard row.state == .spooled || sources.contains(where: { $0 != store && holders.contains($0) }) else {
                    continue
                }
                // Listed or not, while it is not there again it lets nothing leave the spool. What is damaged there is not put
                // again: its name is taken.
                try catalog.run(
                    "UPDATE copies SET state = 0, spooled = 0 WHERE segment_id = ?1 AND store_id = ?2 AND state IN (2, 4)",
                    row.id, storeRow)
                put += catalog.changes
            }
            try wantManifest(of: sessionRow, at: storeRow)
            return put
        }
    }

    /// Live segments of the session that the store is said to have; its manifest there is made anew.
    package func putThere(_ session: SessionID, at store: StoreID) throws(StoreError) -> [StoredSegment] {
        let sessionRow = try knownSession(session)
        try wantManifest(of: session, at: store)
        var found: [StoredSegment] = []
        for row in try liveSegments(of: sessionRow) where try holders(of: row.id).contains(store) {
            found.append(try stored(row))
        }
        return found
    }

    private func liveSegments(of sessionRow: Int64) throws(StoreError) -> [SegmentRow] {
        let catalog = try catalog()
        var found: [SegmentRow] = []
        for stream in try catalog.streams(of: sessionRow) {
            found += try catalog.segments(of: stream).filter {
                $0.supersededBy == nil && ($0.state == .spooled || $0.state == .retired)
            }
        }
        return found
    }

    /// - Returns: the goal as it is now.
    package func come(to goal: SessionGoal) throws(StoreError) -> SessionGoal {
        var goal = goal
        if goal.wanted == nil, try !isBehind(goal) {
            goal.wanted = try wantedManifest(of: goal.session, at: goal.store)
            goal.isReached = goal.wanted == nil
        }
        if let wanted = goal.wanted {
            goal.isReached = try firstUnlisted(of: [wanted], at: goal.store, besides: []) == nil
        }
        return goal
    }

    /// Whether something of the segments up to the last one, or of what these were joined to since, is to be put yet.
    private func isBehind(_ goal: SessionGoal) throws(StoreError) -> Bool {
        guard let storeRow = try storeRow(goal.store) else { return false }
        let (catalog, session) = (try catalog(), try knownSession(goal.session))
        var later: [SegmentID] = []
        for state in 0...1 {
            let open = "FROM copies WHERE session_id = ?1 AND store_id = ?2 AND state = \(state) AND segment_id"
            if try catalog.number("SELECT EXISTS (SELECT 1 \(open) <= ?3)", session, storeRow, goal.last) != 0 {
                return true
            }
            later += try catalog.rows("SELECT segment_id \(open) > ?3", session, storeRow, goal.last) {
                (row) throws(StoreError) in row.segment(0)
            }
        }
        // Of what came since, only what was joined of what there was.
        while let joined = later.popLast() {
            if joined <= goal.last { return true }
            later += try catalog.rows("SELECT id FROM segments WHERE superseded_by = ?1", joined) {
                (row) throws(StoreError) in row.segment(0)
            }
        }
        return false
    }

    private func wantedManifest(of session: SessionID, at store: StoreID) throws(StoreError) -> WantedManifest? {
        guard let storeRow = try storeRow(store) else { return nil }
        return try catalog().row(
            "SELECT wanted FROM manifests WHERE session_id = ?1 AND store_id = ?2 AND wanted > published",
            try knownSession(session), storeRow
        ) { (row) throws(StoreError) in WantedManifest(session: session, revision: row.int(0)) }
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

/// What a session had at a moment, in one store and in a manifest there. What it has since, as one that grows, is not part of it.
package struct SessionGoal: Sendable {
    package let session: SessionID
    package let store: StoreID
    let last: SegmentID
    /// Once all of it is there: the manifest that has to list it.
    fileprivate(set) var wanted: WantedManifest?
    package fileprivate(set) var isReached = false

    /// - Parameter last: the last segment of all that was sealed by then.
    package init(_ session: SessionID, at store: StoreID, upTo last: SegmentID) {
        (self.session, self.store, self.last) = (session, store, last)
    }
}
