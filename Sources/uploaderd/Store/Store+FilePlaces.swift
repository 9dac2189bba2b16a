package import Shared

/// Which place a generation of a stream has in a store that keeps one file of each stream.
package enum FilePlace: Sendable, Hashable {
    /// The stream's own: the one that is there is of this generation, or there is none and this is the last one.
    case head
    /// A place beside it: the stream's own is of a later generation.
    case beside
    /// None: the stream's own is of an earlier generation, and stays until somebody asks for another one.
    case none
}

/// Which file may take which place in stores that take whole files: the same extended, unless somebody asked for another one.
extension Store {
    /// Whether somebody waits for other files of it than the store has.
    func isAskedFor(_ session: Int64, at store: Int64) throws(StoreError) -> Bool {
        try catalog().number(
            """
            SELECT EXISTS (SELECT 1 FROM streams t JOIN whole_files w ON w.stream_id = t.id
            WHERE t.session_id = ?1 AND w.store_id = ?2 AND w.digest = '')
            """, session, store) != 0
    }

    /// - Parameter newest: the last generation that there is of the stream.
    func place(
        of generation: Int, newest: Int, in stream: Int64, at store: Int64
    ) throws(StoreError) -> FilePlace {
        let head = try catalog().row(
            "SELECT generation FROM whole_files WHERE store_id = ?1 AND stream_id = ?2 AND is_head = 1", store, stream
        ) { (row) throws(StoreError) in row.int(0) }
        guard let head else { return generation == newest ? .head : .beside }
        return generation == head ? .head : generation < head ? .beside : .none
    }

    /// The generation of a row that stands for those that have none.
    static let anyGeneration = 0

    /// The session's files are to be others: they need not begin as those do that the store took; inside a transaction.
    ///
    /// - Parameter store: somebody asked for it there, and the last generation may have the stream's own place; `nil`: wherever a
    ///   file was taken, each in its place.
    func replaceFiles(of stream: Int64, at store: Int64?) throws(StoreError) {
        let catalog = try catalog()
        try catalog.run(
            """
            UPDATE whole_files SET lines = 0, bytes = 0, digest = '', version = NULL,
            is_head = CASE WHEN ?2 IS NULL THEN is_head ELSE 0 END
            WHERE stream_id = ?1 AND store_id = coalesce(?2, store_id)
            """, stream, store)
        // One may have been refused before any was taken.
        guard let store, fileRounds[store] != nil else { return }
        try catalog.run(
            """
            INSERT OR REPLACE INTO whole_files (store_id, stream_id, generation, lines, bytes, digest)
            VALUES (?1, ?2, ?3, 0, 0, '')
            """, store, stream, Self.anyGeneration)
    }

    /// What the store has of a generation is not what it took: it is to be put once more, whatever is there.
    ///
    /// - Returns: whether it will be; else none of its segments counts as being there.
    package func recallFile(of key: StreamKey, generation: Int, at store: StoreID) throws(StoreError) -> Bool {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store), let stream = try catalog.stream(key) else { return false }
        return try catalog.transaction { () throws(StoreError) in
            try catalog.run(
                """
                UPDATE whole_files SET lines = 0, bytes = 0, digest = '', version = NULL
                WHERE store_id = ?1 AND stream_id = ?2 AND generation = ?3
                """, storeRow, stream.id, generation)
            try catalog.run(
                """
                UPDATE copies SET state = 0, spooled = 0 WHERE store_id = ?1 AND state = 2 AND segment_id IN (
                    SELECT id FROM segments WHERE stream_id = ?2 AND generation = ?3 AND superseded_by IS NULL)
                """, storeRow, stream.id, generation)
            return catalog.changes > 0
        }
    }

    /// Whether whatever the store has may be replaced.
    func replacesAny(_ accepted: AcceptedFile?, _ stream: Int64, at store: Int64) throws(StoreError) -> Bool {
        if let accepted { return accepted.isAskedFor }
        return try catalog().number(
            """
            SELECT EXISTS (SELECT 1 FROM whole_files WHERE store_id = ?1 AND stream_id = ?2 AND generation = ?3)
            """, store, stream, Self.anyGeneration) != 0
    }
}
