import LinuxSystem
import Segments
package import Shared

/// What is left of sessions that were forgotten, here and in stores. Every step may be done again, so a crash leaves it to the
/// next start; `forgotten.txt` alone is enough to go on from.
extension Store {
    /// Forgotten sessions of which the store may have something yet, in the order of their ids.
    package func forgetting(at store: StoreID, limit: Int) throws(StoreError) -> [SessionID] {
        guard standingsFault == nil else { return [] }
        return try catalog().rows(
            """
            SELECT s.sid FROM standings s INDEXED BY standings_forgotten WHERE s.standing = 'forgotten'
            AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.sid = s.sid AND e.store_id = ?1) ORDER BY s.sid LIMIT ?2
            """, try storeRow(store), limit
        ) { (row) throws(StoreError) in try row.session(0) }
    }

    /// The store has nothing of the session but its tombstone.
    package func recordErased(_ session: SessionID, at store: StoreID) throws(StoreError) {
        try catalog().run(
            "INSERT OR IGNORE INTO erasures (sid, store_id, at) VALUES (?1, ?2, ?3)", session, try ensureStore(store),
            time.wall)
    }

    /// The stores of which that is known.
    package func erased(_ session: SessionID) throws(StoreError) -> Set<StoreID> {
        Set(
            try catalog().rows(
                "SELECT r.name FROM erasures e JOIN stores r ON r.id = e.store_id WHERE e.sid = ?1", session
            ) { (row) throws(StoreError) in StoreID(row.text(0)) })
    }

    /// Stores that have something of the session, or may have: a put there began.
    package func storesTouched(by session: SessionID) throws(StoreError) -> Set<StoreID> {
        guard let row = try catalog().sessionRow(session) else { return [] }
        return Set(
            try catalog().rows(
                """
                SELECT name FROM stores WHERE id IN (SELECT store_id FROM manifests WHERE session_id = ?1)
                OR EXISTS (SELECT 1 FROM streams t CROSS JOIN segments s ON s.stream_id = t.id
                    CROSS JOIN copies c ON c.segment_id = s.id AND c.store_id = stores.id
                    WHERE t.session_id = ?1 AND (c.tried = 1 OR c.state >= 2))
                """, row
            ) { (row) throws(StoreError) in StoreID(row.text(0)) })
    }

    /// Forgotten sessions of which something is here yet.
    package func unpurged() throws(StoreError) -> [SessionID] {
        guard standingsFault == nil else { return [] }
        var found: [SessionID] = []
        for known in try standings() where known.standing == .forgotten {
            if try !isPurged(known.session) { found.append(known.session) }
        }
        return found
    }

    /// Whether nothing is here of a session that was forgotten.
    package func isPurged(_ session: SessionID) throws(StoreError) -> Bool {
        if try hasRows(session) { return false }
        return try files(of: session).isEmpty
    }

    /// Removes all that is here of a session that was forgotten: its segments and manifest, then its rows but the one that
    /// says so. Nothing of it may be on its way.
    package func purge(_ session: SessionID) throws(StoreError) {
        guard try standing(of: session) == .forgotten else {
            throw StoreError(.internalFailure, "session \(session) is purged and was not forgotten")
        }
        let catalog = try catalog()
        let bytes = try catalog.number(
            """
            SELECT coalesce(sum(s.header_bytes + s.stored_bytes), 0) FROM segments s JOIN streams t ON t.id = s.stream_id
            JOIN sessions e ON e.id = t.session_id WHERE e.sid = ?1 AND s.state = 0
            """, session)
        for path in try files(of: session) {
            try reporting("could not remove \(path)") { () throws(SystemError) in try Files.unlink(path) }
        }
        try removeFolders("\(directory.spool)/\(StoreName.escaped(session.rawValue))")
        faults.reach(.forgetUnlinked)
        let row = try catalog.sessionRow(session)
        if let row { kept[row] = nil }
        try catalog.transaction { () throws(StoreError) in
            if let row {
                try catalog.noteForgotten(session, row)
                try deleteRows(row)
            }
            // What hooks, or another program's list, told of it.
            for table in ["captures", "foreign_uploads"] {
                try catalog.run("DELETE FROM \(table) WHERE sid = ?1", session)
            }
            try catalog.run("UPDATE audit SET path = NULL WHERE sid = ?1 AND path IS NOT NULL", session)
        }
        // What was overwritten in the database is in its log yet.
        catalog.shrinkLog()
        spool.add(-bytes)
        faults.reach(.forgetPurged)
    }

