package import Shared

/// What is to be checked in the source before a rebuilt cursor is trusted.
package enum CursorEvidence: Sendable, Hashable {
    /// The last segment before the cursor: its `sourceMAC` over its source range. `nil`: nothing is known of it.
    case segment(SegmentRecord?)
    /// The last segment that another program uploaded: a plain SHA-256 of the range before the cursor, where it gave one.
    case foreign(offset: Int64, bytes: Int64, checksum: Digest256?)
}

/// What a manifest says of a session before it lists anything.
package struct SessionPreface: Sendable {
    package var createdAt: WallTime
    package var facts: SessionFacts
    package var continues: JSONValue?
}

extension Store {
    /// - Returns: `nil` for a stream of which nothing was sealed or taken up.
    package func cursor(of stream: StreamKey) throws(StoreError) -> StreamCursor? {
        try catalog().stream(stream)?.cursor
    }

    package func source(of stream: StreamKey) throws(StoreError) -> SourceInfo? { try catalog().stream(stream)?.source }

    /// Of the stream whose lines the file at this path gave last.
    package func cursor(ofRoot root: String, relativePath: String) throws(StoreError) -> StreamCursor? {
        try catalog().stream(root: root, relativePath: relativePath)?.cursor
    }

    /// The streams to which a file with this identity gave lines last, by whatever path. Only its bytes prove it.
    package func streams(ofFile file: FileIdentity) throws(StoreError) -> [(cursor: StreamCursor, source: SourceInfo)] {
        try catalog().streams(ofFile: file).compactMap { row in row.source.map { (row.cursor, $0) } }
    }

    /// The streams whose first bytes have this keyed digest, of which the most was taken first. Only all their bytes prove it.
    package func streams(
        beginningWith head: Digest256
    ) throws(StoreError) -> [(cursor: StreamCursor, source: SourceInfo)] {
        try catalog().streams(beginningWith: head).compactMap { row in row.source.map { (row.cursor, $0) } }
    }

    /// - Returns: `nil` when marks and chain belong to the cursor, so that the marks say all.
    package func evidence(of stream: StreamKey) throws(StoreError) -> CursorEvidence? {
        let catalog = try catalog()
        guard let row = try catalog.stream(stream), !row.isVerified else { return nil }
        let cursor = row.cursor
        guard cursor.offset > 0 else { return nil }
        if cursor.generation == 1, cursor.offset == row.baseOffset, row.baseOffset > 0 {
            return try foreignEvidence(row)
        }
        let last = try catalog.live(row, generation: cursor.generation, atOrBefore: cursor.offset - 1)
        return .segment(last?.sourceEnd == cursor.offset ? last?.record : nil)
    }

    private func foreignEvidence(_ row: StreamRow) throws(StoreError) -> CursorEvidence {
        let last = try catalog().row(
            "SELECT entry FROM foreign_entries WHERE stream_id = ?1 AND kind = 'segment' ORDER BY position DESC LIMIT 1",
            row.id
        ) { (row) throws(StoreError) in try row.json(0, ManifestSegment.self) }
        guard let last else { return .segment(nil) }
        return .foreign(
            offset: row.baseOffset - last.bytesUncompressed, bytes: last.bytesUncompressed, checksum: last.checksum)
    }

    /// Stores marks, file and chain that were rebuilt by reading the source, for a cursor that `evidence` doubted, and where
    /// the source is, if nothing said so.
    ///
    /// - Throws: `stale` when the cursor has moved meanwhile.
    package func markRecomputed(_ cursor: StreamCursor, from source: SourceInfo) throws(StoreError) {
        let row = try knownStream(cursor.stream)
        try requireSamePlace(row.cursor, generation: cursor.generation, offset: cursor.offset)
        var next = row.cursor
        next.marks = cursor.marks
        next.file = cursor.file
        next.chainState = cursor.chainState
        try catalog().transaction { () throws(StoreError) in
            try catalog().setCursor(next, of: row.id, isVerified: true)
            if row.source == nil { try catalog().setSource(source, of: row.id) }
        }
    }

    /// Stores the state of the chain at the cursor, rebuilt from what the generation's segments hold.
    ///
    /// - Throws: `stale` when the cursor has moved meanwhile.
    package func setChain(
        _ state: [UInt8], of stream: StreamKey, generation: Int, offset: Int64
    ) throws(StoreError) {
        let row = try knownStream(stream)
        try requireSamePlace(row.cursor, generation: generation, offset: offset)
        try catalog().run("UPDATE streams SET chain_state = ?2 WHERE id = ?1", row.id, state)
    }

