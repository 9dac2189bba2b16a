import Capture
import Redaction
import Segments
import Shared
import Store

/// Lines over 8 MiB: never held whole. Looked through for their end, then streamed into a segment of their own.
extension StreamPipeline {
    /// The buffer holds the beginning of a line that is too long for it.
    ///
    /// - Parameter isWhole: only take it when its end is there; else as it is (the source is gone or at rest).
    mutating func takeLongLine(isWhole: Bool) async throws {
        guard let end = try await lineEnd() ?? (isWhole ? nil : try tail.observe().size) else { return noteEndless() }
        try await takeLongLine(until: end, partial: !isWhole)
    }

    mutating func takeLongLine(until end: Int64, partial: Bool) async throws {
        clearEndless()
        try await close(.bytes)
        if end - marker.offset > context.limits.maxLine {
            try await withhold(until: end, partial: partial)
        } else {
            try await stream(until: end, partial: partial)
        }
    }

    static var endlessKind: String { "line_too_long" }

    /// A line that is to be withheld has no end yet: until then nothing behind it can be taken.
    mutating func noteEndless() {
        let seen = max(searched - marker.offset, Int64(buffer.count))
        guard seen > context.limits.maxLine else { return }
        isSaidEndless = true
        context.board.report(
            Self.endlessKind, source.absolute,
            "\(source) holds a line of more than \(ByteCount(context.limits.maxLine)) that has no end yet, \(ByteCount(seen)) "
                + "so far: it is waited for, and will be withheld",
            hint: "raise segments.max_line if it is wanted")
    }

    mutating func clearEndless() {
        guard isSaidEndless else { return }
        isSaidEndless = false
        context.board.clear(Self.endlessKind, source.absolute)
    }

    /// Looks for the end of the line at `marker` behind what was searched.
    ///
    /// - Returns: the offset behind it; `nil` when the source does not have it (yet), or a stop does not wait for it.
    mutating func lineEnd() async throws -> Int64? {
        var chunk = [UInt8](repeating: 0, count: FileTail.chunk)
        var offset = max(searched, marker.offset + Int64(buffer.count))
        while true {
            let (count, newline) = try chunk.withUnsafeMutableBytes { chunk in
                let count = try tail.read(into: chunk, at: offset)
                return (count, UnsafeRawBufferPointer(rebasing: chunk[..<count]).firstNewline(from: 0))
            }
            if let newline { return offset + Int64(newline) }
            offset += Int64(count)
            searched = offset
            if count < chunk.count || mailbox.isEnding { return nil }
            // It may be as long as a disk.
            noteEndless()
            await Task.yield()
        }
    }

    private mutating func stream(until end: Int64, partial: Bool) async throws {
        let temporary = SharedTemporary(try await context.store.makeSpoolTemporary())
        var redactor = context.redactor.beginLong(offset: marker.offset)
        let streamed: SealedSegment?
        do {
            streamed = try await self.streamed(until: end, partial: partial, through: &redactor, into: temporary)
        } catch {
            try await context.store.discard(temporary.id)
            throw error
        }
        if let streamed { return try await hand(over: streamed) }
        try await context.store.discard(temporary.id)
        try await withhold(redactor, .redactionFailed, partial: partial)
    }

    /// - Returns: `nil` when the line cannot be redacted; it has passed all the same.
    private mutating func streamed(
        until end: Int64, partial: Bool, through redactor: inout LongLineRedactor, into temporary: SharedTemporary
    ) async throws -> SealedSegment? {
        var long = try LongLineWriter(
            at: start, codec: context.compressors.codec, level: context.compressors.level,
            rules: context.redactor.rules, key: context.key
        ) { bytes in try temporary.append(bytes) }
        try await eachPiece(until: end) { piece throws(SegmentError) in
            try redactor.pass(piece) { redacted throws(SegmentError) in try long.append(redacted) }
        }
        let source = try redactor.finish { redacted throws(SegmentError) in try long.append(redacted) }
        return redactor.isFailed ? nil : try long.finish(source, partial: partial, in: temporary.id)
    }

    private mutating func withhold(until end: Int64, partial: Bool) async throws {
        var redactor = context.redactor.beginLong(offset: marker.offset)
        try await eachPiece(until: end) { redactor.skip($0) }
        try await withhold(redactor, .tooLong, partial: partial)
    }

    /// Puts one line in the place of all that the redactor has seen.
    private mutating func withhold(
        _ redactor: consuming LongLineRedactor, _ reason: WithheldReason, partial: Bool
    ) async throws {
        var open = SegmentWriter(
            at: start, compressors: context.compressors, rules: context.redactor.rules, key: context.key,
            memberBytes: context.limits.memberBytes)
        redactor.withhold(reason, terminated: !partial) { line in open.append(line) }
        writer = consume open
        try await seal(.bytes, partial: partial)
    }

    /// Passes the line's bytes: what the buffer holds, then what is read. The bytes behind it stay in the buffer.
    private mutating func eachPiece<Failure: Error>(
        until end: Int64, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) async throws {
        while marker.offset < end {
            if buffer.isEmpty {
                guard case .bytes(let count) = try tail.read(into: buffer.room(FileTail.chunk)) else {
                    throw EngineError(.sourceChanged, "\(source) changed while a line of it was read")
                }
                buffer.fill(count)
            }
            let count = Int(min(Int64(buffer.count), end - marker.offset))
            let piece = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count])
            try body(piece)
            marker.advance(over: piece)
            buffer.drop(count)
            await Task.yield()
        }
    }
}
