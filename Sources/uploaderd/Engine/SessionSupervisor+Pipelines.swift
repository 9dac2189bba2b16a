import Capture
import LinuxSystem
import Shared
import Store
import Synchronization

/// Pipelines: how one begins for a source whose turn it is, and what becomes of the source when it ends.
extension SessionSupervisor {
    func startPending(in group: inout DiscardingTaskGroup) {
        // To take from an empty line would be a change of it, and this is called after each change.
        while running.count < mostPipelines, !isStopping, !pending.isEmpty, let path = pending.next() {
            // Somebody waited to have it started when it was: a source has one pipeline.
            if let mailbox = running[path] {
                mailbox.ring()
                continue
            }
            start(path, in: &group)
        }
        noteCrowd()
        noteCounts()
    }

    private func start(_ path: SourcePath, in group: inout DiscardingTaskGroup) {
        let left = expected.removeValue(forKey: path) ?? 0
        let mailbox = PipelineMailbox(
            left: left, since: pendingSince, mayReplace: replaceable.remove(path) != nil, makesRoom: isCrowded)
        if isStopping { mailbox.ask(.shutdown) }
        if ended.contains(path) { mailbox.ask(.ended) }
        running[path] = mailbox
        endless[path] = nil
        following.remove(path)
        // Somebody woke it before the end that it waited for.
        for other in behind.keys { behind[other]?.remove(path) }
        let lost = lost.removeValue(forKey: path)
        let seen = lost.flatMap { seenLost.removeValue(forKey: $0.file.identity) }
        let lane = loads.place(left)
        group.addTask(executorPreference: world.work[lane]) { [context, intake, mode] in
            let end = await Self.live(path, mailbox, lane, intake, mode, context, lost: lost, seen) {
                if self.isSearching.withLock({ $0 }) { await self.changed() }
            }
            await self.ended(path, lost, mailbox, end, lane, left)
        }
    }

    /// The last of all that begin: sources whose files are held open.
    func startLost(in group: inout DiscardingTaskGroup) {
        for path in lost.keys.sorted(by: Self.inOrder) where running[path] == nil { start(path, in: &group) }
    }

    /// More files at once are not held open while they are looked for: what is left of the others is taken as it is.
    private var mostLost: Int { mostPipelines / 2 }

    /// Files whose last line has no end, which may never come, must not keep all others out. Those that begin while others
    /// wait are asked at their beginning: in a long backlog nobody looks through all of them again and again.
    private func noteCrowd() {
        let wasCrowded = isCrowded
        isCrowded = !pending.isEmpty && (isCrowded || running.count >= mostPipelines)
        guard isCrowded, !wasCrowded else { return }
        for mailbox in mailboxes(where: { _ in true }) { mailbox.askForRoom() }
    }

    /// One pipeline's life; on a work lane. Bounded by the group, ended by `drain`.
    ///
    /// - Parameter seen: where a scan saw what is held open.
    nonisolated static func live(
        _ path: SourcePath, _ mailbox: PipelineMailbox, _ lane: Int, _ intake: SourceIntake,
        _ mode: StreamPipeline.Mode, _ context: PipelineContext, lost: LostSource? = nil, _ seen: SourcePath? = nil,
        named: @Sendable () async -> Void = {}
    ) async -> StreamPipeline.End {
        var session: SessionID?
        do {
            var lost = lost
            if let kept = lost, try await !intake.isNowhere(kept, seen) { lost = nil }
            // Opened once: the path may lead to another file at any moment, and what is claimed, named and read is one file.
            guard var tail = try await intake.open(path, or: lost) else { return .dormant }
            // Before its name is asked: a file that has two of them and no stream yet would get two streams.
            let claim = context.claims.claim(.file(tail.identity), for: path)
            if let other = claim.holder { return .busy(other) }
            defer { claim.end() }
            let name: SourceName
            if let lost {
                name = lost.name
            } else {
                switch try await intake.name(of: &tail) {
                case .named(let found): name = found
                case .notASession: return .dormant
                case .otherName(let other): return .otherName(of: other)
                }
            }
            session = name.sid
            guard try await intake.admits(name, &tail) else {
                try await context.store.noteSkipped(name.sid, at: path.absolute)
                return .dormant
            }
            // Two files hold its lines while one takes the place of the other: the one that is read comes to its end first.
            let streamClaim = context.claims.claim(.stream(name.key), for: path)
            if let other = streamClaim.holder { return .follows(other) }
            defer { streamClaim.end() }
            // Open by now: who held the file for it may let go.
            mailbox.setNamed()
            await named()
            var pipeline = try await StreamPipeline.open(
                tail, name: name, mode: mode, mailbox: mailbox, lane: lane, context: context)
            do {
                let end = try await pipeline.run()
                pipeline.letGo()
                return end
            } catch {
                pipeline.letGo()
                throw error
            }
        } catch let error as StoreError where error.code == .notOpen {
            // What was read and not sealed is nowhere: whoever opens the session again wakes its sources.
            do throws(StoreError) {
                if let session { try await context.store.noteSkipped(session, at: path.absolute) }
            } catch {
                return .failed(error)
            }
            return .dormant
        } catch {
            return .failed(error)
        }
    }