    private func requireSamePlace(_ cursor: StreamCursor, generation: Int, offset: Int64) throws(StoreError) {
        guard cursor.generation == generation, cursor.offset == offset else {
            throw StoreError(
                .stale,
                "the cursor of \(cursor.stream) is at byte \(cursor.offset) of generation \(cursor.generation), not at "
                    + "byte \(offset) of generation \(generation)")
        }
    }

    /// The stream's file is another one from now on.
    ///
    /// - Parameters:
    ///   - old: where it was; of a stream that was rebuilt, where its manifest says that it was.
    ///   - other: the stream that has the new place, though its file is not there any more. It gets the old place in
    ///     exchange: there its file is when two exchanged their names, and several that did it in a circle come right one
    ///     after the other.
    /// - Returns: `false` when something of that is not so any more: of several that hold its bytes one was first.
    package func move(
        _ stream: StreamKey, from old: SourceInfo, to source: SourceInfo, inPlaceOf other: StreamKey?
    ) throws(StoreError) -> Bool {
        let catalog = try catalog()
        let row = try knownStream(stream)
        let there = try catalog.stream(root: source.root, relativePath: source.relativePath)
        guard (row.source ?? old) == old, there?.key == other else { return false }
        try catalog.transaction { () throws(StoreError) in
            if let there, var left = there.source {
                left.agent = old.agent
                left.root = old.root
                left.relativePath = old.relativePath
                try catalog.setSource(left, of: there.id)
            }
            try catalog.setSource(source, of: row.id)
        }
        return true
    }

    /// Lays `facts` over what is known; manifests are behind only if that changed something.
    package func note(_ facts: SessionFacts, of session: SessionID) throws(StoreError) {
        let catalog = try catalog()
        try catalog.transaction { () throws(StoreError) in
            let row = try catalog.ensureSession(session, facts: SessionFacts(), at: time.wall)
            if try lay(facts, over: row) { try wantManifests(of: row) }
        }
    }

    /// Lays `facts` over what is known; inside a transaction.
    ///
    /// - Parameter fillsIn: what is known stays.
    /// - Returns: whether that changed something.
    func lay(_ facts: SessionFacts, over sessionRow: Int64, fillsIn: Bool = false) throws(StoreError) -> Bool {
        let known = try self.facts(of: sessionRow)
        let merged = fillsIn ? facts.merged(with: known) : known.merged(with: facts)
        guard merged != known else { return false }
        try catalog().run("UPDATE sessions SET facts = ?2 WHERE id = ?1", sessionRow, try jsonText(merged))
        return true
    }

    /// The session has ended; the next segment of its main stream makes that undone.
    ///
    /// - Parameter at: `nil`: now.
    package func setEnded(_ session: SessionID, reason: String, at: WallTime? = nil) throws(StoreError) {
        let row = try knownSession(session)
        let catalog = try catalog()
        try catalog.transaction { () throws(StoreError) in
            try catalog.run(
                """
                UPDATE sessions SET ended_at = coalesce(ended_at, ?2), end_reason = ?3
                WHERE id = ?1 AND (ended_at IS NULL OR end_reason IS NOT ?3)
                """, row, at ?? time.wall, reason)
            guard catalog.changes > 0 else { return }
            try wantManifests(of: row)
            // All that is small is to be joined now, also where nothing was added since the last look.
            try catalog.run("UPDATE streams SET unmerged = max(unmerged, 1) + 1 WHERE session_id = ?1", row)
        }
    }

    /// What our manifest says of another writer's that it goes on from.
    package func setContinues(_ continues: JSONValue?, of session: SessionID) throws(StoreError) {
        let row = try knownSession(session)
        let catalog = try catalog()
        let text: String?
        if let continues { text = try jsonText(continues) } else { text = nil }
        try catalog.transaction { () throws(StoreError) in
            try catalog.run("UPDATE sessions SET continues = ?2 WHERE id = ?1 AND continues IS NOT ?2", row, text)
            if catalog.changes > 0 { try wantManifests(of: row) }
        }
    }