    /// Before recovery looks at what is there: it would take up what a purge that was cut off has left.
    func purgeForgotten() throws(StoreError) {
        for session in try unpurged() { try purge(session) }
        // Whoever was stopped right behind the last row has left in the log what the row said.
        let catalog = try catalog()
        if try catalog.number("SELECT EXISTS (SELECT 1 FROM standings WHERE standing = 'forgotten')") != 0 {
            catalog.shrinkLog()
        }
    }

    private func hasRows(_ session: SessionID) throws(StoreError) -> Bool {
        try catalog().number(
            """
            SELECT EXISTS (SELECT 1 FROM sessions e WHERE e.sid = ?1 AND (e.facts <> '{}'
            OR EXISTS (SELECT 1 FROM streams WHERE session_id = e.id)
            OR EXISTS (SELECT 1 FROM manifests WHERE session_id = e.id)))
            OR EXISTS (SELECT 1 FROM captures WHERE sid = ?1) OR EXISTS (SELECT 1 FROM foreign_uploads WHERE sid = ?1)
            """, session) != 0
    }

    /// Every file that holds something of the session; absolute.
    private func files(of session: SessionID) throws(StoreError) -> [String] {
        let spooled = "\(directory.spool)/\(StoreName.escaped(session.rawValue))"
        var found = try files(below: spooled)
        for path in [directory.manifest(of: session), directory.storesOfManifest(of: session)] {
            let isThere = try reporting("could not look at \(path)") { () throws(SystemError) in
                try Files.status(path) != nil
            }
            if isThere { found.append(path) }
        }
        // Whose a file is that nothing can be read of nobody can say.
        for path in try files(below: directory.refused)
        where try SpoolFile.header(at: path)?.record.stream.session == session { found.append(path) }
        return found
    }

    private func files(below folder: String) throws(StoreError) -> [String] {
        let entries = try reporting("could not list \(folder)") { () throws(SystemError) in try Files.list(folder) }
        var found: [String] = []
        for entry in entries {
            let path = "\(folder)/\(entry.name)"
            if entry.kind == .directory { found += try files(below: path) } else { found.append(path) }
        }
        return found
    }

    private func removeFolders(_ folder: String) throws(StoreError) {
        let entries = try reporting("could not list \(folder)") { () throws(SystemError) in try Files.list(folder) }
        for entry in entries where entry.kind == .directory { try removeFolders("\(folder)/\(entry.name)") }
        try reporting("could not remove \(folder)") { () throws(SystemError) in
            if try Files.removeDirectory(folder) { try Files.syncDirectory(Files.parent(of: folder)) }
        }
    }

    /// Inside a transaction.
    private func deleteRows(_ session: Int64) throws(StoreError) {
        let catalog = try catalog()
        let segments = "SELECT s.id FROM segments s JOIN streams t ON t.id = s.stream_id WHERE t.session_id = ?1"
        let streams = "SELECT id FROM streams WHERE session_id = ?1"
        for statement in [
            "DELETE FROM superseded WHERE session_id = ?1", "DELETE FROM rewrites WHERE session_id = ?1",
            "DELETE FROM manifests WHERE session_id = ?1",
            "DELETE FROM foreign_entries WHERE stream_id IN (\(streams))",
            "DELETE FROM whole_files WHERE stream_id IN (\(streams))",
            "DELETE FROM endings WHERE stream_id IN (\(streams))",
            "DELETE FROM checkpoints WHERE segment_id IN (\(segments))",
            "DELETE FROM copies WHERE segment_id IN (\(segments))",
            "DELETE FROM quarantine WHERE segment_id IN (\(segments))",
            "UPDATE segments SET superseded_by = NULL WHERE stream_id IN (\(streams))",
            "DELETE FROM segments WHERE stream_id IN (\(streams))", "DELETE FROM streams WHERE session_id = ?1",
            """
            UPDATE sessions SET facts = '{}', writer = NULL, sealed_at = NULL, ended_at = NULL, end_reason = NULL,
            unresolved = NULL, continues = NULL, extra = NULL, kept_size = NULL, kept_modified = NULL, kept_extent = -1
            WHERE id = ?1
            """,
        ] { try catalog.run(statement, session) }
    }
}
