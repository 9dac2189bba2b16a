import Digests
package import Segments
package import Shared

extension Store {
    /// Sessions whose manifest at the store is behind what the store has, the longest waiting first.
    package func publishable(to store: StoreID, limit: Int = 1_000) throws(StoreError) -> [SessionID] {
        guard let row = try storeRow(store), standingsFault == nil else { return [] }
        return try catalog().rows(
            """
            SELECT e.sid FROM manifests m JOIN sessions e ON e.id = m.session_id
            WHERE m.store_id = ?1 AND m.wanted > m.published AND e.state = 'open' AND e.unresolved IS NULL
            ORDER BY m.wanted_at LIMIT ?2
            """, row, limit
        ) { (row) throws(StoreError) in try row.session(0) }.filter { !unrecorded.contains($0) }
    }

    /// What the next manifest of the session at the store says.
    ///
    /// - Parameter policy: how what the store has is going to be joined: no more is listed than that will leave.
    /// - Throws: `unknown`.
    package func manifestBasis(
        of session: SessionID, at store: StoreID, within policy: MergePolicy? = nil
    ) throws(StoreError) -> ManifestBasis {
        try catalog().reading { () throws(StoreError) in try basis(of: session, at: store, within: policy) }
    }

    private func basis(
        of session: SessionID, at store: StoreID, within policy: MergePolicy?
    ) throws(StoreError) -> ManifestBasis {
        let catalog = try catalog()
        let sessionRow = try knownSession(session)
        guard let storeRow = try storeRow(store) else { throw StoreError(.unknown, "there is no store \(store)") }
        let found = try catalog.row(
            """
            SELECT e.created_at, e.writer, e.ended_at, e.end_reason, e.continues, e.extra, m.epoch, m.wanted, e.facts
            FROM sessions e LEFT JOIN manifests m ON m.session_id = e.id AND m.store_id = ?2 WHERE e.id = ?1
            """, sessionRow, storeRow
        ) { (row) throws(StoreError) in
            var facts = try row.json(8, SessionFacts.self)
            if let ended = row.optionalInt64(2) { facts.endedAt = RFC3339.text(WallTime(nanoseconds: ended)) }
            if let reason = row.optionalText(3) { facts.endReason = reason }
            return ManifestBasis(
                session: session, store: store, writer: row.text(1), epoch: row.int(6) + 1,
                createdAt: WallTime(nanoseconds: row.int64(0)), at: time.wall, facts: facts,
                continues: try row.isNull(4) ? nil : row.json(4, JSONValue.self),
                extra: try row.isNull(5) ? [:] : row.json(5, [String: JSONValue].self), streams: [], gaps: [],
                superseded: [], revision: row.int64(7), sessionRow: sessionRow, storeRow: storeRow, newlyListed: [],
                newlySuperseded: [])
        }
        guard var basis = found else { throw StoreError(.unknown, "there is no session \(session)") }
        if basis.writer.isEmpty { basis.writer = try writer() }
        basis.superseded = try superseded(of: sessionRow, at: storeRow)
        let streams = try catalog.streams(of: sessionRow)
        let rows = try streams.map { (stream) throws(StoreError) in try catalog.segments(of: stream, at: storeRow) }
        var listings = zip(streams, rows).map { Listing($1, baseOffset: $0.baseOffset, isRecut: $0.recutEnd > 0) }
        basis.contradiction = listings.lazy.compactMap(\.contradiction).first
        if let policy {
            let candidates = listings.map { listing in listing.listed.map { MergeCandidate($0.record) } }
            let admitted = policy.admitted(
                of: candidates,
                atLeast: zip(listings, rows).map { Listing.known(of: $0.listed, among: $1) })
            for index in streams.indices where admitted[index] < listings[index].listed.count {
                listings[index] = Listing(
                    rows[index], baseOffset: streams[index].baseOffset, isRecut: streams[index].recutEnd > 0,
                    most: admitted[index])
            }
        }
        for (stream, listing) in zip(streams, listings) { try describe(stream, listing, in: &basis) }
        let listed = Set(listings.flatMap { $0.listed.map(\.id) })
        let named = Set(basis.superseded.map(\.path)).union(listings.flatMap { $0.listed.map(\.record.objectPath) })
        let replaced = try replaced(by: listed, of: sessionRow, at: storeRow).filter { !named.contains($0.path) }
        basis.newlyReplaced = replaced.map(\.path)
        basis.superseded += replaced.map {
            SupersededObject(path: $0.path, at: RFC3339.text(basis.at), isRedacted: $0.isSecret)
        }
        return basis
    }

