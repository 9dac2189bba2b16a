import Shared

/// Where a segment's file is in the spool, and whose it is: what opening, retiring and noting a receipt ask of a row, without
/// reading the rest of it.
struct SpoolEntry {
    var state: SegmentRow.State
    var sessionRow: Int64
    /// Relative to the spool.
    var path: String
    /// What goes before the object.
    var headerBytes: Int64
    /// The object's.
    var storedBytes: Int64

    var fileBytes: Int64 { headerBytes + storedBytes }
}

extension Catalog {
    func spoolEntry(_ id: SegmentID) throws(StoreError) -> SpoolEntry? {
        try row(
            """
            SELECT s.state, e.id, e.sid, t.name, s.seq, s.object_checksum, s.header_bytes, s.stored_bytes
            FROM segments s JOIN streams t ON t.id = s.stream_id JOIN sessions e ON e.id = t.session_id WHERE s.id = ?1
            """, id
        ) { (row) throws(StoreError) in
            let stream = StreamKey(session: try row.session(2), stream: try row.stream(3))
            return SpoolEntry(
                state: try SegmentRow.State(row.int(0), of: id), sessionRow: row.int64(1),
                path: StateDirectory.spoolPath(of: stream, seq: row.int(4), object: try row.digest(5)),
                headerBytes: row.int64(6), storedBytes: row.int64(7))
        }
    }
}

extension SegmentRow.State {
    /// - Throws: `corrupt`.
    init(_ number: Int, of id: SegmentID) throws(StoreError) {
        guard let state = SegmentRow.State(rawValue: number) else {
            throw StoreError(.corrupt, "\(id) is in state \(number), which does not exist")
        }
        self = state
    }
}
