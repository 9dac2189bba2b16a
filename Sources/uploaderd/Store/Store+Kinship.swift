package import Shared

/// Whether a manifest that an earlier life of ours put is that of a session that is known here.
extension Store {
    /// Whose a manifest is that an earlier life of ours put, beside a session that is known here.
    private enum Kinship {
        /// The session's own.
        case own
        /// The session was begun anew here, and nothing of it was sent: its own, if it fits.
        case perhaps
        /// Of a life that the session does not go on from: it is another writer's.
        case another
    }

    private func kinship(of manifest: Manifest, to session: SessionID) throws(StoreError) -> Kinship {
        let known = try catalog().row(
            """
            SELECT writer, unresolved IS NOT NULL,
                EXISTS (SELECT 1 FROM copies c WHERE c.session_id = sessions.id AND c.tried = 1),
                EXISTS (SELECT 1 FROM streams t WHERE t.session_id = sessions.id AND t.segments > 0)
            FROM sessions WHERE sid = ?1
            """, session
        ) { (row) throws(StoreError) in
            (writer: row.optionalText(0), isUnresolved: row.bool(1), isSent: row.bool(2), hasSegments: row.bool(3))
        }
        guard let known, !known.isUnresolved else { return .own }
        if let writer = known.writer, !writer.isEmpty { return writer == manifest.writer ? .own : .another }
        guard known.hasSegments, manifest.writer != (try writer()) else { return .own }
        return known.isSent ? .another : .perhaps
    }

    /// Makes rows from a manifest. Taking the same one up twice changes nothing more.
    ///
    /// An entry stands for lines that are known, or these for it, only where both are the same bytes. Of each stream what lies
    /// before the first entry of which that is not so is taken up.
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
        }
        if kinship == .another { return TakeUpResult() }
        let catalog = try catalog()
        var (result, unneeded) = (TakeUpResult(), [SegmentRow]())
        do throws(StoreError) {
            try catalog.transaction { () throws(StoreError) in
                (result, unneeded) = try takeUpRows(
                    manifest, at: store.map { [$0] } ?? [], isPublished: store != nil, as: origin, same: same)
                guard kinship != .perhaps || (result.conflicts + result.doubts.map(\.entry.objectPath)).isEmpty else {
                    throw StoreError(.stale, "the session was cut otherwise in this life")
                }
            }
        } catch {
            guard kinship == .perhaps, error.code == .stale else { throw error }
            return TakeUpResult()
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
}
