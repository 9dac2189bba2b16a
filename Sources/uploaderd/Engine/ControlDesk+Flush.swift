import Capture
package import ControlPlane
import LinuxSystem
package import Shared
import Store

/// What is open is sealed and, where somebody waits for it, delivered.
extension ControlDesk {
    package func flush(
        _ request: FlushRequest, passed: PassedDescriptor?, progress: ReplySink<FlushReply>
    ) async throws(ControlError) -> FlushReply {
        let engine = engine
        let sealed = engine.board.snapshot().sealedSegments
        let required = engine.destinations.filter(\.isRequired).map(\.name)
        let gate = engine.context.gate
        var hasAskedAgain = false
        // Of what is taken in the end, where that had to wait for room.
        var lengths: [SourcePath: Int64]?
        var isTaken = false
        while true {
            let closings = gate.closings
            let bytes = engine.store.spool.bytes
            var wasFull = gate.isClosed
            let before = try await self.unresolved()
            let left = try await take(request.scope, passed)
            // Also what was met just now: the store may answer while it is waited for, and then it is to be taken again.
            let unresolved = max(before, try await self.unresolved())
            // Who asks has looked, and may have mended something.
            await engine.delivery.retry()
            guard request.wait else { return try await waiting(since: sealed, left, held: []) }
            let settling = Settling(engine)
            while !settling.isDone {
                var told = try await waiting(since: sealed, left, held: [])
                told.waitingFor = settling.open.filter(required.contains)
                try await progress.send(told)
                await settling.wait(Self.betweenLooks)
            }
            let held = settling.held.filter(required.contains)
            if isRepeatable(request.scope) {
                let left = try await self.unresolved()
                // A store has answered meanwhile: what waited for it may not have been looked at.
                if left < unresolved { continue }
                // None is known to be away: one that came back just now is asked at once, and not when their rest is over.
                if left > 0, settling.held.isEmpty, !hasAskedAgain {
                    hasAskedAgain = true
                    await engine.supervisor.resolved()
                    continue
                }
            }
            wasFull = wasFull || gate.closings != closings
            // While the spool was full nothing was taken. By now there is room, or it became full anew, or what was open then
            // was sealed and has to be joined before it leaves. Only where nothing came or went nothing leaves it.
            guard wasFull, !isTaken, held.isEmpty, isRepeatable(request.scope),
                await isMoving(since: bytes, closings, settling)
            else {
                return try await waiting(since: sealed, left, held: held, besides: settling.ahead, isTaken: isTaken)
            }
            if let lengths {
                // Once more, for what was sealed since.
                isTaken = await engine.supervisor.hasTaken(lengths)
            } else {
                lengths = try await self.lengths(of: request.scope)
            }
            if engine.hasRoom, !isTaken { await gate.pass() }
        }
    }

    /// How many files and sessions wait for what a store says.
    private func unresolved() async throws(ControlError) -> Int {
        try await asking { () async throws(StoreError) in
            await engine.supervisor.unresolved + (try await engine.store.counts().unresolved)
        }
    }

    /// Whether anything came into the spool or left it, or does within the time that manifests and joining take turns in.
    private func isMoving(since bytes: Int64, _ closings: Int, _ settling: Settling) async -> Bool {
        let deadline = engine.world.time.now + Self.turn
        let gate = engine.context.gate
        // One that had room meanwhile and is full anew may be full of as many bytes.
        while gate.isClosed, gate.closings == closings, !engine.hasRoom, engine.store.spool.bytes == bytes {
            guard engine.world.time.now < deadline else { return false }
            await settling.wait(Self.betweenLooks)
        }
        return true
    }

    private func take(_ scope: FlushRequest.Scope, _ passed: PassedDescriptor?) async throws(ControlError) -> NotTaken {
        switch scope {
        case .everything:
            let left = await engine.supervisor.flush(nil)
            return NotTaken(sources: left, sentences: engine.unseen(but: left))
        case .session(let sid):
            try await requireOpen(sid)
            return NotTaken(sources: await engine.supervisor.flush(try await engine.sources(of: sid)))
        case .file(let path): return try await engine.takeFile(path, passed: passed?.take())
        }
    }

    /// How long the files are that are not taken to their ends: what a flush means that has to wait for room, however fast
    /// they grow meanwhile.
    private func lengths(of scope: FlushRequest.Scope) async throws(ControlError) -> [SourcePath: Int64] {
        let open =
            switch scope {
            case .session(let sid): await engine.supervisor.untaken(of: try await engine.sources(of: sid))
            case .everything, .file: await engine.supervisor.untaken(of: nil)
            }
        return await withTaskExecutorPreference(engine.world.lane(of: "lengths")) { await Self.lengths(of: open) }
    }

    @concurrent
    private static func lengths(of paths: [SourcePath]) async -> [SourcePath: Int64] {
        // Of what cannot be looked at nobody knows how long it is.
        Dictionary(paths.map { ($0, (try? Files.status($0.absolute))?.size ?? .max) }, uniquingKeysWith: { $1 })
    }

    /// What came open is taken to its end, however often it had to wait.
    private func isRepeatable(_ scope: FlushRequest.Scope) -> Bool {
        switch scope {
        case .everything, .session: true
        case .file(let path): engine.watched.contains { $0.holds(path) }
        }
    }

    /// A manifest is put every two seconds, and what could not be joined is looked at again as often.
    private static let turn: Duration = .seconds(5)

    /// What is not in every required destination, and what of `left` is not taken yet.
    ///
    /// - Parameters:
    ///   - ahead: destinations that have all that is asked for.
    ///   - isTaken: what was asked for is sealed, whatever waits for room.
    private func waiting(
        since before: Int, _ left: NotTaken, held: [String], besides ahead: Set<String> = [], isTaken: Bool = false
    ) async throws(ControlError) -> FlushReply {
        var queued = 0
        var bytes: Int64 = 0
        for settings in engine.destinations where settings.isRequired && !ahead.contains(settings.name) {
            let backlog = try await backlog(of: settings.name, engine.board.snapshot().destinations[settings.name])
            queued = max(queued, backlog.segments)
            bytes = max(bytes, backlog.bytes)
        }
        var notTaken = left.sentences + (await engine.supervisor.obstacles(of: left.sources))
        if engine.context.gate.isClosed, !engine.hasRoom, !isTaken {
            notTaken.append("the spool is full: what the files have beyond it is read when there is room again")
        }
        let lost = engine.lost.unsettled
        if lost > 0 {
            notTaken.append(
                "\(lost) segments that the spool has lost are not cut again yet: their sources cannot be read, or have nothing now"
            )
        }
        // Waiting longer brings nothing back.
        let held = held + (await engine.faulty()).filter { !held.contains($0) }
        return FlushReply(
            sealed: engine.board.snapshot().sealedSegments - before, queued: queued, queuedBytes: bytes,
            unresolved: await engine.supervisor.unresolved, notTaken: notTaken, held: held)
    }
}
