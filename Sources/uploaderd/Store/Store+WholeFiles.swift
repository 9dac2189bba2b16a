package import Shared

/// What a store took of one generation of a stream last, as a whole file: whatever is put next begins with the same bytes.
package struct AcceptedFile: Sendable, Hashable {
    /// Lines that had their end. What came behind them may come again as another line, with its end.
    package var lines: Int
    /// Of those lines.
    package var bytes: Int64
    /// SHA-256 of those bytes, 64 hexadecimal digits.
    package var digest: String
    /// What the store said that it is, once it was put; `nil`: it did not say.
    package var version: String?
    /// Of a store that keeps one file of each stream: it is that one, and not an older generation's.
    package var isHead = false

    package init(lines: Int, bytes: Int64, digest: String) {
        self.lines = lines
        self.bytes = bytes
        self.digest = digest
    }

    /// It was taken once, and is to be another: whatever is put next.
    package var isAskedFor: Bool { digest.isEmpty }
}

/// One generation of a stream on its way to a store that takes whole files.
package struct FileDelivery: Sendable {
    /// What of it the store has not got, in the order of the source.
    package var segments: [SegmentDelivery]
    /// What the file is to end with, and the last of its lines that have their end.
    package var end: SegmentRecord
    package var lastWholeLine: Int
    package var accepted: AcceptedFile?
    package var place = FilePlace.head
    /// Somebody asked that it be put, whatever is there.
    package var replacesAny = false

    /// Whether the store has all of it: what was joined since is the same lines in another object.
    package var isThere: Bool {
        guard let accepted else { return false }
        return end.lastLine == lastWholeLine && accepted.lines >= end.lastLine
    }
}

/// Stores that take a stream as one whole file, which takes the place of the one before, as a server does that is sent a session
/// when it is over.
///
/// Of a generation of a stream one segment is given out, its last one, and stands for all before it; when the session has ended,
/// or rests. A last line without its end waits as it does for a store that counts lines.
extension Store {
    /// How long a session has had nothing new when it rests: each time the whole file goes there again.
    package static let rest: Duration = .seconds(60)
    /// Between two looks that found no session at rest: there may be thousands that are not.
    private static let betweenLooks: Duration = .seconds(1)

    /// Which files of a store were looked for.
    struct FileRound {
        /// Nothing is looked for before.
        var notBefore: Instant?
        /// When the first of the sessions that do not rest yet does.
        var due: Instant?
    }

    /// From now on the store is one of those. Of this life: who opens it says so.
    package func takesFiles(_ store: StoreID) throws(StoreError) {
        fileRounds[try ensureStore(store)] = FileRound()
    }

    /// When `nextDeliveries` has to be asked again, whatever happens until then; `nil`: no session waits for its rest.
    package func fileDue(at store: StoreID) throws(StoreError) -> Instant? {
        guard let row = try storeRow(store), let round = fileRounds[row] else { return nil }
        return [round.due, round.notBefore].compactMap(\.self).max()
    }

    /// Whether files may be looked for now.
    func beginFileRound(at store: Int64, atOnce: Bool) -> Bool {
        guard let round = fileRounds[store] else { return false }
        if !atOnce, let before = round.notBefore, before > time.now {
            // There may be a session that has ended meanwhile.
            fileRounds[store]?.due = before
            return false
        }
        fileRounds[store] = FileRound()
        return true
    }

    func endFileRound(at store: Int64, hasFound: Bool) {
        guard let round = fileRounds[store], !hasFound, round.due != nil else { return }
        fileRounds[store]?.notBefore = time.now + Self.betweenLooks
    }

    /// The last segment of each generation of a session's streams that may go to the store now.
    ///
    /// - Parameters:
    ///   - excluding: segments that are on their way, or not taken now: nothing of their file goes.
    ///   - atOnce: somebody waits for it, so it does not wait for the session.
    func fileEnds(
        of session: Int64, at store: Int64, excluding: Set<SegmentID>, atOnce: Bool
    ) throws(StoreError) -> [SegmentID] {
        if !atOnce, let due = try restDue(of: session), try !isAskedFor(session, at: store) {
            let first = fileRounds[store]?.due
            fileRounds[store]?.due = min(first ?? due, due)
            return []
        }
        let (waiting, claimed) = try queue(of: session, at: store)
        var busy = claimed
        for each in waiting where excluding.contains(each.id) { busy.insert(each.place) }
        var ends: [SegmentID] = []
        for each in waiting.reversed() where !busy.contains(each.place) {
            if each.isPartial, try mayGrow(each.place) { continue }
            busy.insert(each.place)
            ends.append(each.id)
        }
        return ends.reversed()
    }

    /// When the session will have rested; `nil`: it has, or it has ended.
    private func restDue(of session: Int64) throws(StoreError) -> Instant? {
        let sealed = try catalog().row(
            "SELECT sealed_at FROM sessions WHERE id = ?1 AND ended_at IS NULL", session
        ) { (row) throws(StoreError) in row.optionalInt64(0).map { WallTime(nanoseconds: $0) } }
        guard let sealed = sealed ?? nil else { return nil }
        let passed = time.wall - sealed
        // A clock that was set back says nothing.
        guard passed >= .zero, passed < Self.rest else { return nil }
        return time.now + (Self.rest - passed)
    }

