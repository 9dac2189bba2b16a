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
    private var sweeps: [String: Int] = [:]
    private var isReady = false
    private var isStopping = false
    private(set) var failures = 0

    private struct Rest {
        var until: Instant
        var failures: Int
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
                _ = await bell.wait(until: resting.values.map(\.until).min(), on: world.time)
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
            if folder.isEmpty { context.board.update { $0.presentRoots.remove(root) } }
            for (path, mailbox) in running
            where path.root == root && (folder.isEmpty || path.relativePath.hasPrefix("\(folder)/")) { mailbox.ring() }
        case .found(let sources):
            for source in await intake.unsettled(among: sources) {
                context.board.update { $0.backlogBytes += source.left }
                wake(source.path)
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
        } else if resting[path] == nil {
            pending.add(path)
        }
    }

    private func wakeRested() {
        let now = world.time.now
        guard mode == .live else { return }
        for (path, rest) in resting where rest.until <= now && running[path] == nil { pending.add(path) }
    }

    // MARK: Pipelines

    private func startPending(in group: inout DiscardingTaskGroup) {
        while running.count < Self.mostPipelines, !isStopping, let path = pending.next() {
            let mailbox = PipelineMailbox()
            running[path] = mailbox
            let lane = world.lane(of: path)
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
            return
        }
        let count = (resting[path]?.failures ?? 0) + 1
        let delay = Duration.seconds(1 << min(count - 1, 8))
        resting[path] = Rest(until: world.time.now + delay, failures: count)
        report(path, error)
    }

    private func report(_ path: SourcePath, _ error: any Error) {
        switch error {
        case let error as CaptureError:
            let kind = error.code == .refused ? "source_refused" : "source_unreadable"
            context.board.report(kind, path.absolute, error.description, hint: error.hint)
            world.log.record(
                Event(error.code == .refused ? .sourceRefused : .sourceUnreadable, error.description, hint: error.hint))
        case let error as StoreError where error.code == .stale: break  // begun again at the cursor
        case let error as StoreError:
            context.board.report("persistence_failed", "state", error.description, hint: error.hint)
            world.log.record(Event(.persistenceFailed, error.description, hint: error.hint))
        case let error as EngineError where error.code == .sourceChanged: break
        default:
            context.board.report("source_failed", path.absolute, "\(path) could not be taken: \(error)")
            world.log.record(Event(.sealFailed, "\(path) could not be taken: \(error)"))
        }
    }

    private func clearHealth(of path: SourcePath) {
        for kind in ["source_unreadable", "source_refused", "source_failed"] {
            context.board.clear(kind, path.absolute)
        }
        context.board.clear("persistence_failed", "state")
    }

    private func noteCounts() {
        let (running, pending) = (running.count, pending.count + resting.count)
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
        if let paths { for path in paths { wake(path) } } else { await sweep() }
        bell.ring()
        let wanted = paths.map(Set.init)
        func isWanted(_ path: SourcePath) -> Bool { wanted?.contains(path) ?? true }
        for mailbox in running.filter({ isWanted($0.key) }).map(\.value) { await mailbox.flush() }
        while !isStopping, pending.contains(isWanted) { await change() }
        for mailbox in running.filter({ isWanted($0.key) }).map(\.value) { await mailbox.flush() }
    }

    /// Returns when every root that is there was scanned once more.
    private func sweep() async {
        let before = sweeps
        watching.rescan()
        while !isStopping, before.contains(where: { sweeps[$0.key] == $0.value }) { await change() }
    }

    /// Returns when every source was taken to its end, or could not be: `--once`.
    ///
    /// - Returns: the sources that could not be.
    func settled() async -> [SourcePath] {
        while !isStopping, !isReady || !running.isEmpty || !pending.isEmpty { await change() }
        return Array(resting.keys)
    }

    /// Asks every pipeline to seal what it has and to end; then `run` returns.
    func drain() {
        isStopping = true
        for mailbox in running.values { mailbox.ask(.shutdown) }
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
