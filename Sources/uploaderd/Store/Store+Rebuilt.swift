package import Shared

/// Streams of which manifests and spool headers told, and whose sources nobody has read since: no mark and no number tells
/// which file is theirs, only the digests of what was stored.
extension Store {
    package func hasRebuilt() throws(StoreError) -> Bool {
        try catalog().number("SELECT EXISTS (SELECT 1 FROM streams INDEXED BY streams_rebuilt WHERE verified = 0)") != 0
    }

    /// What their sources begin with, of those that have taken no more than `length` bytes; the longest first.
    ///
    /// One that begins with a joined segment is left out where no digest of its first part is left.
    package func beginnings(upTo length: Int64) throws(StoreError) -> [RebuiltBeginning] {
        try catalog().rows(
            """
            SELECT e.sid, t.name, t.offset, s.source_bytes, s.source_mac, s.source_parts, e.created_at
            FROM streams t INDEXED BY streams_rebuilt CROSS JOIN sessions e ON e.id = t.session_id
            CROSS JOIN segments s INDEXED BY segments_live
                ON s.stream_id = t.id AND s.generation = t.generation AND s.source_offset = 0
            WHERE t.verified = 0 AND t.offset BETWEEN 1 AND ?1 AND s.superseded_by IS NULL
            ORDER BY t.offset DESC
            """, length
        ) { (row) throws(StoreError) in
            var part = SourcePart(bytes: row.int64(3), mac: try row.digest(4))
            if !row.isNull(5) {
                let parts = try row.json(5, [SourcePart].self)
                let isWhole = parts.reduce(0) { $0 + $1.bytes } == part.bytes
                part = isWhole && !parts.isEmpty ? parts[0] : SourcePart(bytes: 0, mac: part.mac)
            }
            return RebuiltBeginning(
                stream: StreamKey(session: try row.session(0), stream: try row.stream(1)), offset: row.int64(2),
                part: part, createdAt: WallTime(nanoseconds: row.int64(6)))
        }.filter { $0.part.bytes > 0 }
    }
}

/// How the source of a rebuilt stream begins.
package struct RebuiltBeginning: Hashable, Sendable {
    package var stream: StreamKey
    /// What was taken, in bytes.
    package var offset: Int64
    /// The first of it.
    package var part: SourcePart
    /// Of the session: its file was there by then.
    package var createdAt: WallTime
}
