import LinuxSystem
import Segments
package import Shared

/// What is wrong with a copy that a store was said to have.
package enum CopyFault: Sendable, Hashable {
    /// There is no such object.
    case missing
    /// It is not what was put.
    case damaged
}

/// Copies that a store does not have as its receipt says. It is known until the object is found whole there, or is put
/// again: what has no other copy is not safe, whatever was said when it was put.
///
/// Nothing is deleted or replaced for it, and what a manifest lists stays listed.
extension Store {
    /// The object was looked for at the store, which is the one that was seen before.
    ///
    /// What is missing there and has another copy is to be put again. What is damaged is not: its name is taken.
    ///
    /// - Returns: whether it is to be put again.
    @discardableResult
    package func note(_ fault: CopyFault, of id: SegmentID, at store: StoreID) throws(StoreError) -> Bool {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store) else { return false }
        return try catalog.transaction { () throws(StoreError) in
            guard let row = try catalog.segment(id), row.supersededBy == nil else { return false }
            let others = try holders(of: id).filter { $0 != store }
            let hasOther = row.state == .spooled || !others.isEmpty
            let isWanted = fault == .missing && hasOther && activeStores.contains(storeRow)
            let state: CopyRow.State = isWanted ? .waiting : fault == .missing ? .missing : .damaged
            // Listed or not, it lets nothing leave the spool.
            try catalog.run(
                """
                UPDATE copies SET state = ?3, spooled = 0
                WHERE segment_id = ?1 AND store_id = ?2 AND state IN (2, 4, 5) AND state <> ?3
                """, id, storeRow, state.rawValue)
            return isWanted && catalog.changes > 0
        }
    }

    /// The object is there after all.
    ///
    /// - Parameter isRead: all of it was read and compared; else only that it is there is known.
    package func noteWhole(_ id: SegmentID, at store: StoreID, isRead: Bool) throws(StoreError) {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store) else { return }
        try catalog.transaction { () throws(StoreError) in
            try catalog.run(
                """
                UPDATE copies SET state = 2, spooled = (SELECT state = 0 FROM segments WHERE id = segment_id)
                WHERE segment_id = ?1 AND store_id = ?2 AND state IN (4, ?3)
                """, id, storeRow, isRead ? CopyRow.State.damaged.rawValue : CopyRow.State.missing.rawValue)
            guard catalog.changes > 0, let row = try catalog.segment(id),
                let stream = try catalog.stream(row.streamRow)
            else { return }
            try wantManifest(of: stream.sessionRow, at: storeRow)
        }
    }

    /// Whether another segment holds its lines by now.
    package func isReplaced(_ id: SegmentID) throws(StoreError) -> Bool {
        try catalog().number("SELECT superseded_by IS NOT NULL FROM segments WHERE id = ?1", id) != 0
    }

    /// The stores that were said to have the segment, and do not.
    package func faulty(_ id: SegmentID) throws(StoreError) -> [StoreID] {
        try catalog().rows(
            "SELECT r.name FROM copies c JOIN stores r ON r.id = c.store_id WHERE c.segment_id = ?1 AND c.state >= 4",
            id
        ) { (row) throws(StoreError) in StoreID(row.text(0)) }
    }

    /// What the store was said to have, and does not, oldest first.
    package func faults(
        at store: StoreID, limit: Int
    ) throws(StoreError) -> [(record: SegmentRecord, fault: CopyFault)] {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store) else { return [] }
        let found = try catalog.rows(
            """
            SELECT c.segment_id, c.state FROM copies c INDEXED BY copies_faulty CROSS JOIN segments s ON s.id = c.segment_id
            WHERE c.store_id = ?1 AND c.state >= 4 AND s.superseded_by IS NULL ORDER BY c.segment_id LIMIT ?2
            """, storeRow, limit
        ) { (row) throws(StoreError) in
            (row.segment(0), row.int(1) == CopyRow.State.damaged.rawValue ? CopyFault.damaged : .missing)
        }
        var faults: [(record: SegmentRecord, fault: CopyFault)] = []
        for (id, fault) in found { if let row = try catalog.segment(id) { faults.append((row.record, fault)) } }
        return faults
    }

    // MARK: No whole copy anywhere

    /// What became of a segment of which no whole copy was found.
    package enum Forsaken: Sendable, Hashable {
        /// Nothing: a store is said to have it, or it was never put where it was to be put now.
        case kept
        /// Nothing: its file is in the spool, and whole, as after the spool was away for a moment.
        case found
        /// It had left the spool, and the store is known not to have it: it is asked for no more.
        case missed
        /// It is lost as if its file were gone; the cursor went back. Where the file is now; `nil`: it was gone.
        case lost(file: String?)
    }

    /// A put has found no whole copy of the segment. Where the spool was to have it, its file is set aside and its lines
    /// are to be cut again, as when a start does not find it.
    ///
    /// - Throws: `missing` when the spool itself is not where it was: nothing is known of what is in it.
    package func forsake(_ id: SegmentID, for store: StoreID, because why: String) throws(StoreError) -> Forsaken {
        let catalog = try catalog()
        guard let storeRow = try storeRow(store), let row = try catalog.segment(id), row.supersededBy == nil,
            try holders(of: id).isEmpty
        else { return .kept }
        switch row.state {
        case .lost, .gap: return .kept
        case .retired:
            try catalog.run(
                """
                UPDATE copies SET state = 4 WHERE segment_id = ?1 AND store_id = ?2 AND state = 0 AND listed = 1
                """, id, storeRow)
            return catalog.changes > 0 ? .missed : .kept
        case .spooled: break
        }
        try requireSpoolInPlace()
        let isWhole = try isWholeInSpool(row.record)
        // Only where it was there all the time says a missing file anything.
        try requireSpoolInPlace()
        if isWhole { return .found }
        try catalog.transaction { () throws(StoreError) in
            try lose(row)
            _ = try forget(lost: row)
            guard let stream = try catalog.stream(row.streamRow) else { return }
            try rebuildCursor(stream)
            try verifyFromSpool(stream)
        }
        spool.add(-row.fileBytes)
        let path = StateDirectory.spoolPath(of: row.record)
        let place = spoolFiles.absolute(path)
        let isThere = try reporting("could not look at \(place)") { () throws(SystemError) in
            try Files.status(place) != nil
        }
        guard isThere else { return .lost(file: nil) }
        return .lost(file: setAside(RecoveryReport.Refusal(path: path, why: why)))
    }

    /// The generation before this one has lost segments, and its source holds none of their lines: they are not cut again, though
    /// nothing of this one is sealed yet.
    ///
    /// - Returns: whether it is so.
    package func begin(_ cursor: StreamCursor) throws(StoreError) -> Bool {
        let catalog = try catalog()
        guard let stream = try catalog.stream(cursor.stream), stream.cursor.generation == cursor.generation - 1 else {
            return false
        }
        let left = StreamCursor(
            stream: cursor.stream, generation: stream.cursor.generation, file: stream.cursor.file)
        guard try !catalog.lostSegments(of: stream, from: left).isEmpty else { return false }
        var next = cursor
        next.nextSeq = max(next.nextSeq, stream.cursor.nextSeq)
        try catalog.transaction { () throws(StoreError) in
            try catalog.setCursor(next, of: stream.id, isVerified: true)
        }
        return true
    }

    private func requireSpoolInPlace() throws(StoreError) {
        guard try isSpoolInPlace() else {
            throw StoreError(
                .missing, "the spool \(directory.spool) is not where it was",
                hint: "put it back, or mount its disk: nothing is lost, what is in it waits")
        }
    }

    /// - Throws: where the file is there and cannot be read.
    private func isWholeInSpool(_ record: SegmentRecord) throws(StoreError) -> Bool {
        do throws(StoreError) {
            let (header, _) = try SpoolFile.verified(at: spoolFiles.absolute(StateDirectory.spoolPath(of: record)))
            return header.record.objectChecksum == record.objectChecksum
        } catch {
            if error.code == .damaged { return false }
            throw error
        }
    }

    /// What was taken of a generation behind the cursor, in order, but for gaps: lost, or to be cut again after what is lost. A
    /// source that goes on there has to hold all of it.
    package func segmentsBehind(_ cursor: StreamCursor) throws(StoreError) -> [SegmentRecord] {
        let catalog = try catalog()
        guard let stream = try catalog.stream(cursor.stream) else { return [] }
        return try catalog.live(stream, generation: cursor.generation, from: cursor.offset, to: .max)
            .filter { $0.state != .gap }.map(\.record)
    }

    /// Live segments that are lost, oldest first.
    func lostSegments() throws(StoreError) -> [SegmentID] {
        try catalog().rows(
            "SELECT id FROM segments INDEXED BY segments_lost WHERE state = 2 AND superseded_by IS NULL ORDER BY id"
        ) { (row) throws(StoreError) in row.segment(0) }
    }
}
