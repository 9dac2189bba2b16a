package import Segments
package import Shared

/// What a merge policy decides on.
package struct MergeInput: Sendable {
    /// Live segments that are in no gap, in the order of the source.
    package var segments: [StoredSegment]
    package var checkpoints: [CheckpointRecord]
    /// The session has ended.
    package var isEnded: Bool
    /// What `settleMerge` compares: grows with each segment that is added.
    var unmerged: Int64
}

extension Store {
    /// Streams to which segments were added since they were last merged or settled, the most first.
    package func mergeCandidates(limit: Int = 64) throws(StoreError) -> [StreamKey] {
        try catalog().rows(
            """
            SELECT e.sid, t.name FROM streams t JOIN sessions e ON e.id = t.session_id
            WHERE t.unmerged > 1 AND e.state = 'open' ORDER BY t.unmerged DESC LIMIT ?1
            """, limit
        ) { (row) throws(StoreError) in
            StreamKey(session: try row.session(0), stream: try row.stream(1))
        }
    }

    package func mergeInput(of stream: StreamKey) throws(StoreError) -> MergeInput {
        let catalog = try catalog()
        let row = try knownStream(stream)
        let unmerged = try catalog.number("SELECT unmerged FROM streams WHERE id = ?1", row.id)
        var input = MergeInput(segments: [], checkpoints: [], isEnded: false, unmerged: unmerged)
        let aside = try setAside(of: row)
        for segment in try catalog.segments(of: row)
        where segment.supersededBy == nil && (segment.state == .spooled || segment.state == .retired)
            && !aside.contains(segment.id)
        {
            input.segments.append(try stored(segment))
            input.checkpoints += try catalog.checkpoints(of: segment.id)
        }
        input.isEnded =
            try catalog.number("SELECT ended_at IS NOT NULL FROM sessions WHERE id = ?1", row.sessionRow) != 0
        return input
    }

    /// Takes the stream off the candidates until more is added: there was nothing to join in what was looked at. Where
    /// more was added since, it stays one.
    package func settleMerge(of stream: StreamKey, _ seen: MergeInput) throws(StoreError) {
        try catalog().run(
            "UPDATE streams SET unmerged = 1 WHERE id = ?1 AND unmerged = ?2", try knownStream(stream).id,
            seen.unmerged)
    }

    /// Takes over a segment that joins neighbours: file, row, and the parts superseded, which leave the spool.
    ///
    /// Where the parts were put they stay until a manifest lists the new one. Its checkpoints are those of its parts.
    ///
    /// - Throws: `stale` when the parts are not exactly what the segment covers; then nothing was changed.
    package func sealMerged(_ segment: SealedSegment, replacing ids: [SegmentID]) throws(StoreError) -> SegmentID {
        let catalog = try catalog()
        let record = segment.record
        try requireOpen(record.stream.session)
        let stream = try knownStream(record.stream)
        try removeLeftovers(of: record.stream)
        let parts = try mergeable(ids, record, stream)
        let id = try takeOver(segment, from: parts, of: stream, at: TakeoverPoints(sealed: .mergeSealed)) {
            (id) throws(StoreError) in
            for part in parts {
                for checkpoint in try catalog.checkpoints(of: part.id) {
                    try catalog.insert(checkpoint.moved(to: record), of: id)
                }
            }
        }
        log.record(
            Event(
                .merged, "\(parts.count) segments were joined to one", session: record.stream.session,
                fields: ["STREAM": "\(record.stream.stream)", "SEGMENT": record.objectName]))
        return id
    }

    private func mergeable(
        _ ids: [SegmentID], _ record: SegmentRecord, _ stream: StreamRow
    ) throws(StoreError) -> [SegmentRow] {
        let covered = try catalog().live(
            stream, generation: record.generation, from: record.sourceOffset, to: record.sourceEnd)
        var end = record.sourceOffset
        var lines = 0
        for row in covered {
            let isThere = row.state == .spooled || row.state == .retired
            guard isThere, row.record.sourceOffset == end, row.record.codec == record.codec else { break }
            end = row.sourceEnd
            lines += row.record.lines
        }
        guard covered.count > 1, Set(covered.map(\.id)) == Set(ids), end == record.sourceEnd, lines == record.lines,
            covered.first?.record.firstLine == record.firstLine, covered.last?.record.seq == record.seq
        else {
            throw StoreError(
                .stale, "the \(ids.count) segments are not what merged segment \(record.seq) of \(record.stream) covers"
            )
        }
        return covered
    }
}

extension CheckpointRecord {
    /// The same line, counted in the segment that now holds it.
    func moved(to segment: SegmentRecord) -> CheckpointRecord {
        var moved = self
        moved.seq = segment.seq
        moved.lineIndex = line - segment.firstLine + 1
        return moved
    }
}
