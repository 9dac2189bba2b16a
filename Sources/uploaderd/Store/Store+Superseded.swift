import Segments
package import Shared

/// An object that is to go: something that the store has replaced it, and the manifest says so.
package struct DueObject: Sendable, Hashable {
    package var session: SessionID
    /// Relative to our folder of the session there.
    package var path: String

    package init(session: SessionID, path: String) {
        self.session = session
        self.path = path
    }
}

/// Objects at stores that something listed has replaced: from the manifest that says so until they are deleted.
///
/// They are kept by path, not by segment: after the catalog was lost, the paths in a manifest are all that is known of
/// them. An object that is put again, for whatever reason, is no longer one of them.
extension Store {
    /// What a manifest of the session at the store names in `superseded`, by path.
    func superseded(of sessionRow: Int64, at storeRow: Int64) throws(StoreError) -> [SupersededObject] {
        try catalog().rows(
            """
            SELECT path, at FROM superseded WHERE session_id = ?1 AND store_id = ?2 AND waits_for IS NULL ORDER BY path
            """, sessionRow, storeRow
        ) { (row) throws(StoreError) in
            SupersededObject(path: row.text(0), at: RFC3339.text(WallTime(nanoseconds: row.int64(1))))
        }
    }

    /// A manifest that names the segment in `superseded` was published; inside a transaction.
    func noteSuperseded(_ id: SegmentID, of basis: ManifestBasis) throws(StoreError) {
        let catalog = try catalog()
        guard let row = try catalog.segment(id) else { return }
        try noteSuperseded(
            row.record.objectPath, of: basis,
            isSecret: try catalog.number("SELECT secret FROM segments WHERE id = ?1", id) != 0)
        // What the store has of it is that path now: the segment itself is contained in another.
        try catalog.run("DELETE FROM copies WHERE segment_id = ?1 AND store_id = ?2", id, basis.storeRow)
    }

    /// - Parameter isSecret: it holds what is not to be there, and goes at once.
    func noteSuperseded(_ path: String, of basis: ManifestBasis, isSecret: Bool = false) throws(StoreError) {
        try insertSuperseded(path, of: basis.sessionRow, at: basis.storeRow, since: basis.at, isSecret: isSecret)
    }

    /// What a manifest of an earlier life says was replaced; inside a transaction, when its entries are taken up.
    ///
    /// A manifest may have been written by anybody who can write to the store: only what can be a segment's object, and
    /// is not listed as one, there or here, will ever be deleted. Where it may not have been published their time begins anew.
    func takeUpSuperseded(
        in manifest: Manifest, isPublished: Bool, of sessionRow: Int64, at storeRow: Int64
    ) throws(StoreError) {
        guard !manifest.superseded.isEmpty else { return }
        let listed = Set(manifest.everySegment.lazy.map(\.entry.path))
        for object in manifest.superseded where SegmentRecord.isObjectPath(object.path) && !listed.contains(object.path)
        {
            if try isNeeded(object.path, of: sessionRow) { continue }
            let said = isPublished ? RFC3339.parse(object.at) : nil
            try insertSuperseded(object.path, of: sessionRow, at: storeRow, since: min(said ?? time.wall, time.wall))
        }
    }

    private func insertSuperseded(
        _ path: String, of sessionRow: Int64, at storeRow: Int64, since: WallTime, isSecret: Bool = false
    ) throws(StoreError) {
        try catalog().run(
            """
            INSERT INTO superseded (store_id, session_id, path, at, secret) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (session_id, store_id, path) DO UPDATE SET
            at = CASE WHEN waits_for IS NULL THEN at ELSE ?4 END, waits_for = NULL, secret = max(secret, ?5)
            """, storeRow, sessionRow, path, since, isSecret)
    }

