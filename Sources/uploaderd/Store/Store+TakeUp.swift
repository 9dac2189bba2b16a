import Shared

/// Taking up a manifest: its segments become rows, as far as they fit what is known.
extension Store {
    /// Makes rows from a manifest, inside a transaction: see `takeUp`.
    ///
    /// - Parameter isPublished: the manifest is known to be in the stores; else only its objects are.
    /// - Returns: also the rows whose files are not needed once this is committed.
    func takeUpRows(
        _ manifest: Manifest, at stores: [StoreID], isPublished: Bool, as origin: ManifestOrigin,
        same: Set<String> = []
    ) throws(StoreError) -> (TakeUpResult, [SegmentRow]) {
        let catalog = try catalog()
        guard let session = SessionID(manifest.sid) else {
            return (TakeUpResult(conflicts: ["\"\(manifest.sid.prefix(80))\" is no sid"]), [])
        }
        // It is being deleted there.
        if try standing(of: session) == .forgotten { return (TakeUpResult(.another), []) }
        let created = RFC3339.parse(manifest.createdAt) ?? time.wall
        let isKnown = try catalog.sessionRow(session) != nil
        let sessionRow = try catalog.ensureSession(session, facts: manifest.session ?? SessionFacts(), at: created)
        if isKnown, let facts = manifest.session {
            let merged = facts.merged(with: try self.facts(of: sessionRow))
            try catalog.run("UPDATE sessions SET facts = ?2 WHERE id = ?1", sessionRow, try jsonText(merged))
        }
        if origin == .own {
            try catalog.run(
                """
                UPDATE sessions SET writer = coalesce(?2, writer), created_at = min(created_at, ?3), extra = ?4,
                continues = coalesce(continues, ?5) WHERE id = ?1
                """, sessionRow, manifest.writer, created,
                manifest.extra.isEmpty ? nil : try jsonText(manifest.extra), try manifest.continues.map(jsonText))
        } else {
            try catalog.run(
                "UPDATE sessions SET created_at = min(created_at, ?2) WHERE id = ?1", sessionRow, created)
        }
        var storeRows: [Int64] = []
        for store in stores {
            let row = try ensureStore(store)
            storeRows.append(row)
            try catalog.run(
                """
                INSERT INTO manifests (session_id, store_id, epoch, wanted_at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (session_id, store_id) DO UPDATE SET epoch = max(epoch, ?3)
                """, sessionRow, row, manifest.epoch, time.wall)
            if !isPublished { try wantManifest(of: sessionRow, at: row) }
        }
        var work = TakeUpWork(
            sessionRow: sessionRow, stores: storeRows, isPublished: isPublished, chain: manifest.chain, same: same,
            replaced: Set(manifest.superseded.lazy.map(\.path)))
        let main = ManifestStream(
            kind: "main", agentID: nil, activeSeq: manifest.activeSeq, segments: manifest.segments,
            checkpoints: manifest.checkpoints)
        try takeUp(main, named: .main, of: session, &work)
        for (text, stream) in manifest.streams.sorted(by: { $0.key < $1.key }) {
            guard let name = StreamName(text) else {
                work.result.conflicts.append("\"\(text.prefix(80))\" is no name of a stream")
                continue
            }
            try takeUp(stream, named: name, of: session, &work)
        }
        if origin == .own {
            for row in storeRows {
                try takeUpSuperseded(
                    in: manifest, isPublished: isPublished, areSecret: work.hasSecrets, of: sessionRow, at: row)
            }
        }
        return (work.result, work.unneeded)
    }

