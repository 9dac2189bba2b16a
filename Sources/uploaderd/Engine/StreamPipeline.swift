import Capture
import Digests
import Redaction
import Segments
import Shared
import Store

/// The whole journey of a line, from the file to a durable segment.
///
///     FileTail ▶ LineBuffer ▶ Redactor ▶ SegmentCutter (when) ▶ SegmentWriter (what) ▶ Store
///
/// One pipeline is one task on one work lane while its source has something to take or a segment is open; a source at
/// rest has none, only its cursor's row. Nothing here is durable: whatever happens, the next pipeline begins at the
/// cursor. How a source begins and ends is in `StreamPipeline+Life.swift`, lines over 8 MiB in `+LongLine.swift`, what
/// becomes of a line without its end in `+Untaken.swift`.
struct StreamPipeline: ~Copyable {
    enum Mode: Sendable { case live, once }

    /// What the supervisor is to do next.
    enum End: Sendable {
        /// All of it is in durable segments; nothing to do until it changes.
        case dormant
        /// The path leads to another file now: begin again.
        case restart
        /// The path leads nowhere.
        case gone
        /// The path is a second name of this source, which may have something to take.
        case otherName(of: SourcePath)
        /// The file is not at its path any more and has a name, and its last line has no end and is not taken: it is looked for
        /// under another path, and kept open meanwhile.
        case moved(LostSource)
        /// Another pipeline reads this file, under another path: begin again when that has ended.
        case busy(SourcePath)
        /// The file goes on with the stream of one that is still read, under that path: begin again when that has ended.
        case follows(SourcePath)
        /// The path leads to another file than the one that was taken, which may be somewhere else by now: begin again when
        /// that is known.
        case swapped
        /// Not now: begin again later.
        case failed(any Error)
    }

    let context: PipelineContext
    let permits: Permits
    let mailbox: PipelineMailbox
    let mode: Mode
    let source: SourcePath
    let name: SourceName

    var tail: FileTail
    /// Durable.
    var cursor: StreamCursor
    /// Behind the last line that was taken; where the open segment will end.
    var marker = SourceMarker()
    var start: SegmentStart
    var writer: SegmentWriter?
    var cutter: SegmentCutter
    var buffer = LineBuffer()
    var firstLines: FirstLines
    /// Whether the first lines are not all seen. A field of its own, since it is asked for every line: to ask
    /// `firstLines` copies all that was learnt.
    var isLearning = true
    var held = 0
    var lostSince: Instant?
    /// When to look again who has the file open that lost its path.
    var lingersUntil: Instant?
    var isEnded = false
    /// A hook said so, and no line has come since.
    var isSaidToBeEnded = false
    /// The same, while the source is read.
    var isEndAsked = false
    /// How often the cursor's row had been set back when it was read last.
    var setbacks = 0
    /// What a flush means that was asked while the source was read: so many bytes of it.
    var flushGoal: Int64?
    /// Source bytes before this offset hold no end of the line at `marker`; the buffer may hold them, or their beginning, or none.
    var searched: Int64 = 0
    /// Of a line that was let go of, its first bytes.
    var untakenHead: [UInt8] = []
    /// Of a line without its end, as far as it counts for what all pipelines hold of such lines.
    var untakenHeld = 0
    /// Health says that the line at `marker` is too long.
    var isSaidEndless = false

    /// Takes lines until there are none and nothing is open, or until it is asked to end.
    mutating func run() async throws -> End {
        if let end = try await begin() { return end }
        var requests: PipelineMailbox.Requests = []
        var isRung = false
        while true {
            if isSetBack, let end = try await goBackToRow() { return end }
            // Taken before reading: what a flush means was there when it was asked.
            requests.formUnion(mailbox.take())
            await permits.acquire()
            let reading: Reading
            do {
                reading = try await takeAll(isRung: isRung)
            } catch {
                permits.release()
                if isSetBack, let error = error as? StoreError, error.code == .stale { continue }
                throw error
            }
            permits.release()
            if flushGoal != nil { requests.insert(.flush) }
            // Behind the reading: what was there when it was asked is before the end.
            if requests.contains(.ended) || isEndAsked { isSaidToBeEnded = true }
            isEndAsked = false
            flushGoal = nil
            if case .otherBytes(let reason) = reading {
                if try await goBack() { continue }
                try await leaveGeneration()
                try await startGeneration(reason)
                continue
            }
            if let end = try await atEnd(requests) { return end }
            requests = []
            buffer.shrink()
            try letGoOfUntaken()
            let wake = await mailbox.wait(
                until: earliest(cutter.deadline, lingersUntil), on: context.time)
            isRung = wake == .rung
            if wake == .timeout, case .seal(let reason)? = cutter.tick(at: context.time.now) { try await seal(reason) }
        }
    }

    /// What is read at once while lines are short: what stays in a core's own cache until it is compressed.
    private static let chunk = 256 << 10

