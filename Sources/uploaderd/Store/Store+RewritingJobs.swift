package import Shared

/// A session of which somebody asked that today's rules hold for all of it, wherever it is.
package struct RewritingJob: Sendable, Hashable {
    package var session: SessionID
    /// The rules by which every segment is made anew here; `nil`: some may not be.
    package var settled: String?
}

/// What there is to be rewritten, and how far it is.
package struct RewritingProgress: Sendable, Hashable {
    package var sessions = 0
    /// Those of which not every segment was looked at.
    package var open = 0
    package var rewritten = 0
    package var unchanged = 0

    package init(sessions: Int = 0, open: Int = 0, rewritten: Int = 0, unchanged: Int = 0) {
        self.sessions = sessions
        self.open = open
        self.rewritten = rewritten
        self.unchanged = unchanged
    }
}

/// `resend --redact` is done in steps, each of which is a row: it may be stopped at any point, and the next start goes on.
extension Store {
    /// Asks it of a session. What was asked before is begun again.
    package func askRewriting(of session: SessionID) throws(StoreError) {
        try requireOpen(session)
        try requireResolved(session)
        try catalog().run(
            "INSERT OR REPLACE INTO rewrites (session_id, asked_at) VALUES (?1, ?2)", try knownSession(session),
            time.wall)
    }

    /// Asks it of every session that has a segment by other rules than these, or of which a store has an object yet that is to go.
    package func askRewritingOfAll(notBy rules: String) throws(StoreError) {
        try catalog().run(
            """
            INSERT OR REPLACE INTO rewrites (session_id, asked_at)
            SELECT e.id, ?2 FROM sessions e WHERE e.state = 'open' AND e.unresolved IS NULL AND (EXISTS
                (SELECT 1 FROM streams t JOIN segments s ON s.stream_id = t.id WHERE t.session_id = e.id
                AND s.superseded_by IS NULL AND s.state IN (0, 1) AND s.rules <> ?1)
            OR EXISTS (SELECT 1 FROM rewrites w WHERE w.session_id = e.id))
            """, rules, time.wall)
    }

    /// Sessions that were asked for and are not done, the longest waiting first.
    ///
    /// - Parameter settled: by these rules all segments of theirs are made anew here; `nil`: others.
    package func rewriting(settledBy rules: String, _ isSettled: Bool, limit: Int) throws(StoreError) -> [RewritingJob]
    {
        try catalog().rows(
            """
            SELECT e.sid, w.settled FROM rewrites w JOIN sessions e ON e.id = w.session_id
            WHERE (w.settled IS ?1) = ?2 AND e.state = 'open' ORDER BY w.asked_at, w.session_id LIMIT ?3
            """, rules, isSettled, limit
        ) { (row) throws(StoreError) in RewritingJob(session: try row.session(0), settled: row.optionalText(1)) }
    }

    /// - Parameter session: `nil`: of all that were asked for.
    package func rewritingProgress(
        of session: SessionID?, by rules: String
    ) throws(StoreError) -> RewritingProgress {
        try catalog().row(
            """
            SELECT count(*), count(*) FILTER (WHERE settled IS NOT ?2), coalesce(sum(rewritten), 0),
            coalesce(sum(unchanged), 0) FROM rewrites w JOIN sessions e ON e.id = w.session_id
            WHERE e.sid = coalesce(?1, e.sid) AND e.state = 'open'
            """, session, rules
        ) { (row) throws(StoreError) in
            RewritingProgress(sessions: row.int(0), open: row.int(1), rewritten: row.int(2), unchanged: row.int(3))
        } ?? RewritingProgress()
    }

    package func countRewritten(_ isRewritten: Bool, of session: SessionID) throws(StoreError) {
        let column = isRewritten ? "rewritten" : "unchanged"
        try catalog().run(
            """
            UPDATE rewrites SET \(column) = \(column) + 1 WHERE session_id = (SELECT id FROM sessions WHERE sid = ?1)
            """, session)
    }

    /// Every segment of the session is by these rules here, as far as was seen.
    package func settleRewriting(of session: SessionID, by rules: String) throws(StoreError) {
        try catalog().run(
            "UPDATE rewrites SET settled = ?2 WHERE session_id = (SELECT id FROM sessions WHERE sid = ?1)", session,
            rules)
        faults.reach(.rewriteSettled)
    }

