import Shared

/// What rows of a sound database must not say of each other. SQLite does not know, and whoever believed it would leave lines out,
/// or delete an object in whose place nothing is: as with a database that cannot be read, all is made anew from what is elsewhere.
extension Catalog {
    /// - Throws: `corrupt`.
    func requireAgreement() throws(StoreError) {
        for (query, sentence) in Self.contradictions where try number("SELECT EXISTS (\(query))") != 0 {
            throw StoreError(.corrupt, "the catalog \(path) contradicts itself: \(sentence)")
        }
    }

    /// Each looks at every row of one table at most once, with an index for the others.
    static let contradictions: [(query: String, sentence: String)] = [
        (
            """
            SELECT 1 FROM streams WHERE generation < 1 OR offset < 0 OR line < 0 OR next_seq < 1
            OR (head_length > 0) <> (head_mac IS NOT NULL) OR (tail_length > 0) <> (tail_mac IS NOT NULL)
            """, "a stream's cursor cannot be"
        ),
        (
            "SELECT 1 FROM sessions e LEFT JOIN standings n ON n.sid = e.sid WHERE e.state <> coalesce(n.standing, 'open')",
            "a session is private, excluded, forgotten or none of these in one place, and not so in another"
        ),
        (
            "SELECT 1 FROM segments s LEFT JOIN streams t ON t.id = s.stream_id WHERE t.next_seq IS NULL OR s.seq >= t.next_seq",
            "a segment has a number that its stream did not give"
        ),
        (
            """
            SELECT 1 FROM segments s LEFT JOIN segments p ON p.id = s.superseded_by WHERE s.superseded_by IS NOT NULL
            AND (p.id IS NULL OR p.stream_id <> s.stream_id OR p.generation <> s.generation
                OR s.partial = 0 AND (s.source_offset + s.source_bytes <= p.source_offset
                    OR s.source_offset + s.source_bytes > p.source_offset + p.source_bytes))
            """, "a segment was replaced by one that does not hold its lines"
        ),
        (
            """
            SELECT 1 FROM copies c LEFT JOIN segments s ON s.id = c.segment_id LEFT JOIN streams t ON t.id = s.stream_id
            WHERE t.session_id IS NULL OR t.session_id <> c.session_id OR c.state NOT BETWEEN 0 AND 5
            OR NOT EXISTS (SELECT 1 FROM stores WHERE id = c.store_id)
            """, "a copy is of no segment, or of another session's"
        ),
        (
            """
            SELECT 1 FROM manifests m WHERE published > wanted OR NOT EXISTS (SELECT 1 FROM sessions WHERE id = m.session_id)
            OR NOT EXISTS (SELECT 1 FROM stores WHERE id = m.store_id)
            """, "a manifest was put that nobody wanted"
        ),
    ]
}
