import LinuxSystem
package import Segments
package import Shared

extension Store {
    /// Takes over a sealed segment: its bytes are durable in the spool and its row and the cursor in the catalog, in that
    /// order, when this returns.
    ///
    /// Segments of many streams that arrive together share the fsyncs of their folders and one commit.
    ///
    /// - Parameters:
    ///   - cursor: behind the segment; for a partial one the same place again, with `partialEnd` and the next number.
    ///   - source: where the lines came from; a change of place is noted with it.
    ///   - facts: laid over what is known of the session. The manifest that will name the segment tells them.
    /// - Throws: `stale` when the segment does not continue the stored cursor, `unresolved`, or why it could not be
    ///   written; then no file is left, the cursor is where it was, and the caller cuts again from there.
    package nonisolated(nonsending) func seal(
        _ segment: SealedSegment, advancing cursor: StreamCursor, source: SourceInfo, facts: SessionFacts? = nil
    ) async throws(StoreError) -> SegmentID {
        guard case .sealed(let id) = try await submit(.seal(segment, cursor, source, facts)) else {
            throw StoreError(.internalFailure, "a seal was answered as something else")
        }
        return id
    }

    /// A file for the object of a line that is too long for memory.
    package func makeSpoolTemporary() throws(StoreError) -> SpoolTemporary {
        _ = try catalog()
        let id = SpoolTemporaryID(newIdentifier())
        let path = spoolFiles.temporary(id)
        return try reporting("could not make \(path)") { () throws(SystemError) in try SpoolTemporary(id, at: path) }
    }

    /// Removes a temporary of which nothing becomes.
    package func discard(_ id: SpoolTemporaryID) throws(StoreError) { try spoolFiles.discard(id) }

    /// Writes the files of all seals in the batch, without syncing them; one that cannot be is answered and left out.
    func writeSegments(_ batch: [CommitRequest]) -> [PlacedFile] {
        var written: [PlacedFile] = []
        var ahead: [StreamKey: StreamCursor] = [:]
        for request in batch {
            guard case .seal(let segment, let cursor, let source, let facts) = request.work else { continue }
            do throws(StoreError) {
                let key = segment.record.stream
                try removeLeftovers(of: key)
                let stream = try catalog().stream(key)
                let current = ahead[key] ?? stream?.cursor
                try admit(segment.record, cursor, after: current)
                let known = withoutDoubt(segment.record, cursor)
                let header = SpoolHeader(
                    record: known.record, checkpoint: segment.checkpoint, cursor: known.cursor, source: source,
                    facts: facts,
                    replaces: try stream.map { (row) throws(StoreError) in
                        try unnamedObjects(replacedBy: segment.record, of: row)
                    } ?? [:])
                written.append(try write(segment.object, header, for: request))
                ahead[key] = cursor
            } catch {
                request.answer(.failure(error))
                if case .spooled(let id) = segment.object { abandon(id) }
            }
        }
        return written
    }

    /// A segment that is cut at the cursor replaces a partial line, or what was lost and is cut again; mostly nothing.
    private func unnamedObjects(
        replacedBy record: SegmentRecord, of stream: StreamRow
    ) throws(StoreError) -> [String: [String]] {
        let isRecut = record.sourceOffset < stream.recutEnd
        guard isRecut || stream.cursor.partialEnd != nil else { return [:] }
        let covered = try catalog().covered(by: record, of: stream, isRecut: isRecut)
        return try unnamedObjects(of: covered, stream)
    }

    private func write(
        _ object: SegmentObject, _ header: SpoolHeader, for request: CommitRequest
    ) throws(StoreError) -> PlacedFile {
        let id: SpoolTemporaryID =
            switch object {
            case .bytes: SpoolTemporaryID(newIdentifier())
            case .spooled(let id): id
            }
        do throws(StoreError) {
            let length = try spoolFiles.write(object, header: header, to: id)
            return PlacedFile(request: request, record: header.record, temporary: id, headerBytes: length)
        } catch {
            abandon(id)
            throw error
        }
    }

    /// A file that has the name already belongs to no row, for `admit` passed: it was left by a seal that failed.
    func place(_ file: PlacedFile) throws(StoreError) {
        do throws(StoreError) {
            try spoolFiles.place(file.temporary, at: file.path)
        } catch {
            guard let cause = error.cause as? SystemError, cause.isExisting else { throw error }
            try spoolFiles.remove(file.path)
            // From here on the name is a row's: nobody may remove it as what it was.
            forgetLeftover(file.path)
            try spoolFiles.place(file.temporary, at: file.path)
        }
    }

    /// Refuses what does not go on exactly where the stored cursor is: no range is left out or taken twice, no number
    /// used again.
    func admit(
        _ record: SegmentRecord, _ next: StreamCursor, after current: StreamCursor?
    ) throws(StoreError) {
        try requireOpen(record.stream.session)
        try requireResolved(record.stream.session)
        guard let refusal = record.refusal(advancing: next, after: current) else { return }
        throw StoreError(.stale, "segment \(record.seq) of \(record.stream) does not continue the cursor: \(refusal)")
    }
}

/// A segment's file on its way into the spool.
struct PlacedFile {
    let request: CommitRequest
    let record: SegmentRecord
    let temporary: SpoolTemporaryID
    let headerBytes: Int

    var path: String { StateDirectory.spoolPath(of: record) }
    var folder: String { StateDirectory.spoolFolder(of: record.stream) }
    var fileBytes: Int64 { Int64(headerBytes) + record.storedBytes }
}

extension SegmentRecord {
    var sourceEnd: Int64 { sourceOffset + sourceBytes }

    /// Why this segment, with the cursor behind it, cannot follow `current`; `nil` when it can.
    func refusal(advancing next: StreamCursor, after current: StreamCursor?) -> String? {
        guard sourceOffset >= 0, sourceBytes > 0, lines > 0, seq > 0 else { return "it is empty" }
        guard next.stream == stream, next.generation == generation, next.nextSeq == seq + 1 else {
            return "the new cursor is not behind it"
        }
        if partial {
            guard next.offset == sourceOffset, next.line == firstLine - 1, next.partialEnd == sourceEnd else {
                return "the new cursor passes a partial line"
            }
        } else {
            guard next.offset == sourceEnd, next.line == firstLine - 1 + lines, next.partialEnd == nil else {
                return "the new cursor is not at its end"
            }
        }
        let wantedSeq = current?.nextSeq ?? 1
        guard seq == wantedSeq else { return "its number is \(seq), the next one is \(wantedSeq)" }
        if let current, generation == current.generation {
            guard sourceOffset == current.offset, firstLine == current.line + 1 else {
                return "it begins at byte \(sourceOffset), line \(firstLine), and the cursor is at byte "
                    + "\(current.offset), line \(current.line + 1)"
            }
            if let end = current.partialEnd, sourceEnd < end {
                return "it ends at byte \(sourceEnd), and a partial line was taken there up to byte \(end)"
            }
            return nil
        }
        guard generation == (current?.generation ?? 0) + 1 else { return "it skips a generation" }
        guard sourceOffset == 0, firstLine == 1 else { return "a generation begins at its first byte" }
        return nil
    }
}
