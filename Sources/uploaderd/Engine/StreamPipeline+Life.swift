import Capture
import Digests
import LinuxSystem
import Redaction
import Segments
import Shared
import Store

/// How a source begins and ends: its cursor, its generations, its unterminated last line.
extension StreamPipeline {
    /// Reads the row of the cursor of a source that is open.
    ///
    /// - Throws: `StoreError`: `unresolved` as long as its session is.
    static func open(
        _ tail: consuming FileTail, name: SourceName, mode: Mode, mailbox: PipelineMailbox, lane: Int,
        context: PipelineContext
    ) async throws -> StreamPipeline {
        // Its cursor may lie behind what is missing: a source without a new line would look as if all of it were taken.
        try await context.store.requireOpen(name.sid)
        try await context.store.requireResolved(name.sid)
        let known = try await context.store.cursor(of: name.key)
        let source = tail.path
        let cursor = known ?? StreamCursor(stream: name.key, file: tail.identity)
        return StreamPipeline(
            context: context, permits: context.permits[lane], mailbox: mailbox, mode: mode, source: source, name: name,
            tail: tail, cursor: cursor,
            start: SegmentStart(
                stream: name.key, generation: cursor.generation, seq: cursor.nextSeq, firstLine: 1, sourceOffset: 0),
            cutter: SegmentCutter(limits: context.limits), firstLines: FirstLines(agent: source.agent, kind: name.kind))
    }

    var info: SourceInfo {
        SourceInfo(agent: source.agent, root: source.root, relativePath: source.relativePath, kind: name.kind.rawValue)
    }

    /// Finds the place to go on at.
    ///
    /// - Returns: how the pipeline ends when it cannot go on: with `restart` when the cursor was changed meanwhile.
    mutating func begin() async throws -> End? {
        let isKnown = cursor.offset > 0 || cursor.partialEnd != nil || cursor.generation > 1 || cursor.nextSeq > 1
        switch try tail.begin(at: isKnown ? cursor : nil) {
        case .start:
            if isKnown, try await !holdsBehind() { return try await begin(otherBytes: .rewritten) }
            // A session that another program began goes on with its next number, and with a first generation of ours.
            try goOn(at: cursor)
        case .resume, .idle:
            guard try await holdsPartial(), try await holdsBehind() else {
                return try await begin(otherBytes: .rewritten)
            }
            if try await reopenGaps() { return .restart }
            try await continueGeneration()
            if tail.isPacked, cursor.file != tail.identity {
                // Known by its own number from now on, it is not decompressed at every scan.
                cursor.file = tail.identity
                try await context.store.markRecomputed(cursor, from: info)
            }
        case .newGeneration(let reason):
            if reason == .truncated, let end = try await waitForUnpacking() { return end }
            return try await begin(otherBytes: reason)
        case .verify:
            return try await verify() ? .restart : begin(otherBytes: .replaced)
        }
        return nil
    }

    private mutating func begin(otherBytes reason: TailPolicy.NewGeneration) async throws -> End? {
        if isSwapped { return .swapped }
        try await startGeneration(reason)
        return nil
    }

    /// The source holds what was taken of it: so it does what is missing, too.
    private func reopenGaps() async throws -> Bool {
        guard try await context.store.reopenGaps(of: cursor.stream, generation: cursor.generation) else { return false }
        context.board.clear(SessionResolver.linesLost, "\(cursor.stream)")
        return true
    }

    /// Rotated files: were the next generation begun here at once, the file that was taken would be found under its new
    /// name, and would be taken again.
    private var isSwapped: Bool { !mailbox.mayReplace && cursor.file != tail.identity }

    private mutating func continueGeneration() async throws {
        while SegmentStart(continuing: cursor) == nil {
            do {
                let (digest, read) = try await context.chains.state(of: cursor)
                try await context.store.setChain(
                    digest.state, of: cursor.stream, generation: cursor.generation, offset: cursor.offset, from: read)
                cursor.chainState = digest.state
            } catch let error as StoreError where error.code == .stale {
                // Rewritten or joined meanwhile: what is there now is read. Not where the cursor was moved.
                let row = try await context.store.cursor(of: cursor.stream)
                guard let row, row.generation == cursor.generation, row.offset == cursor.offset else { throw error }
                await Task.yield()
            }
        }
        try goOn(at: cursor)
    }

    private mutating func goOn(at cursor: StreamCursor) throws {
        guard let next = SegmentStart(continuing: cursor) else {
            throw EngineError(.inconsistent, "the digest state of \(cursor.stream) cannot be read")
        }
        start = next
        marker = tail.marker
        if writer == nil { mailbox.noteSealed(upTo: tail.isPacked ? nil : cursor.offset) }
    }

    /// The cursor was rebuilt, from manifests or spool headers: compares the source with what was stored of it before it
    /// is trusted, and makes marks and digest anew.
    private mutating func verify() async throws -> Bool {
        switch try await context.store.evidence(of: cursor.stream) {
        case nil: return true  // somebody did it meanwhile
        case .segment(nil): return false
        case .segment(let last?):
            guard try await tail.holds(last, key: context.key) else { return false }
        case .foreign:
            guard try await holdsForeign() else { return false }
        }
        if try await reopenGaps() { return true }
        var verified = cursor
        verified.marks = tail.marker.marks(context.key)
        verified.file = tail.identity
        verified.chainState = try await context.chains.state(of: verified).digest.state
        try await context.store.markRecomputed(verified, from: info)
        return true
    }

