import Capture
import Delivery
import Digests
import LinuxSystem
import Redaction
import Segments
package import Shared
import Store

/// The daemon's work, from the session directories to the stores: what `Assembly` has put together.
///
/// Started in the order in which one needs the other, stopped in reverse. Draining ends what was begun; what is not
/// delivered by the deadline waits in the spool.
package final class Engine: Sendable {
    package let parts: EngineParts
    private let watcher: any SourceWatching
    private let running: [Task<Void, Never>]
    private let supervising: Task<Void, Never>
    private let clock: ClockWatch

    /// - Parameter lost: what only the spool had; `nil`: nothing of an earlier life is in doubt but what `parts.lost` has.
    init(
        parts: EngineParts, watcher: any SourceWatching, resolver: SessionResolver, resolving lost: [SegmentID]?,
        clock: ClockWatch, isOnce: Bool
    ) async {
        self.parts = parts
        self.clock = clock
        clock.start()
        self.watcher = watcher
        let loop = parts.world.loop
        var tasks = [loop.start { await parts.delivery.run() }]
        // Who has a session's earlier lines is asked before its first line is cut: so the stores are tried first.
        let patience = isOnce ? Patience.once : Patience.atStart
        let tried: Void? = await Patience.wait(patience, parts.world) {
            for worker in parts.delivery.workers { await worker.tried() }
        }
        if tried == nil { Engine.nameSilent(parts, after: patience) }
        parts.store.spool.observeGrowth {
            [weak delivery = parts.delivery, weak merging = isOnce ? nil : parts.merging] _ in
            delivery?.ring()
            merging?.ring()
        }
        if isOnce, let lost {
            // Each source is looked at once: what it waits for is to be known before.
            if await resolver.resolveAll(on: parts.world.time, waits: false) { parts.lost.add(lost) }
        }
        // Before the first source is asked whose it is.
        if !isOnce, lost != nil { resolver.asking.begin() }
        supervising = loop.start { await parts.supervisor.run() }
        tasks.append(loop.start { await watcher.run() })
        tasks.append(loop.start { await Engine.keepSpoolBounded(parts) })
        if let merging = parts.merging {
            // What an earlier life left to be joined is joined.
            if !isOnce { merging.ring() }
            tasks.append(parts.world.lane(of: "merge").start { await merging.run() })
        }
        tasks.append(loop.start { await parts.lost.run(parts) })
        tasks.append(loop.start { await parts.forgetting.run() })
        tasks.append(loop.start { await parts.rewriting.run() })
        if !isOnce { tasks.append(loop.start { await parts.captures.run(parts) }) }
        if !isOnce, let lost {
            tasks.append(
                parts.world.lane(of: "resolver").start {
                    if await resolver.resolveAll(on: parts.world.time, waits: true) { parts.lost.add(lost) }
                    await parts.supervisor.resolved()
                    parts.delivery.ring()
                    resolver.asking.end()
                })
        }
        running = tasks
    }

    /// Returns when every root is watched or waited for.
    package func live() async { await watcher.live() }

    /// Takes everything that is there and delivers it: `--once`.
    ///
    /// - Returns: what could not be made safe, with the reason; empty: all is safe.
    package func finish() async -> [String] {
        var reasons = await parts.captures.imported(parts)
        let (untaken, obstacles) = await settled()
        reasons += untaken
        reasons += parts.watched.compactMap(\.obstacle)
        // What is named already as a source that could not be taken is not said twice.
        reasons += parts.unseen(but: []).filter { !reasons.contains($0) }
        reasons += obstacles.map { "destination \($0.name): \($0.reason)" }
        reasons += await parts.faulty().map {
            "destination \($0): it does not have any more what was put there; uploaderctl status says what"
        }
        await parts.forgetting.settled()
        reasons += await parts.forgetting.reasons
        reasons += PrivacyJudge.reasons(on: parts.board)
        if let fault = await parts.store.standingsFault { reasons.append("nothing is delivered: \(fault.description)") }
        let seen = parts.board.snapshot()
        if seen.noticed.withheldLines > 0 { reasons.append("\(seen.noticed.withheldLines) lines were withheld") }
        return reasons
    }

    /// How long sessions are asked about again, since a server last answered for one: as destinations wait for a server.
    private static let perseverance: Duration = .seconds(60)

    /// Takes and delivers until nothing more can be done. A server that fails here and there is asked again: that it did not say
    /// whether it knows a session is not the end of that session.
    ///
    /// - Returns: why sources could not be taken, and destinations do not have everything.
    private func settled() async -> (untaken: [String], obstacles: [(name: String, reason: String)]) {
        let time = parts.world.time
        let bell = Doorbell()
        var untaken = await parts.supervisor.settled()
        var unresolved = await parts.supervisor.unresolved
        var (answeredAt, pause) = (time.now, Duration.milliseconds(500))
        while true {
            await parts.captures.settleEnds()
            await parts.merging?.merged()
            var obstacles = await parts.delivery.settled(perseveres: true)
            while parts.lost.isMending {
                await parts.lost.mending.over()
                obstacles = await parts.delivery.settled(perseveres: true)
            }
            guard unresolved > 0, time.now < answeredAt + Self.perseverance, await parts.delivery.isHopeful else {
                return (untaken, obstacles)
            }
            _ = await bell.wait(until: time.now + pause, on: time)
            pause = min(pause * 2, .seconds(8))
            await parts.supervisor.resolved()
            untaken = await parts.supervisor.settled()
            let left = await parts.supervisor.unresolved
            if left < unresolved { (answeredAt, pause) = (time.now, .milliseconds(500)) }
            unresolved = left
        }
    }

    /// Seals what is open into the spool; nothing more is read. Takes milliseconds, whatever the network does.
    package func seal() async {
        parts.board.update { $0.isStopping = true }
        await parts.supervisor.drain()
        await supervising.value
    }

    /// Delivers until all is delivered or `deadline` passes; then ends everything.
    ///
    /// - Parameter deadline: `nil`: what is in flight ends, nothing more is begun.
    package func stop(deadline: Instant?) async {
        await seal()
        if let deadline {
            let done = Doorbell()
            let waiting = parts.world.loop.start { [parts] in
                _ = await parts.delivery.settled(perseveres: false)
                done.ring()
            }
            _ = await done.wait(until: deadline, on: parts.world.time)
            waiting.cancel()
        }
        await parts.delivery.stop()
        clock.stop()
        for task in running { task.cancel() }
        // A call into a disk that hangs cannot be ended. What it was to do is not recorded, so it is done again.
        _ = await Patience.wait(Patience.atStop, parts.world) { [running] in
            for task in running { await task.value }
        }
        await parts.store.close()
    }

    /// Stores that have not answered yet are not waited for: the start goes on, and says which they are.
    private static func nameSilent(_ parts: EngineParts, after patience: Duration) {
        let seen = parts.board.snapshot().destinations
        for worker in parts.delivery.workers where seen[worker.name]?.state == .opening {
            let message =
                "destination \(worker.name) has not answered for \(Int(patience.inSeconds)) s; it is waited for"
            let hint = "a disk or network file system that hangs, mostly; what is for it is kept in the spool"
            // The worker clears the entry, and changes the state, when its store answers.
            parts.board.report("destination_failing", worker.name, message, hint: hint)
            parts.board.update(worker.name) { $0.lastError = message }
            parts.world.log.record(Event(.deliveryFailed, message, hint: hint, destination: worker.name))
        }
    }

    // MARK: Standing work

    /// Between two attempts to remove what the disk did not let go.
    private static let leftoverPause: Duration = .seconds(30)

    /// Opens and closes the gate at the spool's limit, and says so; tries again to remove what takes room for nothing.
    private static func keepSpoolBounded(_ parts: EngineParts) async {
        let bell = Doorbell()
        parts.store.spool.observe { _ in bell.ring() }
        var retryAt: Instant?
        while !Task.isCancelled {
            let bytes = parts.store.spool.bytes
            parts.board.update { $0.spoolBytes = bytes }
            // Reopens only when an eighth is free, so that it does not flap at the limit.
            let isFull = parts.context.gate.isClosed ? !parts.hasRoom : bytes >= parts.spoolLimit
            let hasChanged = parts.context.gate.set(closed: isFull)
            // What was open when it became full is sealed yet.
            if hasChanged || isFull { note(isFull, bytes, parts, isNew: hasChanged) }
            // A full spool asks for nothing more: without a timer it would stay full of them.
            if parts.store.spool.leftovers == 0 {
                parts.board.clear(leftoversKind, "spool")
                retryAt = nil
            } else {
                noteLeftovers(parts)
                retryAt = retryAt ?? parts.world.time.now + leftoverPause
            }
            guard await bell.wait(until: retryAt, on: parts.world.time) == .timeout else { continue }
            retryAt = nil
            do throws(StoreError) {
                try await parts.store.removeLeftovers()
            } catch {
                return  // It is closed: the next start removes them.
            }
        }
    }

    private static let leftoversKind = "spool_leftovers"

    private static func noteLeftovers(_ parts: EngineParts) {
        let folder = parts.store.directory.spool
        parts.board.report(
            leftoversKind, "spool",
            "\(parts.store.spool.leftovers) files that nobody needs could not be removed from \(folder), and take room in it",
            hint: "look for errors of that disk, and whether \(folder) may be written; they are tried again every 30 s")
    }

    private static func note(_ isFull: Bool, _ bytes: Int64, _ parts: EngineParts, isNew: Bool) {
        if isFull {
            let message =
                "the spool holds \(ByteCount(bytes)), its limit is \(ByteCount(parts.spoolLimit)): reading waits, nothing is lost"
            let hint = "uploaderctl status shows which destination does not take segments; or raise spool.max_bytes"
            parts.board.report("spool_full", "spool", message, hint: hint)
            if isNew { parts.world.log.record(Event(.spoolFull, message, hint: hint)) }
        } else {
            parts.board.clear("spool_full", "spool")
            parts.world.log.record(Event(.spoolRecovered, "the spool has room again: reading goes on"))
        }
    }
}
