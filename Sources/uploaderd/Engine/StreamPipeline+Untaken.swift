import Capture
import Glibc
import Redaction
import Segments
import Shared
import Store

/// A source's file that is not where it was and ends in a line that is not taken: whoever finds the file has the line, else it
/// is taken from here.
struct LostSource: Sendable {
    let file: KeptSource
    let name: SourceName
}

/// What was read and not taken: the bytes behind `marker`, which are no whole line. The source may lose them, or hold
/// others in their place: as long as it holds what was taken, its generation goes on.
extension StreamPipeline {
    /// Whether something else is now where the unterminated line was read.
    ///
    /// A writer that fills a file in place, from the front, leaves the bytes as they are by which `FileTail` knows the
    /// place of its next read. Costs a look at the line's first bytes; all of it is read again when something was said of
    /// the source and it did not grow.
    mutating func changeOfUntaken() async throws -> TailPolicy.NewGeneration? {
        // What is compressed does not change in place.
        guard !buffer.isEmpty, !tail.isPacked else { return nil }
        let hasGrown = try tail.hasBytes(at: max(tail.offset, searched))
        let end = hasGrown ? min(marker.offset + Int64(SourceMarker.length), tail.offset) : tail.offset
        var isSame = true
        var compared = 0
        let isThere = try await tail.eachByte(of: marker.offset..<end) { piece in
            guard isSame, let found = piece.baseAddress, let held = buffer.bytes.baseAddress else { return }
            isSame = memcmp(found, held + compared, piece.count) == 0
            compared += piece.count
        }
        guard isThere else { return .truncated }
        guard isSame else { return .rewritten }
        // Nothing is held of what was only looked through for the line's end.
        if !hasGrown { searched = 0 }
        return nil
    }

    /// Forgets what was read and not taken, to read on behind what was: in the same generation, and in the same open
    /// segment.
    ///
    /// - Returns: `false` when the source no longer holds what was taken, or nothing else was read of it.
    mutating func goBack() async throws -> Bool {
        guard !buffer.isEmpty, !tail.isPacked, try await holdsPartial(), try tail.goBack(to: marker) else {
            return false
        }
        buffer.drop(buffer.count)
        searched = 0
        clearEndless()
        return true
    }

    // MARK: Let go of

    /// A line that is no longer is always held at rest, in bytes.
    private static let alwaysHeld = 64 << 10

    /// At rest many sources may end in long lines, which their files have as well: together they hold no more than the budget, and
    /// what goes beyond it is read again when it is wanted. Should such a file be truncated or written anew, the line is gone with it.
    mutating func letGoOfUntaken() throws {
        noteUntaken(buffer.count > Self.alwaysHeld ? buffer.count : 0)
        guard untakenHeld > 0, context.untaken.isExceeded else { return }
        let head = Array(buffer.bytes.prefix(SourceMarker.length))
        let end = marker.offset + Int64(buffer.count)
        guard try tail.goBack(to: marker) else { return }
        searched = max(searched, end)
        untakenHead = head
        buffer.drop(buffer.count)
        buffer.shrink()
        noteUntaken(0)
    }

    mutating func noteUntaken(_ bytes: Int) {
        context.untaken.change(from: untakenHeld, to: bytes)
        untakenHeld = bytes
    }

    /// The source ends in a line of which nothing is held.
    var isLetGo: Bool { buffer.isEmpty && searched > marker.offset }

    /// Whether the line that was let go of may have its end by now, or be another one.
    ///
    /// - Parameter isRung: something was said of the source.
    /// - Returns: why nothing is read now; `nil`: it is to be read on.
    mutating func reasonNotToRead(isRung: Bool) async throws -> Reading? {
        if isRung {
            let size = try tail.observe().size
            var head = [UInt8](repeating: 0, count: untakenHead.count)
            let count = try head.withUnsafeMutableBytes { try tail.read(into: $0, at: marker.offset) }
            // It did not grow, so something else was done to it.
            guard size > searched, count == head.count, head == untakenHead else {
                searched = 0
                return try await holdsPartial() ? nil : .otherBytes(.rewritten)
            }
        }
        return try await lineEnd() == nil ? .atEnd : nil
    }

    /// Reads what was let go of, as far as such a line is held.
    ///
    /// - Returns: `false` when it is not there any more.
    mutating func readAgain() async throws -> Bool {
        while buffer.count < context.limits.longLine,
            case .bytes(let count) = try tail.read(into: buffer.room(FileTail.chunk))
        {
            buffer.fill(count)
            await Task.yield()
        }
        try await takeLines()
        return !buffer.isEmpty
    }

    // MARK: At the end

    /// Whether no later life may find the file: it has no name, or lost the one under which it is known.
    func isLost() async throws -> Bool {
        let seen = try tail.observe()
        if seen.place == .same, seen.links > 0 { return false }
        if seen.links == 0 { return true }
        return try await context.store.source(of: cursor.stream).map { $0.path == source } ?? true
    }

    /// Bytes at the source's end that are a line without its end, and are in no segment.
    var endless: Int64 {
        let isTaken = cursor.partialEnd == (isLetGo ? searched : marker.offset + Int64(buffer.count))
        return isTaken || (buffer.isEmpty && !isLetGo) ? 0 : max(Int64(buffer.count), searched - marker.offset)
    }

    /// Takes the unterminated last line as it is, as a segment of its own. If the source grows after all, the whole line
    /// will supersede it.
    mutating func takePartial(_ reason: CutReason) async throws {
        guard endless > 0 else { return }
        if isLetGo, try await !readAgain() { return }
        try await close(reason)
        if buffer.count >= context.limits.longLine {
            try await takeLongLine(isWhole: false)
            return
        }
        let raw = RawLine(bytes: buffer.bytes, offset: marker.offset, terminated: false)
        context.redactor.redact(raw, longest: context.limits.maxLine) { line in
            append(line, LineScanner.look(at: line.bytes))
        }
        try await seal(reason, partial: true)
    }
}