    /// Whether it is a live segment's object, whatever a manifest once said.
    func isNeeded(_ path: String, of sessionRow: Int64) throws(StoreError) -> Bool {
        let catalog = try catalog()
        guard let seq = SegmentRecord.seq(ofObjectPath: path) else { return false }
        for stream in try catalog.streams(of: sessionRow)
        where path.hasPrefix(SegmentRecord.folder(of: stream.key.stream)) {
            if try catalog.live(stream, seq: seq).contains(where: { $0.record.objectPath == path }) { return true }
        }
        return false
    }

    /// By store, objects that may be there of the rows and of all that they replaced, and that no manifest has named.
    func unnamedObjects(of rows: [SegmentRow], _ stream: StreamRow) throws(StoreError) -> [String: [String]] {
        let catalog = try catalog()
        var found: [String: Set<String>] = [:]
        var left = rows
        while let row = left.popLast() {
            let stores = try catalog.rows(
                """
                SELECT r.name FROM copies c JOIN stores r ON r.id = c.store_id
                WHERE c.segment_id = ?1 AND c.tried = 1 AND c.listed = 0
                """, row.id
            ) { (row) throws(StoreError) in row.text(0) }
            for store in stores { found[store, default: []].insert(row.record.objectPath) }
            let waiting = try catalog.rows(
                "SELECT r.name, o.path FROM superseded o JOIN stores r ON r.id = o.store_id WHERE o.waits_for = ?1",
                row.id
            ) { (row) throws(StoreError) in (row.text(0), row.text(1)) }
            for (store, path) in waiting { found[store, default: []].insert(path) }
            left += try catalog.parts(of: row.id, stream: stream)
        }
        return found.mapValues { $0.sorted() }
    }

    /// The catalog that knew where the segment was sent is gone: any store may have the object; inside a transaction.
    func noteFound(_ id: SegmentID) throws(StoreError) {
        try catalog().run("UPDATE segments SET found = 1 WHERE id = ?1", id)
        try catalog().run("UPDATE copies SET tried = 1 WHERE segment_id = ?1", id)
    }

    /// Segments that were found and then replaced may be at a store that was not known at that time; inside a transaction.
    func noteStrays(at storeRow: Int64) throws(StoreError) {
        try catalog().run(
            """
            INSERT OR IGNORE INTO copies (segment_id, store_id, session_id, state, tried, spooled)
            SELECT s.id, ?1, t.session_id, 3, 1, 0
            FROM segments s INDEXED BY segments_found JOIN streams t ON t.id = s.stream_id
            WHERE s.found = 1 AND s.superseded_by IS NOT NULL
            """, storeRow)
    }

    /// What the header of a segment, found without a row, says that it replaced; inside a transaction. The objects wait
    /// until it is listed: whoever reads an older manifest finds nothing gone, and what is listed again stays.
    func noteReplaced(_ replaced: [String: [String]], by id: SegmentID, of sessionRow: Int64) throws(StoreError) {
        for (store, paths) in replaced.sorted(by: { $0.key < $1.key }) {
            let storeRow = try ensureStore(StoreID(store))
            for path in paths where SegmentRecord.isObjectPath(path) {
                try catalog().run(
                    """
                    INSERT OR IGNORE INTO superseded (store_id, session_id, path, at, waits_for)
                    VALUES (?1, ?2, ?3, ?4, ?5)
                    """, storeRow, sessionRow, path, time.wall, id)
            }
        }
    }

    /// Of the objects that wait, those whose time comes with a manifest that lists these segments.
    func replaced(by listed: Set<SegmentID>, of sessionRow: Int64, at storeRow: Int64) throws(StoreError) -> [String] {
        try catalog().rows(
            """
            SELECT path, waits_for FROM superseded WHERE session_id = ?1 AND store_id = ?2 AND +waits_for IS NOT NULL
            ORDER BY path
            """, sessionRow, storeRow
        ) { (row) throws(StoreError) in (row.text(0), row.segment(1)) }.compactMap { listed.contains($1) ? $0 : nil }
    }