    private func describe(
        _ stream: StreamRow, _ listing: Listing, in basis: inout ManifestBasis
    ) throws(StoreError) {
        var result = StreamBasis(
            stream: stream.key, kind: stream.kind, agentID: stream.agentID, activeSeq: stream.cursor.nextSeq,
            segments: try foreignEntries("segment", of: stream, at: basis.storeRow, ManifestSegment.self),
            checkpoints: try foreignEntries("checkpoint", of: stream, at: basis.storeRow, ManifestCheckpoint.self),
            newCheckpoints: [], chains: [:])
        var outdated: Set<Int> = []
        for row in listing.listed {
            if try isRewritten(row) { outdated.insert(row.record.generation) }
            var entry = ManifestSegment(row.record)
            entry.extra = row.extra
            result.segments.append(entry)
            result.chains[row.record.generation] = row.isChainKnown ? row.record.chain : nil
            let isNew = row.copy?.isListed != true
            if isNew { basis.newlyListed.append(row.id) }
        }
        // A digest of bytes that are not all there tells nobody anything.
        for gap in listing.gaps where gap.aside != nil { result.chains[gap.record.generation] = nil }
        // Old lines stand for new ones that are not there yet, which the digests behind them count.
        for generation in outdated { result.chains[generation] = nil }
        try addCheckpoints(of: stream, listing: listing, to: &result)
        basis.gaps += listing.gaps.map { $0.manifestGap }
        for row in listing.superseded {
            basis.superseded.append(
                SupersededObject(
                    path: row.record.objectPath, at: RFC3339.text(basis.at), isRedacted: try isSecret(row.id)))
            basis.newlySuperseded.append(row.id)
        }
        basis.streams.append(result)
    }

    /// Whether what replaced the row, at once or in steps, has other bytes.
    private func isRewritten(_ row: SegmentRow) throws(StoreError) -> Bool {
        var next = row.supersededBy
        while let id = next, let whole = try catalog().segment(id) {
            if whole.record.isUnlike(row.record) { return true }
            next = whole.supersededBy
        }
        return false
    }

    private func addCheckpoints(
        of stream: StreamRow, listing: Listing, to result: inout StreamBasis
    ) throws(StoreError) {
        let all = try catalog().rows(
            """
            SELECT c.segment_id, c.record FROM checkpoints c JOIN segments s ON s.id = c.segment_id
            WHERE s.stream_id = ?1 ORDER BY s.generation, c.line
            """, stream.id
        ) { (row) throws(StoreError) in (row.segment(0), try row.json(1, CheckpointRecord.self)) }
        guard !all.isEmpty else { return }
        var wasListed: [SegmentID: Bool] = [:]
        for row in listing.listed { wasListed[row.id] = row.copy?.isListed == true }
        for (id, checkpoint) in all {
            guard let old = wasListed[id] else { continue }
            result.checkpoints.append(ManifestCheckpoint(checkpoint))
            if !old { result.newCheckpoints.append(checkpoint) }
        }
    }

