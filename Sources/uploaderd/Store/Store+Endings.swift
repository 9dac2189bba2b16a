package import Shared

/// Generations that have ended because another file has their source's path: of the file itself nothing is left to take when it
/// comes back under a name that nobody knows.
extension Store {
    /// Where generations ended in a file with this identity, by whatever path, all of whose lines are here or in a store. Only its
    /// bytes prove that it is that file, or one that has the same.
    package func endings(inFile file: FileIdentity) throws(StoreError) -> [StreamCursor] {
        try catalog().endings(inFile: file)
    }

    /// The same of sessions that were forgotten, and of all their generations.
    package func forgotten(inFile file: FileIdentity) throws(StoreError) -> [StreamCursor] {
        try catalog().forgotten(inFile: file)
    }
}

extension Catalog {
    private static let columns = [
        "generation", "offset", "head_length", "head_mac", "tail_length", "tail_mac", "device", "inode", "birth",
        "partial_end",
    ]
    private static let place = columns.joined(separator: ", ")
    private static func place(of table: String) -> String { columns.map { "\(table).\($0)" }.joined(separator: ", ") }

    /// Inside a transaction, before a cursor of a later generation takes the place of the one in the row.
    func noteEnding(of streamRow: Int64, before generation: Int) throws(StoreError) {
        try run(
            """
            INSERT OR REPLACE INTO endings (stream_id, \(Self.place)) SELECT id, \(Self.place)
            FROM streams WHERE id = ?1 AND generation < ?2 AND verified = 1 AND tail_mac IS NOT NULL
            """, streamRow, generation)
    }

    /// Inside a transaction, before its rows are deleted.
    func noteForgotten(_ session: SessionID, _ sessionRow: Int64) throws(StoreError) {
        for (table, key) in [("endings", "stream_id"), ("streams", "id")] {
            try run(
                """
                INSERT OR REPLACE INTO forgotten_sources (sid, stream, \(Self.place)) SELECT ?1, t.name, \(Self.place(of: "p"))
                FROM streams t JOIN \(table) p ON p.\(key) = t.id WHERE t.session_id = ?2 AND p.tail_mac IS NOT NULL
                """, session, sessionRow)
        }
    }

    /// Where a line is missing, its file is to be taken again.
    func endings(inFile file: FileIdentity) throws(StoreError) -> [StreamCursor] {
        try rows(
            """
            SELECT e.sid, t.name, \(Self.place(of: "n"))
            FROM endings n JOIN streams t ON t.id = n.stream_id JOIN sessions e ON e.id = t.session_id
            WHERE n.inode = ?1 AND n.birth = ?2 AND NOT EXISTS (SELECT 1 FROM segments s WHERE s.stream_id = n.stream_id
                AND s.generation = n.generation AND s.superseded_by IS NULL AND s.state >= 2)
            ORDER BY n.stream_id, n.generation LIMIT 8
            """, Int64(bitPattern: file.inode), file.birth, read: Self.endedCursor)
    }

    func forgotten(inFile file: FileIdentity) throws(StoreError) -> [StreamCursor] {
        try rows(
            "SELECT sid, stream, \(Self.place) FROM forgotten_sources WHERE inode = ?1 AND birth = ?2 LIMIT 64",
            Int64(bitPattern: file.inode), file.birth, read: Self.endedCursor)
    }

    private static func endedCursor(_ row: Row) throws(StoreError) -> StreamCursor {
        StreamCursor(
            stream: StreamKey(session: try row.session(0), stream: try row.stream(1)), generation: row.int(2),
            offset: row.int64(3),
            marks: SourceMarks(
                headLength: row.int(4), headMAC: row.optionalDigest(5), tailLength: row.int(6),
                tailMAC: row.optionalDigest(7)),
            file: FileIdentity(
                device: UInt64(bitPattern: row.int64(8)), inode: UInt64(bitPattern: row.int64(9)), birth: row.int64(10)),
            partialEnd: row.optionalInt64(11))
    }
}