    /// Nothing is left to be done of it. Behind the last one the log has nothing of what was removed either.
    package func endRewriting(of session: SessionID) throws(StoreError) {
        let catalog = try catalog()
        try catalog.run(
            "DELETE FROM rewrites WHERE session_id = (SELECT id FROM sessions WHERE sid = ?1)", session)
        if try catalog.number("SELECT EXISTS (SELECT 1 FROM rewrites)") == 0 { catalog.shrinkLog() }
    }

    /// Sessions that are kept from being rewritten, and have segments by other rules than these: of those nothing is put anywhere.
    package func keptFromRewriting(notBy rules: String) throws(StoreError) -> [SessionID] {
        try catalog().rows(
            """
            SELECT e.sid FROM sessions e WHERE (e.state NOT IN ('open', 'forgotten') OR e.unresolved IS NOT NULL) AND EXISTS
                (SELECT 1 FROM streams t JOIN segments s ON s.stream_id = t.id WHERE t.session_id = e.id
                AND (s.secret = 1 OR s.superseded_by IS NULL AND s.state IN (0, 1) AND s.rules <> ?1))
            ORDER BY e.sid
            """, rules
        ) { (row) throws(StoreError) in try row.session(0) }
    }

    /// By store, how many objects may be there that hold what newer rules remove, and can go: of a session that is kept here
    /// no manifest without them is put.
    ///
    /// - Parameter session: `nil`: of all sessions.
    package func condemned(of session: SessionID?) throws(StoreError) -> [StoreID: Int] {
        let sessionRow: Int64? = try session.map { (sid) throws(StoreError) in try knownSession(sid) }
        let found = try catalog().rows(
            """
            SELECT r.name, count(*) FROM segments s INDEXED BY segments_secret JOIN streams t ON t.id = s.stream_id
            JOIN copies c ON c.segment_id = s.id JOIN stores r ON r.id = c.store_id
            JOIN sessions e ON e.id = t.session_id
            WHERE s.secret = 1 AND e.state = 'open' AND c.state IN (1, 2, 3, 5) AND t.session_id = coalesce(?1, t.session_id)
            GROUP BY r.name
            UNION ALL
            SELECT r.name, count(*) FROM superseded o INDEXED BY superseded_secret JOIN stores r ON r.id = o.store_id
            JOIN sessions e ON e.id = o.session_id
            WHERE o.secret = 1 AND e.state = 'open' AND o.session_id = coalesce(?1, o.session_id) GROUP BY r.name
            """, sessionRow
        ) { (row) throws(StoreError) in (StoreID(row.text(0)), row.int(1)) }
        return Dictionary(found, uniquingKeysWith: +)
    }

    // MARK: Chains

    /// Generations of the session of which the digest so far is not known at their last line.
    package func unchained(of session: SessionID) throws(StoreError) -> [(stream: StreamKey, generation: Int)] {
        let catalog = try catalog()
        guard let sessionRow = try catalog.sessionRow(session) else { return [] }
        var found: [(stream: StreamKey, generation: Int)] = []
        for stream in try catalog.streams(of: sessionRow) {
            var last: [Int: SegmentRow] = [:]
            for row in try catalog.segments(of: stream) where row.supersededBy == nil && !row.record.partial {
                last[row.record.generation] = row
            }
            for (generation, row) in last.sorted(by: { $0.key < $1.key }) where !row.isChainKnown {
                found.append((stream.key, generation))
            }
        }
        return found
    }

    /// Notes the digest behind each of a generation's segments; the next manifests tell the last one.
    ///
    /// - Returns: `false`: other segments stand there by now.
    package func setChains(
        _ chains: [(id: SegmentID, digest: Digest256)], of stream: StreamKey, generation: Int
    ) throws(StoreError) -> Bool {
        let catalog = try catalog()
        guard try liveWhole(stream, generation, to: .max).map(\.id) == chains.map(\.id) else { return false }
        try catalog.transaction { () throws(StoreError) in
            for (id, digest) in chains { try catalog.setChain(of: id, to: digest) }
            try wantManifests(of: try knownStream(stream).sessionRow)
        }
        return true
    }
}
