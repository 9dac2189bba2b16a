package import Shared

/// What hooks have told of one session, all together.
package struct CaptureRow: Sendable, Hashable {
    package var sid: SessionID
    package var agent: Agent
    package var path: String?
    /// The agent's; `nil` when none was noted, or it is gone.
    package var process: AgentProcess?
    package var endedAt: WallTime?
    /// `nil`: it has not ended, as far as any hook knows.
    package var endReason: String?
    /// The end is not told to the session yet.
    package var isDue: Bool
    /// Its path lies below no watched root, and was not looked at since a hook told of it.
    package var isWaiting: Bool
}

extension Store {
    /// Notes what hooks told; all of it in one transaction. Noting an event again changes nothing, and one that is older than the
    /// end takes no end back: what waited in a queue comes late.
    ///
    /// - Parameter elsewhere: those whose paths lie below no watched root.
    package func note(_ events: [CapturedEvent], elsewhere: Set<SessionID> = []) throws(StoreError) {
        let catalog = try catalog()
        try catalog.transaction { () throws(StoreError) in
            for event in events { try note(event, in: catalog) }
            for sid in elsewhere { try catalog.run("UPDATE captures SET is_waiting = 1 WHERE sid = ?1", sid) }
        }
    }

    /// Its path was looked at.
    package func noteLookedAt(_ session: SessionID) throws(StoreError) {
        try catalog().run("UPDATE captures SET is_waiting = 0 WHERE sid = ?1 AND is_waiting = 1", session)
    }

    private func note(_ event: CapturedEvent, in catalog: Catalog) throws(StoreError) {
        if try standing(of: event.sid) == .forgotten { return }
        try catalog.run(
            """
            INSERT INTO captures (sid, agent, path, first_at, at) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (sid) DO UPDATE SET path = coalesce(path, excluded.path)
            """, event.sid, event.agent.rawValue, event.path, event.at,
            // When a line of `sessions.txt` was written is not known: whatever else is told comes behind it.
            event.kind == .queued ? WallTime(seconds: 0) : event.at)
        switch event.kind {
        case .queued: return
        case .start, .prompt, .turn:
            // A session that goes on has not ended; unless it ended behind this.
            try catalog.run(
                """
                UPDATE captures SET ended_at = NULL, end_reason = NULL, is_due = 0, payload = NULL
                WHERE sid = ?1 AND ended_at < ?2
                """, event.sid, event.at)
        case .end:
            try catalog.run(
                """
                UPDATE captures SET is_due = is_due OR end_reason IS NOT ?3 OR ended_at IS NOT ?2, ended_at = ?2,
                end_reason = ?3, payload = ?4
                WHERE sid = ?1 AND at <= ?2
                """, event.sid, event.at, event.reason ?? "other",
                try event.payload.map { (payload) throws(StoreError) in
                    try jsonText(payload)
                })
        }
        // What a later hook told stays.
        try catalog.run(
            """
            UPDATE captures SET at = ?2, agent = ?3, path = coalesce(?4, path), first_at = min(first_at, ?2)
            WHERE sid = ?1 AND at <= ?2
            """, event.sid, event.at, event.agent.rawValue, event.path)
        guard let process = event.process else { return }
        try catalog.run(
            "UPDATE captures SET pid = ?3, pid_started = ?4, boot = ?5 WHERE sid = ?1 AND at <= ?2", event.sid,
            event.at,
            Int64(process.pid), process.started, process.boot)
    }

    private static let captureColumns =
        "sid, agent, path, pid, pid_started, boot, ended_at, end_reason, is_due, is_waiting"

    /// Sessions whose process is not known to be gone, or of which something is to be done yet.
    package func openCaptures() throws(StoreError) -> [CaptureRow] {
        try catalog().rows(
            """
            SELECT \(Self.captureColumns) FROM captures INDEXED BY captures_open
            WHERE pid IS NOT NULL OR is_due = 1 OR is_waiting = 1 ORDER BY sid
            """
        ) { (row) throws(StoreError) in try Self.capture(row) }
    }

    /// - Returns: `nil` when no hook told of the session.
    package func capture(of session: SessionID) throws(StoreError) -> CaptureRow? {
        try catalog().row("SELECT \(Self.captureColumns) FROM captures WHERE sid = ?1", session) {
            (row) throws(StoreError) in try Self.capture(row)
        }
    }

    private static func capture(_ row: Row) throws(StoreError) -> CaptureRow {
        var found = CaptureRow(
            sid: try row.session(0), agent: try row.value(1) { (text) in Agent(rawValue: text) },
            path: row.optionalText(2), endedAt: row.optionalInt64(6).map { WallTime(nanoseconds: $0) },
            endReason: row.optionalText(7), isDue: row.bool(8), isWaiting: row.bool(9))
        if let pid = row.optionalInt64(3).flatMap({ Int32(exactly: $0) }), let started = row.optionalInt64(4) {
            found.process = AgentProcess(pid: pid, started: started, boot: row.text(5))
        }
        return found
    }

    /// The noted process has ended: so have the sessions that it had, with the reason that a hook gave, or without one.
    ///
    /// - Returns: those sessions; their end is due.
    package func noteGone(_ process: AgentProcess) throws(StoreError) -> [SessionID] {
        let catalog = try catalog()
        return try catalog.transaction { () throws(StoreError) in
            let gone = try catalog.rows(
                """
                SELECT sid FROM captures INDEXED BY captures_process
                WHERE pid = ?1 AND pid_started = ?2 AND boot = ?3 ORDER BY sid
                """, Int64(process.pid), process.started, process.boot
            ) { (row) throws(StoreError) in try row.session(0) }
            for sid in gone {
                try catalog.run(
                    """
                    UPDATE captures SET pid = NULL, pid_started = NULL, boot = NULL, is_due = 1,
                    ended_at = coalesce(ended_at, ?2), end_reason = coalesce(end_reason, 'process_gone')
                    WHERE sid = ?1
                    """, sid, time.wall)
            }
            return gone
        }
    }

    /// Tells the session of the end that hooks told of it.
    ///
    /// - Returns: `false` when nothing of the session was taken yet: its end stays due.
    package func settleEnd(of session: SessionID) throws(StoreError) -> Bool {
        guard let row = try capture(of: session), row.isDue, let reason = row.endReason else { return true }
        guard try catalog().sessionRow(session) != nil else { return false }
        try setEnded(session, reason: reason, at: row.endedAt)
        // A crash before it says the same end again.
        try catalog().run(
            "UPDATE captures SET is_due = 0 WHERE sid = ?1 AND end_reason = ?2 AND ended_at IS ?3", session, reason,
            row.endedAt)
        return true
    }

    /// There is nothing that its end could be told to: no file, and nothing that was taken.
    package func dropEnd(of session: SessionID) throws(StoreError) {
        try catalog().run("UPDATE captures SET is_due = 0 WHERE sid = ?1", session)
    }

    /// What another program says that it has sent elsewhere.
    ///
    /// - Returns: how many of them were not noted before.
    package func noteUploaded(_ sessions: [QueuedSession]) throws(StoreError) -> Int {
        let catalog = try catalog()
        return try catalog.transaction { () throws(StoreError) in
            var noted = 0
            for session in sessions {
                try catalog.run(
                    "INSERT OR IGNORE INTO foreign_uploads (sid, path, at) VALUES (?1, ?2, ?3)",
                    session.sid?.rawValue ?? "", session.path, time.wall)
                noted += catalog.changes
            }
            return noted
        }
    }
}