    private func takeUp(
        _ entries: ManifestStream, named name: StreamName, of session: SessionID, _ work: inout TakeUpWork
    ) throws(StoreError) {
        let catalog = try catalog()
        if entries.segments.isEmpty, entries.activeSeq <= 1 { return }
        let key = StreamKey(session: session, stream: name)
        var stream = try catalog.ensureStream(key, sessionRow: work.sessionRow)
        try catalog.run(
            "UPDATE streams SET kind = CASE WHEN kind = '' THEN ?2 ELSE kind END, agent_id = coalesce(agent_id, ?3), "
                + "next_seq = max(next_seq, ?4) WHERE id = ?1", stream.id, entries.kind, entries.agentID,
            max(entries.activeSeq, 1 + (entries.segments.lazy.map(\.seq).max() ?? 0)))
        let before = stream.cursor
        // First, for ours begin behind them.
        let foreign = entries.segments.filter { $0.record(of: stream.key, chain: SegmentRow.unknownChain) == nil }
        if !foreign.isEmpty {
            try takeUp(foreign: foreign, entries, of: stream, &work)
            stream = try catalog.ensureStream(key, sessionRow: work.sessionRow)
        }
        let records = entries.segments.map { $0.record(of: stream.key, chain: SegmentRow.unknownChain) }
        let evidence = try LikenessEvidence(
            records.compactMap(\.self), chains: work.chain?.streams[name.rawValue] ?? [:], read: work.same, of: stream,
            in: catalog)
        let beginnings = Set(records.lazy.compactMap(\.self).map { EntryPlace($0.generation, $0.sourceOffset) })
        for (index, entry) in entries.segments.enumerated() {
            guard let record = records[index] else { continue }
            let isLast =
                index + 1 == entries.segments.count
                || entries.segments[index + 1].generation != record.generation
            let chain = isLast ? work.chain?.streams[name.rawValue]?["\(record.generation)"] : nil
            let checkpoints = entries.checkpoints.filter { $0.seq == entry.seq }
            // What lies behind lines of which it is not known whose they are may follow others than ours.
            guard try takeUp(record, entry, chain, checkpoints, of: stream, beginnings, evidence, &work) else { break }
        }
        if try !advanceCursor(stream) { work.result.isWhole = false }
        if let after = try catalog.stream(stream.id)?.cursor,
            after.offset != before.offset || after.generation != before.generation
        {
            work.result.moved.append(stream.key)
        }
    }

    /// - Returns: whether what is known of its lines is of one piece now.
    private func takeUp(
        _ record: SegmentRecord, _ entry: ManifestSegment, _ chain: Digest256?, _ checkpoints: [ManifestCheckpoint],
        of stream: StreamRow, _ beginnings: Set<EntryPlace>, _ evidence: LikenessEvidence, _ work: inout TakeUpWork
    ) throws(StoreError) -> Bool {
        let catalog = try catalog()
        for store in work.stores { try keepObject(record, of: work.sessionRow, at: store) }
        if let row = try catalog.segment(named: record, of: stream) {
            work.result.known += 1
            // It is not lost after all, where a store has it.
            if row.state == .lost || row.state == .gap, !work.stores.isEmpty {
                try markRetired(row.id)
                if row.supersededBy == nil {
                    try catalog.count(row.record, of: stream.id, sign: 1)
                    try wantCopies(of: row, sessionRow: work.sessionRow, isSpooled: false)
                }
            }
            try noteStored(row.id, isSpooled: row.state == .spooled, work)
            return true
        }
        guard record.sourceOffset >= 0, record.sourceBytes > 0, record.lines > 0, record.generation > 0 else {
            work.result.conflicts.append("\(entry.path) is empty")
            return false
        }
        if let misfit = try misfit(of: record, amid: beginnings, in: stream) {
            work.result.conflicts.append("\(entry.path) \(misfit)")
            return false
        }
        let inside = try catalog.live(
            stream, generation: record.generation, from: record.sourceOffset, to: record.sourceEnd)
        let around = try catalog.live(stream, generation: record.generation, atOrBefore: record.sourceOffset)
        var whole = around.flatMap { $0.sourceEnd >= record.sourceEnd && !$0.record.partial ? $0 : nil }
        // Of an older catalog: the entry has taken its place since, and its object may be gone.
        if let row = whole, row.isSameRange(as: record),
            work.replaced.contains(row.record.objectPath) || isRenewed(row.record, by: record)
        {
            whole = nil
        }
        let overlaps =
            inside.contains { $0.sourceEnd > record.sourceEnd }
            || around.map { $0.record.sourceOffset < record.sourceOffset && $0.sourceEnd > record.sourceOffset } == true
        guard whole != nil || !overlaps else {
            work.result.conflicts.append("\(entry.path) overlaps with what is known")
            return false
        }
        switch evidence.likeness(of: record, to: whole.map { [$0] } ?? inside) {
        case .same: break
        case .differs:
            work.result.conflicts.append("\(entry.path) holds other lines than what is known of its range")
            return false
        case .unknown:
            // Without a store there is nothing to read.
            guard !work.stores.isEmpty else { return false }
            work.result.doubts.append(
                Doubt(
                    entry: record,
                    holder: try whole.map { (row) throws(StoreError) in .known(try stored(row)) } ?? .entry,
                    parts: whole == nil ? inside.map(\.record) : [record]))
            return false
        }
        // Without a receipt nothing says that its bytes are anywhere: what is here stays what it is.
        if whole == nil, work.stores.isEmpty, inside.contains(where: { $0.state == .spooled }) { return true }
        let id = try catalog.insert(
            record, stream: stream, state: .retired, chain: chain, headerBytes: 0, sealedAt: time.wall,
            supersededBy: whole?.id, extra: entry.extra)
        work.result.added += 1
        if whole == nil {
            try catalog.count(record, of: stream.id, sign: 1)
            for row in inside where try supersede(row, by: id) { work.unneeded.append(row) }
            for row in inside where row.record.isUnlike(record) {
                try condemn(row, of: stream, for: id, besides: checkpoints.last?.id)
            }
            for store in activeStores where !work.stores.contains(store) {
                try catalog.run(
                    "INSERT OR IGNORE INTO copies (segment_id, store_id, session_id, state, spooled) VALUES (?1, ?2, ?3, 0, 0)",
                    id, store, work.sessionRow)
            }
        }
        for checkpoint in checkpoints {
            try catalog.insert(checkpoint.record(of: stream.key, in: record), of: id)
        }
        try noteStored(id, isSpooled: false, work)
        if let whole, record.isUnlike(whole.record), let row = try catalog.segment(id) {
            work.hasSecrets = true
            try condemn(row, of: stream, for: whole.id, besides: catalog.checkpoints(of: whole.id).last?.id)
        }
        return true
    }