    private func ended(
        _ path: SourcePath, _ lost: LostSource?, _ mailbox: PipelineMailbox, _ end: StreamPipeline.End, _ lane: Int,
        _ left: Int64
    ) {
        running[path] = nil
        loads.remove(left, from: lane)
        mailbox.close()
        let left = mailbox.count(taken: .max)
        if left > 0 { context.board.update { $0.backlogBytes -= left } }
        if case .dormant = end, mailbox.endless > 0 { endless[path] = mailbox.endless }
        switch end {
        case .dormant, .gone:
            resting[path] = nil
            clearHealth(of: path)
            // It was rung between its last look and its end.
            if mailbox.isRung, !isStopping { pending.add(path) }
        case .otherName(let other):
            resting[path] = nil
            clearHealth(of: path)
            wake(other)
            if mailbox.isRung, !isStopping { pending.add(path) }
        case .busy(let other): wait(path, mailbox, for: other)
        case .follows(let other):
            self.lost[path] = lost
            following.insert(path)
            running[other]?.ask(.giveWay)
            wait(path, mailbox, for: other)
        case .restart:
            pending.add(path)
        case .swapped:
            // Until the search is over, whenever it failed before.
            resting[path] = nil
            clearHealth(of: path)
            swapped.insert(path)
        case .moved(let file):
            resting[path] = nil
            clearHealth(of: path)
            self.lost[path] = file
            if self.lost.count <= mostLost {
                swapped.insert(path)
            } else {
                pending.add(path)
            }
        case .failed(let error):
            if !isStopping { self.lost[path] = lost }
            failed(path, error)
            // Its file was not there, and it came before anybody heard of that.
            if resting[path] == nil, mailbox.isRung, !isStopping { pending.add(path) }
        }
        if let waiting = behind.removeValue(forKey: path), !isStopping {
            for other in waiting.sorted(by: Self.inOrder) { pending.add(other) }
        }
        giveBackMemory()
        noteCounts()
    }

    /// Its file, or its stream, is read under another path: it waits for the end of that, and for no time. Where something was said
    /// of it since it was opened it may have another file.
    private func wait(_ path: SourcePath, _ mailbox: PipelineMailbox, for other: SourcePath) {
        resting[path] = nil
        if let reader = running[other], !mailbox.isRung {
            behind[other, default: []].insert(path)
            reader.ring()
        } else {
            pending.add(path)
        }
    }

    private static let worthwhile: (bytes: Int64, sources: Int) = (16 << 20, 2_048)

    /// When nothing is left to do. A backlog leaves tens of megabytes of freed memory with the allocator, and so does a scan
    /// of half a million files; one busy session is not worth a call.
    func giveBackMemory() {
        guard pending.isEmpty, running.values.allSatisfy({ $0.openSince == nil }) else { return }
        let taken = context.board.snapshot().takenBytes
        guard taken - takenBefore >= Self.worthwhile.bytes || foundSince >= Self.worthwhile.sources else { return }
        takenBefore = taken
        foundSince = 0
        FreeMemory.giveBack()
    }

    private func failed(_ path: SourcePath, _ error: any Error) {
        if let error = error as? CaptureError, error.code == .missing {
            resting[path] = nil
            clearHealth(of: path)
            return
        }
        let count = (resting[path]?.failures ?? 0) + 1
        if count == 1, mode == .live, Self.isOvertaken(error) {
            // Nothing is wrong: begun again at the cursor, it sees what is there.
            resting[path] = Rest(
                until: world.time.now, failures: count, isSources: true, reason: Self.sentence(path, error))
            pending.add(path)
            return
        }
        let delay = Duration.seconds(1 << min(count - 1, 6))
        resting[path] = Rest(
            until: world.time.now + delay, failures: count,
            isSources: error is CaptureError || (error as? EngineError)?.code == .undecided,
            isUnresolved: (error as? StoreError)?.code == .unresolved || (error as? EngineError)?.code == .unreachable,
            reason: Self.sentence(path, error))
        report(path, error)
    }
}
