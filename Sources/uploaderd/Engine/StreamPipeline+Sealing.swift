import Capture
import Segments
import Shared
import Store

/// What was read becomes a segment, and the cursor goes on behind it.
extension StreamPipeline {
    /// Something outside decides: seals what is open, for this reason.
    mutating func close(_ reason: CutReason) async throws {
        if cutter.end(reason) != nil { try await seal(reason) }
    }

    /// Hands the open segment to Store; returns when it and the cursor are durable.
    mutating func seal(_ reason: CutReason, partial: Bool = false) async throws {
        guard let open = writer.take() else { return }
        noteHeld()
        try await hand(over: try open.finish(reason, partial: partial))
    }

    mutating func hand(over sealed: SealedSegment) async throws {
        guard let behind = sealed.next else { preconditionFailure("only a merged segment has no place behind it") }
        var next = cursor
        next.offset = behind.sourceOffset
        next.line = behind.firstLine - 1
        next.nextSeq = behind.seq
        next.chainState = sealed.chainState
        next.file = tail.identity
        next.partialEnd = sealed.record.partial ? sealed.record.sourceOffset + sealed.record.sourceBytes : nil
        if !sealed.record.partial { next.marks = marker.marks(context.key) }
        _ = try await context.store.seal(sealed, advancing: next, source: info, facts: facts(with: sealed.record))
        // Behind the seal, for a segment of the main stream says that the session goes on.
        if isEnded, name.kind == .transcript { try await context.store.setEnded(name.sid, reason: "shutdown") }
        if cursor.offset == 0 { context.board.settleGeneration(of: cursor.stream) }
        cursor = next
        start = behind
        mailbox.noteSealed(upTo: tail.isPacked ? nil : cursor.offset)
        let counted = mailbox.count(taken: sealed.record.sourceBytes)
        context.board.update {
            $0.sealedSegments += 1
            $0.sealedBytes += sealed.record.bytes
            $0.sealedLines += sealed.record.lines
            $0.takenBytes += sealed.record.sourceBytes
            $0.backlogBytes -= counted
            for (kind, count) in sealed.record.anomalies where kind != "withheld" {
                $0.noticed.anomalies[kind, default: 0] += count
            }
        }
        if let withheld = sealed.record.anomalies["withheld"] { noteWithheld(withheld, in: sealed.record) }
    }
}
