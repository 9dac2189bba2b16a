import Capture
import LinuxSystem
import Shared
import Store

/// Knows which sources have something to take, and keeps a bounded number of pipelines busy with them.
///
/// A source is in `pending` (its turn comes), in `running` (a pipeline has it), in `resting` (an error: again later), or
/// nowhere: then it is a row. Lives on the loop; everything that blocks is done by pipelines and Store.
actor SessionSupervisor {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// More at once would only hold more files open; the rest waits its turn.
    static let mostPipelines = 512

    private let context: PipelineContext
    private let world: Surroundings
    private let watching: any SourceWatching
    private let intake: SourceIntake
    private let mode: StreamPipeline.Mode
    /// Rung when `run` has something to look at.
    private let bell = Doorbell()
    /// Whoever waits for a change of the fields below.
    private var waiters: [CheckedContinuation<Void, Never>] = []

    private var pending = WaitingLine<SourcePath>()
    private var running: [SourcePath: PipelineMailbox] = [:]
    private var resting: [SourcePath: Rest] = [:]
    /// By pending source: what it is thought to have and is counted in the backlog.
    private var expected: [SourcePath: Int64] = [:]
    private var sweeps: [String: Int] = [:]
    private var isReady = false
    private var isStopping = false
    private(set) var failures = 0

    private struct Rest {
        var until: Instant
        var failures: Int
        /// The source is why; else it is our own disk.
        var isSources: Bool
    }

    init(
        context: PipelineContext, world: Surroundings, watching: any SourceWatching, intake: SourceIntake,
        mode: StreamPipeline.Mode
    ) {
        self.context = context
        self.world = world
        self.watching = watching
        self.intake = intake
        self.mode = mode
        executor = world.loop
    }

    /// Serves until `drain`, then until the last pipeline has sealed and ended.
    func run() async {
        await withDiscardingTaskGroup { group in
            let watcher = watching
            let listener = world.loop.start { [weak self, time = world.time] in
                while !Task.isCancelled {
                    let events = await watcher.inbox.next(on: time)
                    await self?.take(events)
                }
            }
            while !isStopping {
                wakeRested()
                startPending(in: &group)
                _ = await bell.wait(until: rested.map(\.value.until).min(), on: world.time)
            }
            listener.cancel()
        }
    }

    // MARK: Events

    private func take(_ events: [WatchEvent]) async {
        for event in events { await handle(event) }
        noteCounts()
        changed()
    }

    private func handle(_ event: WatchEvent) async {
        switch event {
        case .raised(let entry): context.board.report(entry.kind, entry.subject, entry.message, hint: entry.hint)
        case .cleared(let kind, let subject): context.board.clear(kind, subject)
        case .changed(let path): wake(path)
        case .gone(let path):
            running[path]?.ring()
            resting[path] = nil
            clearHealth(of: path)
        case .moved(let old, let new):
            running[old]?.ring()
            await intake.moved(from: old, to: new)
            wake(new)
        case .directoryGone(let root, let folder):
            if folder.isEmpty {
                // Nobody waits for its next scan any more.
                sweeps[root] = nil
                context.board.update { $0.presentRoots.remove(root) }
            }
            for mailbox in mailboxes(where: {
                $0.root == root && (folder.isEmpty || $0.relativePath.hasPrefix("\(folder)/"))
            }) {
                mailbox.ring()
            }
        case .found(let sources):
            for source in await intake.unsettled(among: sources) {
                wake(source.path)
                // One that has its pipeline, or its error, is counted there or no more.
                if pending.contains(source.path) { expect(source.left, of: source.path) }
            }
        case .swept(let root):
            sweeps[root, default: 0] += 1
            context.board.update { $0.presentRoots.insert(root) }
        case .ready:
            isReady = true
            await intake.noteLookedThrough()
            context.board.update { $0.isScanning = false }
        }
    }

    private func wake(_ path: SourcePath) {
        if let mailbox = running[path] {
            mailbox.ring()
        } else if let rest = resting[path] {
            // Somebody may have mended it, or only appends to what cannot be read: no more than once a second.
            if rest.isSources { resting[path]?.until = min(rest.until, world.time.now + .seconds(1)) }
        } else {
            pending.add(path)
        }
    }

    private func expect(_ left: Int64, of path: SourcePath) {
        let more = left - (expected.updateValue(left, forKey: path) ?? 0)
        context.board.update { $0.backlogBytes += more }
    }

    private func wakeRested() {
        let now = world.time.now
        for path in rested.filter({ $0.value.until <= now }).map(\.key).sorted(by: Self.inOrder) { pending.add(path) }
    }

    /// Those whose time is waited for: what is tried just now has none, and `--once` tries once.
    private var rested: [SourcePath: Rest] {
        mode == .once ? [:] : resting.filter { running[$0.key] == nil && !pending.contains($0.key) }
    }

    /// Tables have no order, and a simulation must find the same one in every process.
    private static func inOrder(_ a: SourcePath, _ b: SourcePath) -> Bool { a.absolute < b.absolute }

    private func busy(where isWanted: (SourcePath) -> Bool) -> [SourcePath] {
        running.keys.filter(isWanted).sorted(by: Self.inOrder)
    }

    private func mailboxes(where isWanted: (SourcePath) -> Bool) -> [PipelineMailbox] {
        busy(where: isWanted).compactMap { running[$0] }
    }

    // MARK: Pipelines

    private func startPending(in group: inout DiscardingTaskGroup) {
        while running.count < Self.mostPipelines, !isStopping, let path = pending.next() {
            let mailbox = PipelineMailbox(left: expected.removeValue(forKey: path) ?? 0)
            running[path] = mailbox
            // By the path below the root: where the root is does not change which lane has what.
            let lane = world.lane(of: path.relativePath)
            group.addTask(executorPreference: lane) { [context, intake, mode] in
                let end = await Self.live(path, mailbox, intake, mode, context)
                await self.ended(path, mailbox, end)
            }
        }
        noteCounts()
    }

    /// One pipeline's life; on a work lane. Bounded by the group, ended by `drain`.
    nonisolated static func live(
        _ path: SourcePath, _ mailbox: PipelineMailbox, _ intake: SourceIntake, _ mode: StreamPipeline.Mode,
        _ context: PipelineContext
    ) async -> StreamPipeline.End {
        do {
            guard let name = try await intake.name(of: path) else { return .dormant }
            var pipeline = try await StreamPipeline.open(
                path, name: name, mode: mode, mailbox: mailbox, context: context)
            do {
                let end = try await pipeline.run()
                pipeline.letGo()
                return end
            } catch {
                pipeline.letGo()
                throw error
            }
        } catch {
            return .failed(error)
        }
    }

    private func ended(_ path: SourcePath, _ mailbox: PipelineMailbox, _ end: StreamPipeline.End) {
        running[path] = nil
        mailbox.close()
        let left = mailbox.count(taken: .max)
        if left > 0 { context.board.update { $0.backlogBytes -= left } }
        switch end {
        case .dormant, .gone:
            resting[path] = nil
            clearHealth(of: path)
            // It was rung between its last look and its end.
            if mailbox.isRung, !isStopping { pending.add(path) }
        case .restart:
            pending.add(path)
        case .failed(let error): failed(path, error)
        }
        noteCounts()
        changed()
    }

    private func failed(_ path: SourcePath, _ error: any Error) {
        failures += 1
        if let error = error as? CaptureError, error.code == .missing {
            resting[path] = nil
            clearHealth(of: path)
            return
        }
        let count = (resting[path]?.failures ?? 0) + 1
        if count == 1, mode == .live, Self.isOvertaken(error) {
            // Nothing is wrong: begun again at the cursor, it sees what is there.
            resting[path] = Rest(until: world.time.now, failures: count, isSources: true)
            pending.add(path)
            return
        }
        let delay = Duration.seconds(1 << min(count - 1, 6))
        resting[path] = Rest(until: world.time.now + delay, failures: count, isSources: error is CaptureError)
        report(path, error)
    }

    /// The source or its cursor changed under the pipeline.
    private static func isOvertaken(_ error: any Error) -> Bool {
        switch error {
        case let error as StoreError: error.code == .stale
        case let error as EngineError: error.code == .sourceChanged
        default: false
        }
    }

    private func report(_ path: SourcePath, _ error: any Error) {
        if Self.isOvertaken(error) { return }
        switch error {
        case let error as CaptureError:
            let kind = error.code == .refused ? "source_refused" : "source_unreadable"
            say(
                error.code == .refused ? .sourceRefused : .sourceUnreadable, kind, path.absolute, error.description,
                hint: error.hint)
        case let error as StoreError where error.code == .unresolved: break  // said already
        case let error as StoreError:
            say(.persistenceFailed, "persistence_failed", "state", error.description, hint: error.hint)
        default:
            say(.sealFailed, "source_failed", path.absolute, "\(path) could not be taken: \(error)")
        }
    }

    /// To health, and to the log unless that has said so of the same subject already.
    private func say(_ event: EventKind, _ kind: String, _ subject: String, _ message: String, hint: String? = nil) {
        guard context.board.report(kind, subject, message, hint: hint) else { return }
        world.log.record(Event(event, message, hint: hint))
    }

    private func clearHealth(of path: SourcePath) {
        for kind in ["source_unreadable", "source_refused", "source_failed", StreamPipeline.endlessKind] {
            context.board.clear(kind, path.absolute)
        }
        context.board.clear("persistence_failed", "state")
    }

    private func noteCounts() {
        let (running, pending) = (running.count, pending.count)
        context.board.update {
            $0.running = running
            $0.pending = pending
        }
    }

    // MARK: Asked from outside

    /// Returns when everything that the wanted sources held at the call is in durable segments, or could not be.
    ///
    /// - Parameter paths: these are looked at whether or not an event told of them; `nil`: all, by a scan.
    func flush(_ paths: [SourcePath]?) async {
        // While the spool is full nothing is taken; what was taken is sealed already.
        if context.gate.isClosed { return }
        if let paths { for path in paths { wake(path) } } else { await sweep() }
        let wanted = paths.map(Set.init)
        func isWanted(_ path: SourcePath) -> Bool { wanted?.contains(path) ?? true }
        // Who asks may have mended what they could not be taken for.
        for path in rested.keys.filter(isWanted).sorted(by: Self.inOrder) { pending.add(path) }
        bell.ring()
        for path in busy(where: isWanted) { await flush(path) }
        while !isStopping, pending.contains(where: isWanted) { await change() }
        for path in busy(where: isWanted) { await flush(path) }
    }

    /// Asks the pipeline of one source; when that ends instead of answering, the one that takes its place.
    private func flush(_ path: SourcePath) async {
        while !isStopping {
            if let mailbox = running[path] {
                if await mailbox.flush() { return }
            } else if pending.contains(path) {
                await change()
            } else {
                return
            }
        }
    }

    /// Returns when every root that is there was scanned, from its beginning, after the call.
    private func sweep() async {
        // Before that nobody knows which roots there are.
        while !isStopping, !isReady { await change() }
        // The first scan that ends may have begun, and passed a change, before the call; the second has not.
        for _ in 0..<2 {
            let before = sweeps
            watching.rescan()
            while !isStopping, before.contains(where: { sweeps[$0.key] == $0.value }) { await change() }
        }
    }

    /// Returns when every source was taken to its end, or could not be: `--once`.
    ///
    /// - Returns: the sources that could not be.
    func settled() async -> [SourcePath] {
        while !isStopping, !isReady || !running.isEmpty || !pending.isEmpty { await change() }
        return resting.keys.sorted(by: Self.inOrder)
    }

    /// Asks every pipeline to seal what it has and to end; then `run` returns.
    func drain() {
        isStopping = true
        for mailbox in mailboxes(where: { _ in true }) { mailbox.ask(.shutdown) }
        context.gate.end()
        changed()
    }

    private func changed() {
        bell.ring()
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    private func change() async { await withCheckedContinuation { waiters.append($0) } }
}
