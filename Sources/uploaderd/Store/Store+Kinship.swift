package import Shared

/// How a manifest that an earlier life of ours put stands to a session that may be known here.
package enum ManifestStanding: Sendable, Hashable {
    /// The session's own.
    case own
    /// What is known here of the session was cut without knowing it, and does not fit: nothing was changed.
    case unfit
    /// Of a life that the session does not go on from: another writer's. Nothing was changed.
    case another
}

extension Store {
    private enum Kinship {
        case own
        /// What is here of the session was begun anew, or lay in the spool, and nothing says by which life: its own, if it
        /// fits.
        case perhaps
        case another
    }

    private func kinship(of manifest: Manifest, to session: SessionID) throws(StoreError) -> Kinship {
        let known = try catalog().row(
            """
            SELECT writer, unresolved IS NOT NULL,
                EXISTS (SELECT 1 FROM streams t CROSS JOIN segments s ON s.stream_id = t.id
                    CROSS JOIN copies c ON c.segment_id = s.id WHERE t.session_id = sessions.id AND c.tried = 1),
                EXISTS (SELECT 1 FROM streams t WHERE t.session_id = sessions.id AND t.segments > 0)
            FROM sessions WHERE sid = ?1
            """, session
        ) { (row) throws(StoreError) in
            (writer: row.optionalText(0), isUnresolved: row.bool(1), isSent: row.bool(2), hasSegments: row.bool(3))
        }
        guard let known else { return .own }
        if let writer = known.writer, !writer.isEmpty { return writer == manifest.writer ? .own : .another }
        guard known.hasSegments, manifest.writer != (try writer()) else { return .own }
        // Of an unresolved one it is not known whether any of it was sent, nor as whose.
        return known.isSent && !known.isUnresolved ? .another : .perhaps
    }

    /// Makes rows from a manifest. Taking the same one up twice changes nothing more.
    ///
    /// An entry stands for lines that are known, or these for it, only where both are the same bytes. Of each stream what lies
    /// before the first entry of which that is not so is taken up; of a manifest that is ours only if it fits all or nothing.
    ///
    /// - Parameters:
    ///   - store: where it was read: its segments are there. `nil`: known from elsewhere, no receipts follow.
    ///   - origin: `.own` also makes its writer the session's.
    ///   - same: paths of entries that were doubted, then read, and hold what is known.
    package func takeUp(
        _ manifest: Manifest, at store: StoreID?, as origin: ManifestOrigin, same: Set<String> = []
    ) throws(StoreError) -> TakeUpResult {
        var kinship = Kinship.own
        if origin == .own, let session = SessionID(manifest.sid) {
            kinship = try self.kinship(of: manifest, to: session)
            if kinship == .another { return TakeUpResult(.another) }
            if let reused = try reusedNumber(in: manifest, of: session) {
                return TakeUpResult(kinship == .own ? .own : .unfit, conflicts: [reused])
            }
        }
        var (result, unneeded) = try catalog().transaction { () throws(StoreError) in
            try takeUpRows(
                manifest, at: store.map { [$0] } ?? [], isPublished: store != nil, as: origin, same: same)
        } undoneIf: { result, _ in
            kinship == .perhaps && !(result.conflicts.isEmpty && result.doubts.isEmpty)
        }
        if kinship == .perhaps, !(result.conflicts.isEmpty && result.doubts.isEmpty) {
            (result, unneeded) = (result.undone, [])
        }
        removeFiles(of: unneeded)
        if result.added > 0 {
            log.record(
                Event(
                    .sessionTakenUp, "segments of an earlier life are taken up from a manifest",
                    session: SessionID(manifest.sid), fields: ["SEGMENTS": "\(result.added)"]))
        }
        return result
    }

    /// A sequence number stands for one run of lines, which a merge may make longer: two that share one and no line were cut by
    /// two lives that did not know of each other.
    private func reusedNumber(in manifest: Manifest, of session: SessionID) throws(StoreError) -> String? {
        for name in manifest.streamNames {
            guard let stream = try catalog().stream(StreamKey(session: session, stream: name)) else { continue }
            let known = try catalog().segments(of: stream).lazy.filter { $0.supersededBy == nil }.map(\.record)
            let own = Dictionary(known.map { ($0.seq, $0) }) { first, _ in first }
            for entry in manifest.entries(of: name).segments {
                guard let mine = own[entry.seq], mine.objectPath != entry.path, let line = entry.firstLine else {
                    continue
                }
                let isApart = line > mine.firstLine - 1 + mine.lines || line + entry.lines <= mine.firstLine
                if isApart || entry.generation != mine.generation {
                    return "\(entry.path) has the number of other lines"
                }
            }
        }
        return nil
    }
}
