import LinuxSystem
import Segments
import Shared

/// Files in the spool that no spooled row has: a seal that was cut off, or the catalog is new or an older copy.
extension Store {
    private struct Found {
        var path: String
        var header: SpoolHeader
        var headerBytes: Int

        var record: SegmentRecord { header.record }
    }

    /// Decides on every file that is left, in the order of its source, so that one can continue the other.
    func adopt(_ files: [String: Int64], _ work: inout RecoveryWork) throws(StoreError) {
        var found: [Found] = []
        for path in files.keys.sorted() {
            do throws(StoreError) {
                let (header, length) = try SpoolFile.verified(at: spoolFiles.absolute(path))
                guard StateDirectory.spoolPath(of: header.record) == path else {
                    throw StoreError(.damaged, "its name is not that of the segment in it")
                }
                found.append(Found(path: path, header: header, headerBytes: length))
            } catch {
                guard error.code == .damaged else { throw error }
                work.refused.append(RecoveryReport.Refusal(path: path, why: error.message))
            }
        }
        // The longer one first: what a merge or a whole line made of the others.
        found.sort { a, b in
            (a.record.stream, a.record.generation, a.record.sourceOffset, -a.record.sourceEnd, a.record.seq)
                < (b.record.stream, b.record.generation, b.record.sourceOffset, -b.record.sourceEnd, b.record.seq)
        }
        for file in found { try decide(on: file, &work) }
    }

    private func decide(on file: Found, _ work: inout RecoveryWork) throws(StoreError) {
        let catalog = try catalog()
        let record = file.record
        guard let stream = try catalog.stream(record.stream) else {
            let isFirst = record.refusal(advancing: file.header.cursor, after: nil) == nil
            return try take(file, isContinuing: isFirst, &work)
        }
        if let row = try catalog.segment(named: record, of: stream) {
            return try takeBack(file, row, &work)
        }
        let inside = try catalog.live(
            stream, generation: record.generation, from: record.sourceOffset, to: record.sourceEnd)
        let before = try catalog.live(stream, generation: record.generation, atOrBefore: record.sourceOffset)
        let around = ((before.map { [$0] } ?? []) + inside).filter(\.hasBytes)
        if isCovered(record, by: around) {
            guard !around.contains(where: { isAnother(record, than: $0) }) else {
                work.refused.append(
                    RecoveryReport.Refusal(path: file.path, why: "other lines than its own are known of its range"))
                return
            }
            if isJoin(record, of: inside) { return try add(file, movesCursor: false, &work) }
            work.unneeded.append(file.path)
            work.report.coveredDeleted += 1
            return
        }
        if try continues(file, stream) { return try take(file, isContinuing: true, &work) }
        // A seal that failed and could not remove its file left it; the next one used its number for other bytes.
        let overlaps =
            inside.contains { $0.sourceEnd > record.sourceEnd || ($0.hasBytes && $0.record.seq >= record.seq) }
            || before.map { $0.record.sourceOffset < record.sourceOffset && $0.sourceEnd > record.sourceOffset } == true
        guard !overlaps else {
            work.refused.append(
                RecoveryReport.Refusal(path: file.path, why: "its lines overlap with those of other segments"))
            return
        }
        if !inside.isEmpty {
            // It holds what rows without files held.
            try add(file, movesCursor: false, &work)
            try rebuildCursor(stream)
            return try verifyFromSpool(stream)
        }
        guard record.generation >= stream.cursor.generation else {
            work.refused.append(
                RecoveryReport.Refusal(path: file.path, why: "it is of an earlier generation and continues nothing"))
            return
        }
        try take(file, isContinuing: false, &work)
    }

    /// Whether rows that have their bytes somewhere hold all of the record's range.
    private func isCovered(_ record: SegmentRecord, by rows: [SegmentRow]) -> Bool {
        var end = record.sourceOffset
        for row in rows {
            if row.record.sourceOffset > end { return false }
            end = max(end, row.sourceEnd)
        }
        return end >= record.sourceEnd
    }