    /// Whether the one is by the rules in force, and the other by older ones.
    private func isRenewed(_ old: SegmentRecord, by new: SegmentRecord) -> Bool {
        guard let rulesInForce else { return false }
        return new.rules == rulesInForce && old.rules != rulesInForce
    }

    private func noteStored(_ id: SegmentID, isSpooled: Bool, _ work: TakeUpWork) throws(StoreError) {
        for store in work.stores {
            try noteStored(id, at: store, sessionRow: work.sessionRow, isSpooled: isSpooled)
            if work.isPublished {
                try catalog().run(
                    "UPDATE copies SET listed = 1 WHERE segment_id = ?1 AND store_id = ?2", id, store)
            }
        }
    }

    /// Keeps another program's entries, and puts the beginning of ours behind them.
    private func takeUp(
        foreign: [ManifestSegment], _ entries: ManifestStream, of stream: StreamRow, _ work: inout TakeUpWork
    ) throws(StoreError) {
        let catalog = try catalog()
        for store in work.stores {
            for (position, entry) in foreign.enumerated() {
                try insertForeign("segment", position, try jsonText(entry), of: stream, at: store)
            }
            let ends = Set(foreign.map(\.seq))
            for (position, checkpoint) in entries.checkpoints.filter({ ends.contains($0.seq) }).enumerated() {
                try insertForeign("checkpoint", position, try jsonText(checkpoint), of: stream, at: store)
            }
        }
        let offset = foreign.reduce(0) { $0 + $1.bytesUncompressed }
        let line = foreign.reduce(0) { $0 + $1.lines }
        guard let current = try catalog.stream(stream.id), current.baseOffset < offset else { return }
        guard try catalog.live(current, generation: 1, from: 0, to: offset).isEmpty else {
            work.result.conflicts.append("segments of another program lie where ours are")
            return
        }
        try catalog.run(
            "UPDATE streams SET base_offset = ?2, base_line = ?3 WHERE id = ?1", stream.id, offset, line)
        work.result.added += foreign.count
        // Ours may be there already: found in the spool, of a life whose manifest was found later.
        guard current.cursor.generation == 1, current.cursor.offset < offset else { return }
        var cursor = current.cursor
        cursor.move(to: offset, line: line, generation: 1)
        try catalog.setCursor(cursor, of: stream.id, isVerified: false)
    }

    private func insertForeign(
        _ kind: String, _ position: Int, _ entry: String, of stream: StreamRow, at store: Int64
    ) throws(StoreError) {
        try catalog().run(
            """
            INSERT OR REPLACE INTO foreign_entries (stream_id, store_id, position, kind, entry)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """, stream.id, store, position, kind, entry)
    }
}

/// One manifest that is being taken up.
private struct TakeUpWork {
    let sessionRow: Int64
    /// Rows of the stores that have the objects.
    let stores: [Int64]
    let isPublished: Bool
    let chain: ManifestChain?
    /// Paths of entries that were read, and are what is known.
    let same: Set<String>
    /// Paths that the manifest says were replaced by what it lists.
    let replaced: Set<String>
    /// What it lists holds what newer rules remove.
    var hasSecrets = false
    var result = TakeUpResult()
    /// Rows that lost their file to what superseded them.
    var unneeded: [SegmentRow] = []
}

extension ManifestCheckpoint {
    func record(of stream: StreamKey, in segment: SegmentRecord) -> CheckpointRecord {
        CheckpointRecord(
            stream: stream, generation: generation ?? segment.generation, seq: seq, lineIndex: lineIndex,
            line: line ?? segment.firstLine + lineIndex - 1, ts: ts, label: label, git: git, branch: branch,
            payload: payload.flatMap { payload in
                do { return String(decoding: try JSONText.encode(payload), as: UTF8.self) } catch { return nil }
            })
    }
}