    /// The object is wanted at the store, or at all stores: it must not be deleted; inside a transaction.
    func keepObject(_ record: SegmentRecord, of sessionRow: Int64, at storeRow: Int64? = nil) throws(StoreError) {
        try catalog().run(
            "DELETE FROM superseded WHERE session_id = ?1 AND path = ?2 AND store_id = coalesce(?3, store_id)",
            sessionRow, record.objectPath, storeRow)
    }

    /// Objects at the store that a manifest there has named in `superseded` since `limit` or longer, oldest first.
    package func supersededDue(
        before limit: WallTime, at store: StoreID, most: Int = 256
    ) throws(StoreError) -> [DueObject] {
        guard let storeRow = try storeRow(store) else { return [] }
        return try catalog().rows(
            """
            SELECT e.sid, o.path FROM superseded o JOIN sessions e ON e.id = o.session_id
            WHERE o.store_id = ?1 AND o.at <= ?2 AND o.waits_for IS NULL ORDER BY o.at LIMIT ?3
            """, storeRow, limit, most
        ) { (row) throws(StoreError) in DueObject(session: try row.session(0), path: row.text(1)) }
    }

    /// Those of them that hold what is not to be there: they wait for no day to pass.
    package func condemnedDue(at store: StoreID, most: Int = 256) throws(StoreError) -> [DueObject] {
        guard let storeRow = try storeRow(store) else { return [] }
        return try catalog().rows(
            """
            SELECT e.sid, o.path FROM superseded o INDEXED BY superseded_secret JOIN sessions e ON e.id = o.session_id
            WHERE o.store_id = ?1 AND o.secret = 1 AND o.waits_for IS NULL ORDER BY o.at LIMIT ?2
            """, storeRow, most
        ) { (row) throws(StoreError) in DueObject(session: try row.session(0), path: row.text(1)) }
    }

    /// Since when the one that waits longest to be deleted from the store has been superseded; `nil`: none waits.
    package func supersededFirst(at store: StoreID) throws(StoreError) -> WallTime? {
        guard let storeRow = try storeRow(store) else { return nil }
        return try catalog().row(
            "SELECT at FROM superseded WHERE store_id = ?1 AND waits_for IS NULL ORDER BY at LIMIT 1", storeRow
        ) { (row) throws(StoreError) in WallTime(nanoseconds: row.int64(0)) }
    }

    /// Whether the object may be deleted from the store now: asked before each deletion, for what is needed again since it was
    /// found to be due stays.
    package func isSuperseded(_ object: DueObject, at store: StoreID) throws(StoreError) -> Bool {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store), let sessionRow = try catalog.sessionRow(object.session) else {
            return false
        }
        if try isNeeded(object.path, of: sessionRow) {
            try catalog.run(
                "DELETE FROM superseded WHERE store_id = ?1 AND session_id = ?2 AND path = ?3", storeRow, sessionRow,
                object.path)
            return false
        }
        return try catalog.number(
            """
            SELECT count(*) FROM superseded WHERE store_id = ?1 AND session_id = ?2 AND path = ?3 AND waits_for IS NULL
            """, storeRow, sessionRow, object.path) > 0
    }

    /// Notes that a superseded object is gone from the store; the next manifest does not name it.
    package func recordDeleted(_ object: DueObject, at store: StoreID) throws(StoreError) {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store) else { return }
        try catalog.transaction { () throws(StoreError) in
            guard let sessionRow = try catalog.sessionRow(object.session) else { return }
            try catalog.run(
                "DELETE FROM superseded WHERE store_id = ?1 AND session_id = ?2 AND path = ?3", storeRow, sessionRow,
                object.path)
            guard catalog.changes > 0 else { return }
            try wantManifest(of: sessionRow, at: storeRow)
            try note(.deleted, "superseded", of: object.session, at: store)
        }
    }
}
