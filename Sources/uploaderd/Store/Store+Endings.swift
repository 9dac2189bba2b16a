package import Shared

/// Generations that have ended because another file has their source's path: of the file itself nothing is left to take when it
/// comes back under a name that nobody knows.
extension Store {
    /// Where generations ended in a file with this identity, by whatever path, all of whose lines are here or in a store. Only its
    /// bytes prove that it is that file, or one that has the same.
    package func endings(inFile file: FileIdentity) throws(StoreError) -> [StreamCursor] {
        try catalog().endings(inFile: file)
    }
}

extension Catalog {
    /// Inside a transaction, before a cursor of a later generation takes the place of the one in the row.
    func noteEnding(of streamRow: Int64, before generation: Int) throws(StoreError) {
        try run(
            """
            INSERT OR REPLACE INTO endings (stream_id, generation, offset, head_length, head_mac, tail_length, tail_mac,
                device, inode, birth, partial_end)
            SELECT id, generation, offset, head_length, head_mac, tail_length, tail_mac, device, inode, birth, partial_end
            FROM streams WHERE id = ?1 AND generation < ?2 AND verified = 1 AND tail_mac IS NOT NULL
            """, streamRow, generation)
    }

    /// Where a line is missing, its file is to be taken again.
    func endings(inFile file: FileIdentity) throws(StoreError) -> [StreamCursor] {
        try rows(
            """
            SELECT e.sid, t.name, n.generation, n.offset, t.next_seq, n.head_length, n.head_mac, n.tail_length, n.tail_mac,
                n.device, n.inode, n.birth, n.partial_end
            FROM endings n JOIN streams t ON t.id = n.stream_id JOIN sessions e ON e.id = t.session_id
            WHERE n.inode = ?1 AND n.birth = ?2 AND NOT EXISTS (SELECT 1 FROM segments s WHERE s.stream_id = n.stream_id
                AND s.generation = n.generation AND s.superseded_by IS NULL AND s.state >= 2)
            ORDER BY n.stream_id, n.generation LIMIT 8
            """, Int64(bitPattern: file.inode), file.birth
        ) { (row) throws(StoreError) in
            StreamCursor(
                stream: StreamKey(session: try row.session(0), stream: try row.stream(1)), generation: row.int(2),
                offset: row.int64(3), nextSeq: row.int(4),
                marks: SourceMarks(
                    headLength: row.int(5), headMAC: row.optionalDigest(6), tailLength: row.int(7),
                    tailMAC: row.optionalDigest(8)),
                file: FileIdentity(
                    device: UInt64(bitPattern: row.int64(9)), inode: UInt64(bitPattern: row.int64(10)),
                    birth: row.int64(11)), partialEnd: row.optionalInt64(12))
        }
    }
}
