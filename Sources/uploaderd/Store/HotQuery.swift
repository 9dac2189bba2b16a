/// The statements that run for every segment, delivery or manifest. Each must find its rows by an index, whatever the
/// number of sessions and segments: a test reads their query plans.
package enum HotQuery: String, Sendable, CaseIterable {
    case nextSessionWaiting, waitingOfSession, nextRetirable, behind, supersededDue, openClaims
    case streamBySource, streamByName, liveFrom, liveBefore, mergeCandidates

    package var sql: String {
        switch self {
        case .nextSessionWaiting:
            """
            SELECT session_id FROM copies WHERE store_id = ?1 AND state = 0 AND session_id > ?2
            ORDER BY session_id LIMIT 1
            """
        case .waitingOfSession:
            """
            SELECT segment_id FROM copies WHERE store_id = ?1 AND state = 0 AND session_id = ?2
            ORDER BY segment_id LIMIT ?3
            """
        case .nextRetirable:
            """
            SELECT segment_id FROM copies WHERE store_id = ?1 AND listed = 1 AND spooled = 1 AND segment_id >= ?2
            ORDER BY segment_id LIMIT 1
            """
        case .behind:
            """
            SELECT e.sid FROM manifests m JOIN sessions e ON e.id = m.session_id
            WHERE m.store_id = ?1 AND m.wanted > m.published AND e.state = 'open' AND e.unresolved IS NULL
            ORDER BY m.wanted_at LIMIT ?2
            """
        case .supersededDue:
            """
            SELECT segment_id FROM copies WHERE store_id = ?1 AND superseded_at IS NOT NULL AND superseded_at <= ?2
            ORDER BY superseded_at LIMIT ?3
            """
        case .openClaims: "SELECT segment_id, store_id FROM copies WHERE state = 1 AND session_id = ?1"
        case .streamBySource: "SELECT id FROM streams WHERE root = ?1 AND path = ?2 ORDER BY id DESC LIMIT 1"
        case .streamByName:
            "SELECT t.id FROM streams t JOIN sessions e ON e.id = t.session_id WHERE e.sid = ?1 AND t.name = ?2"
        case .liveFrom:
            """
            SELECT id FROM segments s WHERE s.stream_id = ?1 AND s.generation = ?2 AND s.source_offset >= ?3
            AND s.source_offset < ?4 AND s.superseded_by IS NULL ORDER BY s.source_offset, s.id
            """
        case .liveBefore:
            """
            SELECT id FROM segments s WHERE s.stream_id = ?1 AND s.generation = ?2 AND s.source_offset <= ?3
            AND s.superseded_by IS NULL ORDER BY s.source_offset DESC, s.id DESC LIMIT 1
            """
        case .mergeCandidates:
            """
            SELECT e.sid, t.name FROM streams t JOIN sessions e ON e.id = t.session_id WHERE t.unmerged > 1
            ORDER BY t.unmerged DESC LIMIT ?1
            """
        }
    }
}

extension Store {
    /// How SQLite would find the rows of a statement: the lines of EXPLAIN QUERY PLAN.
    package func plan(of query: HotQuery) throws(StoreError) -> [String] {
        try catalog().rows("EXPLAIN QUERY PLAN \(query.sql)") { (row) throws(StoreError) in row.text(3) }
    }
}