    /// Whether the row is of the same range and holds other bytes: of a source that was taken here and elsewhere, as by a
    /// home that was restored.
    private func isAnother(_ record: SegmentRecord, than row: SegmentRow) -> Bool {
        row.isSameRange(as: record)
            && LikenessEvidence(read: []).likeness(of: record, to: [row]) == .differs
    }

    /// Whether it joins the rows, all of which a store has: it may have been put, and then has to be named.
    private func isJoin(_ record: SegmentRecord, of rows: [SegmentRow]) -> Bool {
        rows.count > 1 && rows.first?.record.sourceOffset == record.sourceOffset
            && rows.allSatisfy { $0.state == .retired && !$0.record.partial && $0.sourceEnd <= record.sourceEnd }
            && rows.map(\.sourceEnd).max() == record.sourceEnd
    }

    /// A manifest tells the number that was to come next when it was made: those below it may be in the spool.
    private func continues(_ file: Found, _ stream: StreamRow) throws(StoreError) -> Bool {
        guard try file.record.seq > extent(of: stream)?.highestSeq ?? 0 else { return false }
        var here = stream.cursor
        here.nextSeq = file.record.seq
        return file.record.refusal(advancing: file.header.cursor, after: here) == nil
    }

    /// Takes a file whose name has a row that is not spooled.
    private func takeBack(_ file: Found, _ row: SegmentRow, _ work: inout RecoveryWork) throws(StoreError) {
        let catalog = try catalog()
        switch row.state {
        case .spooled:
            work.unneeded.append(file.path)
            work.report.retiredUnlinked += 1
        case .retired, .lost, .gap:
            // One that left the spool for a store that does not have it any more is the only copy.
            let isHeld = try !holders(of: row.id).isEmpty
            if row.state == .retired, isHeld || row.supersededBy != nil {
                work.unneeded.append(file.path)
                work.report.retiredUnlinked += 1
                return
            }
            guard row.supersededBy == nil, let stream = try catalog.stream(row.streamRow) else {
                work.unneeded.append(file.path)
                work.report.coveredDeleted += 1
                return
            }
            try catalog.run("UPDATE segments SET state = 0, header_bytes = ?2 WHERE id = ?1", row.id, file.headerBytes)
            try catalog.noteCheck(of: row.id)
            if row.state != .retired { try catalog.count(row.record, of: row.streamRow, sign: 1) }
            try wantCopies(of: row, sessionRow: stream.sessionRow, isSpooled: true)
            try noteFound(row.id)
            try rebuildCursor(stream)
            try verifyFromSpool(stream)
            try wantManifests(of: stream.sessionRow)
            work.report.adopted.append(row.id)
            work.adoptedFolders.insert(Files.parent(of: file.path))
        }
    }

    /// - Parameter isContinuing: if not, what lies before it is known to a store at most.
    private func take(_ file: Found, isContinuing: Bool, _ work: inout RecoveryWork) throws(StoreError) {
        try add(file, movesCursor: true, &work)
        guard !isContinuing else { return }
        try leaveUnresolved(
            file.record.stream.session,
            "segment \(file.record.seq) of \(file.record.stream) is in the spool, and what lies before it is not known")
    }

    private func add(_ file: Found, movesCursor: Bool, _ work: inout RecoveryWork) throws(StoreError) {
        var cursor = file.header.cursor
        // Numbers that were given out stay used, whatever became of the others.
        if let known = try catalog().stream(file.record.stream) {
            cursor.nextSeq = max(cursor.nextSeq, known.cursor.nextSeq)
        }
        let arrival = Arrival(
            record: file.record, checkpoint: file.header.checkpoint, cursor: cursor, source: file.header.source,
            facts: file.header.facts, headerBytes: file.headerBytes, replaces: file.header.replaces ?? [:],
            replacesSecrets: file.header.replacesSecrets ?? false, isFound: true)
        let (id, replaced) = try insert(arrival, movesCursor: movesCursor)
        for row in replaced { work.unneeded.append(StateDirectory.spoolPath(of: row.record)) }
        work.report.adopted.append(id)
        work.adoptedFolders.insert(Files.parent(of: file.path))
    }
}

extension SegmentRow {
    fileprivate var hasBytes: Bool { state == .spooled || state == .retired }
}
