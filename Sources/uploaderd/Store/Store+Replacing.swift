import Segments
import Shared

/// The fault points on the way of a segment that takes the place of others.
struct TakeoverPoints {
    var written: FaultPoint?
    var renamed: FaultPoint?
    var sealed: FaultPoint
    var unlinked: FaultPoint?
}

/// A segment that is made of what others hold: it stands in their place, and no cursor moves.
extension Store {
    /// Takes the segment over: file, row, and the parts superseded, which leave the spool.
    ///
    /// - Parameters:
    ///   - isRewritten: the parts hold what newer rules remove.
    ///   - also: what else is part of the transaction.
    func takeOver(
        _ segment: SealedSegment, from parts: [SegmentRow], of stream: StreamRow, at points: TakeoverPoints,
        isRewritten: Bool = false, also: (SegmentID) throws(StoreError) -> Void
    ) throws(StoreError) -> SegmentID {
        let record = segment.record
        let header = SpoolHeader(
            record: record, checkpoint: segment.checkpoint, cursor: headerCursor(stream, segment),
            source: stream.source ?? SourceInfo(agent: .generic, root: "", relativePath: "", kind: stream.kind),
            replaces: try unnamedObjects(of: parts, stream),
            replacesSecrets: isRewritten ? true : try replacesSecrets(parts))
        let request = CommitRequest(.seal(segment, header.cursor, header.source, nil))
        let temporary: SpoolTemporaryID =
            switch segment.object {
            case .bytes: SpoolTemporaryID(newIdentifier())
            case .spooled(let id): id
            }
        var placed: PlacedFile?
        do throws(StoreError) {
            let length = try spoolFiles.write(segment.object, header: header, to: temporary)
            points.written.map(faults.reach)
            let file = PlacedFile(request: request, record: record, temporary: temporary, headerBytes: length)
            try spoolFiles.sync(temporary)
            try place(file)
            placed = file
            if let failure = spoolFiles.settle([file.folder])[file.folder] { throw failure }
            points.renamed.map(faults.reach)
            let arrival = Arrival(
                record: record, checkpoint: segment.checkpoint, cursor: header.cursor, source: header.source,
                headerBytes: length)
            let (id, unneeded) = try catalog().transaction { () throws(StoreError) in
                let (id, unneeded) = try insert(arrival, movesCursor: false)
                try also(id)
                return (id, unneeded)
            }
            spool.add(file.fileBytes)
            faults.reach(points.sealed)
            removeFiles(of: unneeded)
            points.unlinked.map(faults.reach)
            return id
        } catch {
            if let placed {
                abandon(placed)
            } else {
                abandon(temporary)
            }
            throw error
        }
    }

    /// The cursor behind the segment, for its header: the stream's own if nothing follows.
    private func headerCursor(_ stream: StreamRow, _ segment: SealedSegment) -> StreamCursor {
        let record = segment.record
        var cursor = stream.cursor
        if record.partial {
            if cursor.generation == record.generation, cursor.partialEnd == record.sourceEnd { return cursor }
            cursor.move(to: record.sourceOffset, line: record.firstLine - 1, generation: record.generation)
            cursor.partialEnd = record.sourceEnd
        } else {
            if cursor.generation == record.generation, cursor.offset == record.sourceEnd {
                // Of what was rewritten the digest so far is another one.
                if record.chain == SegmentRow.unknownChain { cursor.chainState = [] }
                return cursor
            }
            cursor.move(
                to: record.sourceEnd, line: record.firstLine - 1 + record.lines, generation: record.generation)
        }
        cursor.nextSeq = record.seq + 1
        cursor.chainState = segment.chainState
        return cursor
    }
}