    /// Whether it holds what was taken behind the cursor: that went back before what is lost, and no mark says what was there.
    private func holdsBehind() async throws -> Bool {
        for segment in try await context.store.segmentsBehind(cursor) {
            guard try await tail.holds(segment, key: context.key) else { return false }
        }
        return true
    }

    func holdsPartial() async throws -> Bool {
        try await tail.holdsPartial(of: cursor, in: context.store, key: context.key)
    }

    /// Whether the source begins with exactly what another program uploaded of it.
    private func holdsForeign() async throws -> Bool {
        let stored = try await context.chains.foreignDigest(of: cursor.stream)
        guard stored.count == UInt64(cursor.offset) else { return false }
        var digest = RunningDigest()
        guard try await tail.eachByte(of: 0..<cursor.offset, { digest.update($0) }) else { return false }
        return digest.digest() == stored.digest()
    }

    /// What was read of the old bytes is sealed: they may be nowhere else any more.
    mutating func leaveGeneration() async throws {
        try await close(.truncated)
        if buffer.count >= context.limits.longLine {
            // Only what is held: the file has other bytes by now.
            try await takeLongLine(until: marker.offset + Int64(buffer.count), partial: true)
        } else if !buffer.isEmpty {
            try await takePartial(.truncated)
        }
        buffer.drop(buffer.count)
    }

    mutating func startGeneration(_ reason: TailPolicy.NewGeneration) async throws {
        if context.board.begin(cursor.generation + 1, of: cursor.stream) {
            context.log.record(
                Event(
                    .generationStarted,
                    "\(source) no longer holds what was taken of it (\(reason.rawValue)); "
                        + "generation \(cursor.generation + 1) begins at its start",
                    session: name.sid, fields: ["STREAM": name.stream.rawValue, "REASON": reason.rawValue]))
        }
        cursor = StreamCursor(
            stream: cursor.stream, generation: cursor.generation + 1, nextSeq: cursor.nextSeq, file: tail.identity)
        cutter = SegmentCutter(limits: context.limits)
        searched = 0
        untakenHead = []
        clearEndless()
        _ = try tail.begin(at: nil)
        try goOn(at: cursor)
        if try await context.store.begin(cursor) { context.lost.retry() }
    }

    /// Everything that is there was read.
    ///
    /// - Returns: how the pipeline ends; `nil`: wait.
    mutating func atEnd(_ requests: PipelineMailbox.Requests) async throws -> End? {
        // What is read and not sealed is no backlog: a line without its end may stay for ever.
        noteEndless()
        let read = mailbox.count(taken: .max)
        if read > 0 { context.board.update { $0.backlogBytes -= read } }
        if requests.contains(.giveWay), cursor.offset == 0, cursor.partialEnd == nil, try tail.observe().place == .same
        {
            return .restart
        }
        if requests.contains(.flush) { try await close(.flush) }
        if mailbox.isEnding {
            try await close(.shutdown)
            if endless > 0, try await isLost() { try await takePartial(.end) }
            answerFlushes()
            return .dormant
        }
        let seen = try tail.observe()
        let hasWriter = buffer.isEmpty && seen.place == .same ? nil : tail.hasWriter()
        lostSince = seen.place == .same && seen.links > 0 ? nil : lostSince ?? context.time.now
        switch TailPolicy.atEnd(
            seen.place, links: seen.links, hasWriter: hasWriter, lostSince: lostSince, now: context.time.now,
            hasUntaken: endless > 0 && tail.keptEnd == 0, isFlushed: mailbox.isFlushAsked)
        {
        case .wait: lingersUntil = nil
        case .search:
            try await close(.end)
            if isLetGo { _ = try await readAgain() }
            return .moved(LostSource(file: try tail.kept(), name: name))
        case .linger(let until):
            lingersUntil = until
            answerFlushes()
            return nil
        case .finish:
            if try tail.hasBytes(at: max(tail.offset, searched)) {
                // Who had it open wrote once more and closed it, between the last read and the look at who has it.
                mailbox.ring()
                return nil
            }
            try await close(.end)
            try await takePartial(.end)
            // Whoever asked for a flush is answered by the end: what has its path now is to be asked, too.
            return seen.place == .replaced ? .restart : .gone
        }
        let isEnded = isEnded || isSaidToBeEnded
        let quiet = context.time.wall - WallTime(nanoseconds: seen.modified)
        let mayTakePartial = TailPolicy.mayTakePartialLine(
            isEnded: isEnded, hasWriter: hasWriter, isGone: false, isOnce: mode == .once, quiet: quiet)
        if isEnded || mode == .once {
            try await close(isEnded ? .end : .flush)
        } else if quiet >= context.limits.quiet {
            // It was at rest before we came: a backlog is not waited for.
            try await close(.quiet)
        }
        if mayTakePartial { try await takePartial(.end) }
        answerFlushes()
        if mode == .once { return .dormant }
        // An unterminated line that is nowhere else keeps its file open: should the file go, the line is still there.
        // Unless others have no place: then only what was rung for is looked at before it goes.
        let mayStay = mailbox.isRung || !requests.contains(.makeRoom)
        if writer != nil || (endless > 0 && mayStay) { return nil }
        // Who has it open goes on even when it is deleted, and then there is no other way to what is written.
        return mayStay && tail.hasWriter() == true ? nil : .dormant
    }

    /// What was asked for is sealed; what is left says the mailbox.
    func answerFlushes() {
        mailbox.noteEndless(endless)
        mailbox.answerFlushes()
    }
}
