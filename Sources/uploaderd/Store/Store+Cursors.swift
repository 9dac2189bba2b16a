import Segments
import Shared

/// Cursors that are rebuilt from rows, when a row was taken up, lost or given up. All inside a transaction.
extension Store {
    /// Where the rows of the newest generation end.
    struct Extent {
        typealias Place = (offset: Int64, line: Int)

        var generation: Int
        var end: Place
        /// The first range before `end` of which there is no row.
        var hole: Place?
        /// The first live row that is lost.
        var lost: Place?
        /// The first live row with a lower number than one before it has: what lies before it was cut again, and it was not yet.
        var disorder: Place?
        var partialEnd: Int64?
        var highestSeq: Int

        /// The first place from which something is not there, or not in order: where cutting has to go on.
        var firstMissing: Place? {
            [hole, lost, disorder].compactMap(\.self).min { $0.offset < $1.offset }
        }
    }

    /// - Returns: `nil` for a stream without rows.
    func extent(of stream: StreamRow) throws(StoreError) -> Extent? {
        let catalog = try catalog()
        let highest = try catalog.row(
            """
            SELECT max(generation), (SELECT max(seq) FROM segments WHERE stream_id = ?1)
            FROM segments WHERE stream_id = ?1
            """, stream.id
        ) { (row) throws(StoreError) in row.isNull(0) ? nil : (row.int(0), row.int(1)) }
        guard let (generation, seq) = highest ?? nil else { return nil }
        let base: Extent.Place = generation == 1 ? (stream.baseOffset, stream.baseLine) : (0, 0)
        var extent = Extent(generation: generation, end: base, highestSeq: seq)
        var before = 0
        for row in try catalog.live(stream, generation: generation, from: 0, to: .max) {
            if row.record.seq < before {
                extent.disorder = extent.disorder ?? (row.record.sourceOffset, row.record.firstLine - 1)
            }
            before = max(before, row.record.seq)
            if row.record.partial, row.state != .lost {
                if row.record.sourceOffset == extent.end.offset { extent.partialEnd = row.sourceEnd }
                continue
            }
            if row.record.sourceOffset > extent.end.offset { extent.hole = extent.hole ?? extent.end }
            if row.state == .lost { extent.lost = extent.lost ?? (row.record.sourceOffset, row.record.firstLine - 1) }
            if row.sourceEnd > extent.end.offset, !row.record.partial {
                extent.end = (row.sourceEnd, row.record.firstLine - 1 + row.record.lines)
                extent.partialEnd = nil
            }
        }
        return extent
    }

    /// Puts the cursor where the rows say that cutting goes on: behind them, or before what is missing.
    func rebuildCursor(_ stream: StreamRow) throws(StoreError) {
        try setCursor(of: stream) { $0.firstMissing ?? $0.end }
    }

    /// Puts the cursor behind the rows, over holes, for what lies in a hole may be in a store; not over what is lost, and
    /// over no hole once no store had it and it is being cut again. It never goes back.
    ///
    /// - Returns: whether there is no hole.
    func advanceCursor(_ stream: StreamRow) throws(StoreError) -> Bool {
        try setCursor(of: stream) { extent in
            let isRecut = stream.recutEnd > 0 && extent.generation == stream.cursor.generation
            let place = (isRecut ? extent.firstMissing : extent.lost) ?? extent.end
            let isAhead = (extent.generation, place.offset) > (stream.cursor.generation, stream.cursor.offset)
            return isAhead ? place : nil
        }
        return try extent(of: stream)?.hole == nil
    }

    /// - Parameter choose: the new place in the newest generation; `nil`: where it is.
    private func setCursor(of stale: StreamRow, _ choose: (Extent) -> Extent.Place?) throws(StoreError) {
        let catalog = try catalog()
        guard let stream = try catalog.stream(stale.id), let extent = try extent(of: stream) else { return }
        var cursor = stream.cursor
        cursor.nextSeq = max(cursor.nextSeq, extent.highestSeq + 1)
        var isVerified = stream.isVerified
        if let place = choose(extent), extent.generation >= cursor.generation,
            extent.generation != cursor.generation || place.offset != cursor.offset
        {
            cursor.move(to: place.offset, line: place.line, generation: extent.generation)
            isVerified = false
        }
        if extent.generation == cursor.generation {
            cursor.partialEnd = cursor.offset == extent.end.offset ? extent.partialEnd : nil
        }
        try catalog.setCursor(cursor, of: stream.id, isVerified: isVerified)
        let recutEnd = cursor.offset < extent.end.offset ? extent.end.offset : 0
        if recutEnd != stream.recutEnd {
            try catalog.run("UPDATE streams SET recut_end = ?2 WHERE id = ?1", stream.id, recutEnd)
        }
    }

    /// Takes marks, file and chain from the spool header of the segment that ends at the cursor, if it is still here.
    func verifyFromSpool(_ stale: StreamRow) throws(StoreError) {
        let catalog = try catalog()
        guard let stream = try catalog.stream(stale.id), !stream.isVerified else { return }
        let cursor = stream.cursor
        guard let last = try catalog.live(stream, generation: cursor.generation, atOrBefore: cursor.offset - 1),
            last.state == .spooled, last.sourceEnd == cursor.offset
        else { return }
        let path = spoolFiles.absolute(StateDirectory.spoolPath(of: last.record))
        guard let header = try SpoolFile.header(at: path), header.cursor.generation == cursor.generation,
            header.cursor.offset == cursor.offset, !header.cursor.chainState.isEmpty
        else { return }
        var verified = cursor
        verified.marks = header.cursor.marks
        verified.file = header.cursor.file
        verified.chainState = header.cursor.chainState
        try catalog.setCursor(verified, of: stream.id, isVerified: true)
    }
}

extension StreamCursor {
    /// Goes elsewhere; what belongs to the old place is forgotten.
    mutating func move(to offset: Int64, line: Int, generation: Int) {
        if generation != self.generation { marks = SourceMarks() }
        // A mark of the head is of the same generation's first bytes, so it still holds; one of the tail does not.
        marks.tailLength = 0
        marks.tailMAC = nil
        if offset < Int64(marks.headLength) {
            marks.headLength = 0
            marks.headMAC = nil
        }
        self.generation = generation
        self.offset = offset
        self.line = line
        chainState = []
        partialEnd = nil
    }
}