    /// All that goes with a segment that was given out.
    ///
    /// - Returns: `nil`: it is another segment's part by now, or is not waited for any more.
    package func file(upTo id: SegmentID, at store: StoreID) throws(StoreError) -> FileDelivery? {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store), let end = try catalog.segment(id), end.supersededBy == nil,
            let stream = try catalog.stream(end.streamRow)
        else { return nil }
        let generation = end.record.generation
        let isOpenEnded = try mayGrow(StreamPlace(stream: stream.id, generation: generation))
        var delivery = FileDelivery(segments: [], end: end.record, lastWholeLine: 0)
        let accepted = try accepted(of: stream.id, generation, at: storeRow)
        delivery.replacesAny = try replacesAny(accepted, stream.id, at: storeRow)
        delivery.accepted = delivery.replacesAny ? nil : accepted
        var newest = generation
        for row in try catalog.segments(of: stream, at: storeRow) where row.supersededBy == nil {
            newest = max(newest, row.record.generation)
            guard row.record.generation == generation else { continue }
            if row.record.partial, isOpenEnded { continue }
            delivery.end = row.record
            if !row.record.partial { delivery.lastWholeLine = row.record.lastLine }
            guard row.copy?.state == .waiting else { continue }
            delivery.segments.append(
                SegmentDelivery(
                    id: row.id, record: row.record, isSpooled: row.state == .spooled, holders: try holders(of: row.id)))
        }
        delivery.place = try place(of: generation, newest: newest, in: stream.id, at: storeRow)
        return delivery.segments.isEmpty ? nil : delivery
    }

    /// What the store took last of a generation; `nil`: nothing that is known.
    package func acceptedFile(
        of key: StreamKey, generation: Int, at store: StoreID
    ) throws(StoreError) -> AcceptedFile? {
        guard let storeRow = try storeRow(store), let stream = try catalog().stream(key) else { return nil }
        return try accepted(of: stream.id, generation, at: storeRow)
    }

    private func accepted(
        of stream: Int64, _ generation: Int, at store: Int64
    ) throws(StoreError) -> AcceptedFile? {
        try catalog().row(
            """
            SELECT lines, bytes, digest, version, is_head FROM whole_files
            WHERE store_id = ?1 AND stream_id = ?2 AND generation = ?3
            """, store, stream, generation
        ) { (row) throws(StoreError) in
            var file = AcceptedFile(lines: row.int(0), bytes: row.int64(1), digest: row.text(2))
            file.version = row.optionalText(3)
            file.isHead = row.int(4) != 0
            return file
        }
    }

    /// Asks whether all of a file may go to the store, right before it does; `claim` says what is asked. All open claims are
    /// durable, or there is none.
    package func claim(_ file: FileDelivery, for store: StoreID) throws(StoreError) -> Bool {
        let isClaimed = try catalog().transaction { () throws(StoreError) in
            for (index, segment) in file.segments.enumerated() {
                if try performClaim(segment.id, for: store) { continue }
                for claimed in file.segments[..<index] {
                    _ = try performRelease(claimed.id, for: store, because: nil)
                }
                return false
            }
            return true
        }
        if isClaimed { faults.reach(.deliverClaimed) }
        return isClaimed
    }

    /// Notes that the store has the file; ends the claims.
    ///
    /// - Parameter accepted: `nil`: it had it already.
    package func record(
        receiptFor file: FileDelivery, _ accepted: AcceptedFile?, at store: StoreID
    ) throws(StoreError) {
        let catalog = try catalog()
        try catalog.transaction { () throws(StoreError) in
            if let accepted, let last = file.segments.last, let row = try catalog.segment(last.id) {
                let storeRow = try ensureStore(store)
                if accepted.isHead {
                    try catalog.run(
                        "DELETE FROM whole_files WHERE store_id = ?1 AND stream_id = ?2 AND generation = ?3", storeRow,
                        row.streamRow, Self.anyGeneration)
                }
                try catalog.run(
                    """
                    INSERT OR REPLACE INTO whole_files
                    (store_id, stream_id, generation, lines, bytes, digest, version, is_head)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                    """, storeRow, row.streamRow, row.record.generation, accepted.lines, accepted.bytes,
                    accepted.digest, accepted.version, accepted.isHead ? 1 : 0)
            }
            for segment in file.segments { try performReceipt(segment.id, at: store) }
        }
        faults.reach(.deliverReceipt)
    }

    /// Ends the claims without receipts. The file may be there all the same.
    ///
    /// - Parameter setback: what the store said of the file; it is noted once.
    package func release(
        _ file: FileDelivery, for store: StoreID, because setback: Setback
    ) throws(StoreError) {
        try catalog().transaction { () throws(StoreError) in
            for segment in file.segments {
                let isLast = segment.id == file.segments.last?.id
                _ = try performRelease(segment.id, for: store, because: isLast ? setback : nil)
            }
        }
    }
}