    private func foreignEntries<Entry: Decodable>(
        _ kind: String, of stream: StreamRow, at store: Int64, _ type: Entry.Type
    ) throws(StoreError) -> [Entry] {
        try catalog().rows(
            """
            SELECT entry FROM foreign_entries WHERE stream_id = ?1 AND store_id = ?2 AND kind = ?3 ORDER BY position
            """, stream.id, store, kind
        ) { (row) throws(StoreError) in try row.json(0, type) }
    }

    /// Notes that the manifest made from `basis` is in the store, whole: the segments that it names may leave the spool.
    package nonisolated(nonsending) func recordManifest(
        _ basis: ManifestBasis, digest: Digest256
    ) async throws(StoreError) { _ = try await submit(.manifest(basis, digest)) }

    func performManifest(_ basis: ManifestBasis, digest: Digest256) throws(StoreError) {
        let catalog = try catalog()
        try catalog.run(
            """
            INSERT INTO manifests (session_id, store_id, epoch, digest, published, wanted_at, published_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (session_id, store_id) DO UPDATE SET
            epoch = max(epoch, ?3), digest = ?4, published = max(published, ?5), published_at = ?6
            """, basis.sessionRow, basis.storeRow, basis.epoch, digest, basis.revision, time.wall)
        for id in basis.newlyListed {
            try catalog.run(
                "UPDATE copies SET listed = 1 WHERE segment_id = ?1 AND store_id = ?2 AND state = 2", id,
                basis.storeRow)
        }
        for id in basis.newlySuperseded { try noteSuperseded(id, of: basis) }
        for path in basis.newlyReplaced { try noteSuperseded(path, of: basis) }
        if let kept = kept[basis.sessionRow] {
            try catalog.run(
                "UPDATE sessions SET kept_size = ?2, kept_modified = ?3, kept_extent = ?4 WHERE id = ?1",
                basis.sessionRow, kept.size, kept.modified, kept.extent)
        }
    }

    /// The manifest that was put last.
    ///
    /// - Returns: its digest, if this catalog's life has put it, and whether another is to be put; `nil`: none was put that is known of.
    package func publishedManifest(
        of session: SessionID, at store: StoreID
    ) throws(StoreError) -> (digest: Digest256?, isBehind: Bool)? {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store), let sessionRow = try catalog.sessionRow(session) else { return nil }
        return try catalog.row(
            "SELECT digest, wanted > published FROM manifests WHERE session_id = ?1 AND store_id = ?2", sessionRow,
            storeRow
        ) { (row) throws(StoreError) in (row.optionalDigest(0), row.int(1) != 0) }
    }

    /// What the store has in the place of the session's manifest is not what was put.
    package func wantManifest(of session: SessionID, at store: StoreID) throws(StoreError) {
        guard let storeRow = try storeRow(store) else { return }
        try wantManifest(of: try knownSession(session), at: storeRow)
    }

    /// Every manifest of the session is to be made again, though nothing of it was sealed.
    package func wantManifests(of session: SessionID) throws(StoreError) {
        try wantManifests(of: try knownSession(session))
    }

    /// The session's manifest at the store is behind; inside a transaction.
    func wantManifest(of sessionRow: Int64, at storeRow: Int64) throws(StoreError) {
        try catalog().run(
            """
            INSERT INTO manifests (session_id, store_id, wanted, wanted_at) VALUES (?1, ?2, 1, ?3)
            ON CONFLICT (session_id, store_id) DO UPDATE SET wanted = wanted + 1,
            wanted_at = CASE WHEN wanted > published THEN wanted_at ELSE ?3 END
            """, sessionRow, storeRow, time.wall)
    }

    /// Wherever the session has a manifest it is behind; inside a transaction.
    func wantManifests(of sessionRow: Int64) throws(StoreError) {
        try catalog().run(
            """
            UPDATE manifests SET wanted_at = CASE WHEN wanted > published THEN wanted_at ELSE ?2 END,
            wanted = wanted + 1 WHERE session_id = ?1
            """, sessionRow, time.wall)
    }
}