    /// What `setContinues` noted last.
    package func continues(of session: SessionID) throws(StoreError) -> JSONValue? {
        try catalog().row("SELECT continues FROM sessions WHERE sid = ?1", session) { (row) throws(StoreError) in
            try row.isNull(0) ? nil : row.json(0, JSONValue.self)
        } ?? nil
    }

    /// - Returns: `nil` for a session that is not known.
    package func preface(of session: SessionID) throws(StoreError) -> SessionPreface? {
        try catalog().row("SELECT created_at, facts, continues FROM sessions WHERE sid = ?1", session) {
            (row) throws(StoreError) in
            SessionPreface(
                createdAt: WallTime(nanoseconds: row.int64(0)), facts: try row.json(1, SessionFacts.self),
                continues: try row.isNull(2) ? nil : row.json(2, JSONValue.self))
        }
    }

    /// Sessions of which nothing may be cut, with the reason.
    package func unresolved() throws(StoreError) -> [(session: SessionID, reason: String)] {
        try catalog().rows(
            "SELECT sid, unresolved FROM sessions INDEXED BY sessions_unresolved WHERE unresolved IS NOT NULL ORDER BY id"
        ) { (row) throws(StoreError) in (try row.session(0), row.text(1)) }
    }

    /// - Throws: `unresolved` when nothing of the session may be cut.
    package func requireResolved(_ session: SessionID) throws(StoreError) {
        let state = try catalog().row("SELECT unresolved FROM sessions WHERE sid = ?1", session) {
            (row) throws(StoreError) in row.optionalText(0)
        }
        guard let reason = state ?? nil else { return }
        throw StoreError(
            .unresolved, "nothing of session \(session) is cut: \(reason)",
            hint: "it goes on when every destination has answered; `uploaderctl status` shows them")
    }

    /// Lets the session be cut again. Where its segments leave out a range, the cursor goes back to the beginning of it.
    package func resolve(_ session: SessionID) throws(StoreError) {
        let row = try knownSession(session)
        let catalog = try catalog()
        try catalog.transaction { () throws(StoreError) in
            try catalog.run("UPDATE sessions SET unresolved = NULL WHERE id = ?1", row)
            for stream in try catalog.streams(of: row) { try rebuildCursor(stream) }
            try wantManifests(of: row)
        }
    }

    /// Gives up a lost segment that the source cannot give back: its range becomes an entry of `gaps`, and the cursor
    /// goes on behind what follows it.
    package func recordGap(_ id: SegmentID, reason: String) throws(StoreError) {
        let catalog = try catalog()
        guard let row = try catalog.segment(id), row.state == .lost, row.supersededBy == nil,
            let stream = try catalog.stream(row.streamRow)
        else { throw StoreError(.unknown, "\(id) is not lost") }
        try catalog.transaction { () throws(StoreError) in
            try catalog.run("UPDATE segments SET state = 3, reason = ?2 WHERE id = ?1", id, reason)
            try rebuildCursor(stream)
            try wantManifests(of: stream.sessionRow)
        }
    }

    /// The source is there again, as it was taken: what is missing of its generation is no gap any more, and is to be cut again.
    ///
    /// - Returns: whether there was any; then the cursor is before it.
    package func reopenGaps(of stream: StreamKey, generation: Int) throws(StoreError) -> Bool {
        let catalog = try catalog()
        // Asked whenever a source has something to take, and nearly always in vain: that writes nothing.
        guard let row = try catalog.stream(stream),
            try catalog.number(
                """
                SELECT count(*) FROM segments INDEXED BY segments_gaps
                WHERE stream_id = ?1 AND generation = ?2 AND state = 3 AND superseded_by IS NULL
                """, row.id, generation) > 0
        else { return false }
        try catalog.transaction { () throws(StoreError) in
            try catalog.run(
                """
                UPDATE segments INDEXED BY segments_gaps SET state = 2, reason = NULL
                WHERE stream_id = ?1 AND generation = ?2 AND state = 3 AND superseded_by IS NULL
                """, row.id, generation)
            try rebuildCursor(row)
            try verifyFromSpool(row)
            try wantManifests(of: row.sessionRow)
        }
        return true
    }

    func facts(of sessionRow: Int64) throws(StoreError) -> SessionFacts {
        try catalog().row("SELECT facts FROM sessions WHERE id = ?1", sessionRow) {
            (row) throws(StoreError) in try row.json(0, SessionFacts.self)
        } ?? SessionFacts()
    }
}
