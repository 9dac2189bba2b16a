package import Shared

/// Why an attempt to put something has failed.
package struct Setback: Sendable, Hashable {
    /// One word.
    package var code: String
    package var message: String
    /// The same attempt will fail again.
    package var isFinal: Bool

    /// Nobody writes a book about one object.
    private static let longest = 500

    package init(_ code: String, _ message: String, isFinal: Bool) {
        self.code = code
        self.message = String(message.prefix(Self.longest))
        self.isFinal = isFinal
    }
}

/// What is asked of the audit.
package struct AuditFilter: Sendable, Hashable {
    package var since: WallTime?
    package var store: StoreID?
    package var session: SessionID?

    package init(since: WallTime? = nil, store: StoreID? = nil, session: SessionID? = nil) {
        self.since = since
        self.store = store
        self.session = session
    }
}

/// A row of `audit`: the key, by which it is ordered, and what it counts.
package struct AuditRow: Sendable, Hashable {
    package struct Key: Sendable, Hashable {
        package var session: SessionID
        /// `nil`: it happened here.
        package var store: StoreID?
        package var outcome: AuditOutcome
        package var reason: String

        package init(session: SessionID, store: StoreID?, outcome: AuditOutcome, reason: String) {
            self.session = session
            self.store = store
            self.outcome = outcome
            self.reason = reason
        }
    }

    package var key: Key
    package var firstAt: WallTime
    package var at: WallTime
    package var times: Int
    package var lines: Int
    package var bytes: Int64
    package var path: String?
}

/// A row of `refusals`.
package struct RefusalRow: Sendable, Hashable {
    package var id: Int64
    package var session: SessionID
    package var store: StoreID
    package var code: String
    package var message: String
    package var at: WallTime
    package var times: Int
}

/// What became of sessions; most of it is noted by triggers: CatalogSchema+Audit.swift.
extension Store {
    /// The rows behind `after`, ordered by their keys.
    package func audit(
        _ filter: AuditFilter, after: AuditRow.Key? = nil, limit: Int
    ) throws(StoreError) -> [AuditRow] {
        try catalog().rows(
            """
            SELECT a.sid, a.store, a.outcome, a.reason, a.first_at, a.at, a.times, a.lines, a.bytes,
                coalesce(a.path, (SELECT t.root || '/' || t.path FROM sessions e JOIN streams t ON t.session_id = e.id
                    WHERE e.sid = a.sid AND t.name = 'main'), (SELECT c.path FROM captures c WHERE c.sid = a.sid))
            FROM audit a WHERE (a.sid, a.store, a.outcome, a.reason) > (?1, ?2, ?3, ?4) AND a.times > 0
                AND a.at >= ?5 AND a.store = coalesce(?6, a.store) AND a.sid = coalesce(?7, a.sid)
            ORDER BY a.sid, a.store, a.outcome, a.reason LIMIT ?8
            """, after?.session.rawValue ?? "", after?.store?.rawValue ?? "", after?.outcome.rawValue ?? "",
            after?.reason ?? "", filter.since ?? WallTime(seconds: 0), filter.store, filter.session, limit
        ) { (row) throws(StoreError) in
            AuditRow(
                key: AuditRow.Key(
                    session: try row.session(0), store: row.text(1).isEmpty ? nil : StoreID(row.text(1)),
                    outcome: try row.value(2) { (text) in AuditOutcome(rawValue: text) }, reason: row.text(3)),
                firstAt: WallTime(nanoseconds: row.int64(4)), at: WallTime(nanoseconds: row.int64(5)),
                times: row.int(6), lines: row.int(7), bytes: row.int64(8), path: row.optionalText(9))
        }
    }

    /// What was said no to, in the order in which it was first.
    package func refusals(
        _ filter: AuditFilter, after id: Int64 = 0, limit: Int
    ) throws(StoreError) -> [RefusalRow] {
        try catalog().rows(
            """
            SELECT id, sid, store, code, message, at, times FROM refusals WHERE id > ?1 AND at >= ?2
            AND store = coalesce(?3, store) AND sid = coalesce(?4, sid) ORDER BY id LIMIT ?5
            """, id, filter.since ?? WallTime(seconds: 0), filter.store, filter.session, limit
        ) { (row) throws(StoreError) in
            RefusalRow(
                id: row.int64(0), session: try row.session(1), store: StoreID(row.text(2)), code: row.text(3),
                message: row.text(4), at: WallTime(nanoseconds: row.int64(5)), times: row.int(6))
        }
    }

    /// A file of a session of which nothing is taken was met here. Saying so again writes nothing.
    package func noteSkipped(_ session: SessionID, at path: String) throws(StoreError) {
        guard try standing(of: session) != .forgotten else { return }
        try catalog().run(
            "UPDATE audit SET path = ?2 WHERE sid = ?1 AND outcome = 'skipped' AND path IS NULL", session, path)
    }

    /// A store will not take the session's manifest. Saying so again writes nothing.
    package func note(_ setback: Setback, ofManifestOf session: SessionID, at store: StoreID) throws(StoreError) {
        try catalog().run(
            "INSERT OR IGNORE INTO refusals (at, sid, store, code, message, times) VALUES (?1, ?2, ?3, ?4, ?5, 1)",
            time.wall, session, store, setback.code, setback.message)
    }

    /// An attempt has ended without a receipt; inside the transaction that ends it.
    func note(_ setback: Setback?, of id: SegmentID, at store: StoreID) throws(StoreError) {
        guard let session = try catalog().segment(id)?.record.stream.session else { return }
        guard let setback else { return try note(.interrupted, "", of: session, at: store) }
        try note(setback.isFinal ? .refused : .failed, setback.code, of: session, at: store)
        guard setback.isFinal else { return }
        try catalog().run(
            """
            INSERT INTO refusals (at, sid, store, code, message, times) VALUES (?1, ?2, ?3, ?4, ?5, 1)
            ON CONFLICT (sid, store, message) DO UPDATE SET at = ?1, times = times + 1
            """, time.wall, session, store, setback.code, setback.message)
    }

    /// Inside a transaction.
    func note(
        _ outcome: AuditOutcome, _ reason: String, of session: SessionID, at store: StoreID
    ) throws(StoreError) {
        try catalog().run(
            """
            INSERT INTO audit (sid, store, outcome, reason, first_at, at, times) VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1)
            ON CONFLICT DO UPDATE SET at = ?5, times = times + 1
            """, session, store, outcome.rawValue, reason, time.wall)
    }

    /// Attempts that an earlier life has left open; inside the transaction that ends them.
    func noteInterrupted() throws(StoreError) {
        try catalog().run(
            """
            INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
            SELECT e.sid, r.name, 'interrupted', '', min(c.at), max(c.at), count(*)
            FROM copies c JOIN sessions e ON e.id = c.session_id JOIN stores r ON r.id = c.store_id
            WHERE c.state = 1 GROUP BY e.sid, r.name
            ON CONFLICT DO UPDATE SET at = excluded.at, times = times + excluded.times
            """)
    }
}