    enum Reading {
        case atEnd
        case otherBytes(TailPolicy.NewGeneration)
    }

    /// Reads to the end of the source, line by line into segments.
    ///
    /// - Parameter isRung: something was said of the source since it was read.
    private mutating func takeAll(isRung: Bool) async throws -> Reading {
        if isRung, let reason = try await changeOfUntaken() { return .otherBytes(reason) }
        if isLetGo, let reason = try await reasonNotToRead(isRung: isRung) { return reason }
        var turn = cursor.nextSeq
        while true {
            if cursor.nextSeq != turn {
                // A segment a turn: few large files must not hold up the next line of all others. Now little is held.
                buffer.shrink()
                permits.release()
                await permits.acquire()
                turn = cursor.nextSeq
            }
            if buffer.count >= context.limits.longLine {
                // Its end is looked for without reading on.
                switch try tail.change() {
                case .shrunk: return .otherBytes(.truncated)
                case .mismatch: return .otherBytes(.rewritten)
                case .bytes, .atEnd, nil: break
                }
                try await takeLongLine(isWhole: true)
                // Its end is not there yet: nothing more is read into memory.
                if buffer.count >= context.limits.longLine { return .atEnd }
                // What was read with its end may hold whole lines.
                try await takeLines()
            }
            switch try tail.read(into: buffer.room(buffer.count < Self.chunk ? Self.chunk : FileTail.chunk)) {
            case .bytes(let count):
                buffer.fill(count)
                try await takeLines()
            case .atEnd: return .atEnd
            case .shrunk: return .otherBytes(.truncated)
            case .mismatch: return .otherBytes(.rewritten)
            }
            if mailbox.isEnding, tail.offset >= tail.keptEnd { return .atEnd }
            try await answerFlush()
            if context.gate.isClosed {
                try await close(.bytes)
                mailbox.pause(before: context.gate)
                await context.gate.pass()
                mailbox.goOn()
            }
            // Others wait on this lane, too.
            await Task.yield()
        }
    }

    /// A source that grows as fast as it is read has no end: a flush means what was there when it was asked.
    private mutating func answerFlush() async throws {
        if flushGoal == nil, mailbox.isFlushAsked {
            if mailbox.take().contains(.ended) { isEndAsked = true }
            flushGoal = try tail.observe().size
        }
        // Who asks for the end waits for the last line, too.
        guard let goal = flushGoal, tail.offset >= goal, !isEndAsked else { return }
        try await close(.flush)
        mailbox.noteEndless(max(0, goal - marker.offset))
        mailbox.answerFlushes()
        flushGoal = nil
    }

    mutating func takeLines() async throws {
        while let line = buffer.nextLine() {
            let raw = RawLine(bytes: line, offset: marker.offset, terminated: true)
            let cut = take(raw)
            if let reason = cut.before {
                try await seal(reason)
                // Sealing leaves the buffer as it is, so `raw` still points to the same bytes.
                context.redactor.redact(raw, longest: context.limits.maxLine) { line in
                    append(line, LineScanner.look(at: line.bytes))
                }
            }
            marker.advance(over: line)
            buffer.drop(line.count)
            clearEndless()
            if let reason = cut.after { try await seal(reason) }
        }
        noteHeld()
        if context.budget.isExceeded, let bytes = writer?.bytes, bytes > 256 << 10 { try await close(.bytes) }
    }

    /// Redacts one line and puts it into the open segment, unless that is to be sealed before it.
    private mutating func take(_ raw: RawLine) -> CutActions {
        context.redactor.redact(raw, longest: context.limits.maxLine) { line in
            let look = LineScanner.look(at: line.bytes)
            let cut = cutter.line(bytes: line.bytes.count, kind: look.kind, at: context.time.now)
            isEnded = look.kind == .end
            isSaidToBeEnded = false
            if isLearning {
                firstLines.take(line.bytes)
                isLearning = !firstLines.isComplete
            }
            if cut.before == nil { append(line, look) }
            return cut
        }
    }

    mutating func append(_ line: borrowing RedactedLine, _ look: LineLook) {
        if writer == nil {
            writer = SegmentWriter(
                at: start, compressors: context.compressors, rules: context.redactor.rules, key: context.key,
                memberBytes: context.limits.memberBytes)
            mailbox.noteOpen(since: context.time.now)
        }
        writer?.append(line, look)
    }

    /// Gives back what is held, whatever becomes of the pipeline.
    mutating func letGo() {
        writer = nil
        noteHeld()
        noteUntaken(0)
    }

    mutating func noteHeld() {
        let now = writer?.heldBytes ?? 0
        context.budget.change(from: held, to: now)
        held = now
    }

    private func earliest(_ a: Instant?, _ b: Instant?) -> Instant? {
        guard let a, let b else { return a ?? b }
        return min(a, b)
    }
}
