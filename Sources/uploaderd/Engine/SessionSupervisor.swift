import Capture
import LinuxSystem
import Shared
import Store
import Synchronization

/// Knows which sources have something to take, and keeps a bounded number of pipelines busy with them.
///
/// A source is in `pending` (its turn comes), in `running` (a pipeline has it), in `resting` (an error: again later), or
/// nowhere: then it is a row. Lives on the loop; everything that blocks is done by pipelines and Store. What it is asked
/// from outside is in `SessionSupervisor+Requests.swift`, what becomes of pipelines in `SessionSupervisor+Pipelines.swift`, and
/// nobody else touches its fields.
actor SessionSupervisor {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// More at once would only hold more files open; the rest waits its turn. Where few files may be open, half of those
    /// that nothing else needs: a pipeline has its source, and for moments the folders above it.
    let mostPipelines = min(512, max(4, (Process.openFiles - SessionSupervisor.filesOfOthers) / 2))
    /// Of the catalog, the loop, watches, deliveries and control connections.
    private static let filesOfOthers = 40

    let context: PipelineContext
    let world: Surroundings
    let watching: any SourceWatching
    let intake: SourceIntake
    let mode: StreamPipeline.Mode
    /// Rung when `run` has something to look at.
    let bell = Doorbell()
    /// Whoever waits for a change of what is observed below. The fields tell it themselves: who changes one of them cannot
    /// forget somebody.
    private var waiters: [CheckedContinuation<Void, Never>] = []

    var pending = WaitingLine<SourcePath>() { didSet { changed() } }
    /// When the line of those that wait began: none of them waits longer.
    var pendingSince: Instant?
    var running: [SourcePath: PipelineMailbox] = [:] { didSet { changed() } }
    var resting: [SourcePath: Rest] = [:] { didSet { changed() } }
    /// By source that no pipeline stays for, the bytes of a last line without its end.
    var endless: [SourcePath: Int64] = [:]
    /// By running source: other paths of its file, and files that go on with its stream. They wait for its end.
    var behind: [SourcePath: Set<SourcePath>] = [:]
    /// The latter: what they hold is not taken by anybody else.
    var following: Set<SourcePath> = []
    /// Sources whose path leads to another file now: they wait until every root was looked through for the one before.
    var swapped: Set<SourcePath> = [] { didSet { changed() } }
    /// Files of some of them, held open until it is known who has them.
    var lost: [SourcePath: LostSource] = [:] { didSet { changed() } }
    /// Where a scan saw them since: each has its own name there, or will have it.
    var seenLost: [FileIdentity: SourcePath] = [:]
    /// Those that were waited for: what is there is the next generation.
    var replaceable: Set<SourcePath> = []
    /// Whether they are waited for: asked on every lane, so that naming a source costs no hop otherwise.
    nonisolated let isSearching = Mutex(false)
    /// Sources whose sessions have ended, as long as that is told to their pipelines.
    var ended: Set<SourcePath> = []
    /// By pending source: what it is thought to have and is counted in the backlog.
    var expected: [SourcePath: Int64] = [:]
    /// More sources have something to take than may be open at once.
    var isCrowded = false
    var loads: LaneLoads
    /// By root: scans that have ended, and how often it was to be scanned and was not there.
    var sweeps: [String: Int] = [:] { didSet { changed() } }
    var isReady = false { didSet { changed() } }
    var isStopping = false { didSet { changed() } }
    /// Source bytes taken when freed memory was last given back.
    var takenBefore: Int64 = 0
    /// Sources that scans found since then.
    var foundSince = 0

    struct Rest {
        var until: Instant
        var failures: Int
        /// The source is why; else it is our own disk.
        var isSources: Bool
        /// A store that may know its session does not answer.
        var isUnresolved = false
        /// A sentence with the source in it.
        var reason: String
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
        loads = LaneLoads(lanes: world.work.count)
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
                if !swapped.isEmpty, !isSearching.withLock({ $0 }) {
                    isSearching.withLock { $0 = true }
                    group.addTask(executorPreference: world.loop) { [self] in await searchForSwapped() }
                }
                _ = await bell.wait(until: rested.map(\.value.until).min(), on: world.time)
            }
            listener.cancel()
            // What is held open is nowhere else, as far as anybody knows: it is taken now or never.
            while !running.isEmpty || !lost.isEmpty {
                startLost(in: &group)
                _ = await bell.wait(until: nil, on: world.time)
            }
        }
    }

    // MARK: Events

    /// What was said of a path that is no more.
    private func forget(_ path: SourcePath) {
        resting[path] = nil
        endless[path] = nil
        clearHealth(of: path)
    }

    private func take(_ events: [WatchEvent]) async {
        for event in events { await handle(event) }
        noteCounts()
    }

    private func handle(_ event: WatchEvent) async {
        switch event {
        case .raised(let entry): context.board.report(entry.kind, entry.subject, entry.message, hint: entry.hint)
        case .cleared(let kind, let subject): context.board.clear(kind, subject)
        case .changed(let path): wake(path)
        case .gone(let path):
            running[path]?.ring()
            forget(path)
        case .moved(let old, let new):
            running[old]?.ring()
            endless[old] = nil
            await intake.moved(from: old, to: new)
            wake(new)
        case .directoryGone(let root, let folder):
            if folder.isEmpty {
                context.board.update { $0.presentRoots.remove(root) }
            }
            func isBelow(_ path: SourcePath) -> Bool {
                path.root == root && (folder.isEmpty || path.relativePath.hasPrefix("\(folder)/"))
            }
            for mailbox in mailboxes(where: isBelow) { mailbox.ring() }
            // Of those that have no pipeline nobody else sees that their paths are no more.
            for path in Set(resting.keys).union(endless.keys) where isBelow(path) { forget(path) }
        case .found(let sources):
            foundSince += sources.count
            noteLost(among: sources)
            for source in await intake.unsettled(among: sources) {
                wake(source.path)
                // One that has its pipeline, or its error, is counted there or no more.
                if pending.contains(source.path) { expect(source.left, of: source.path) }
            }
        case .swept(let root):
            sweeps[root, default: 0] += 1
            context.board.update { $0.presentRoots.insert(root) }
            giveBackMemory()
        case .absent(let root): sweeps[root, default: 0] += 1
        case .ready:
            isReady = true
            await intake.noteLookedThrough()
            context.board.update { $0.isScanning = false }
        }
    }

    private func noteLost(among found: [FoundSource]) {
        guard !lost.isEmpty else { return }
        let held = Set(lost.values.map(\.file.identity))
        for source in found where held.contains(source.identity) { seenLost[source.identity] = source.path }
    }

    func wake(_ path: SourcePath) {
        if let mailbox = running[path] {
            mailbox.ring()
        } else if let rest = resting[path] {
            // Somebody may have mended it, or only appends to what cannot be read: no more than once a second.
            if rest.isSources { resting[path]?.until = min(rest.until, world.time.now + .seconds(1)) }
        } else if !swapped.contains(path) {
            pending.add(path)
        }
    }

    /// Finds the files that swapped sources had before under whatever name they have now; then lets those sources go on.
    private func searchForSwapped() async {
        let found = swapped
        await sweep()
        // Whoever was found has to be known by its stream, before another file can take its place there.
        let unnamed = running.filter { !$0.value.isNamed }.map(\.key) + pending.values
        func isUnnamed(_ path: SourcePath) -> Bool {
            pending.contains(path) || running[path].map { !$0.isNamed } ?? false
        }
        await wait { unnamed.contains(where: isUnnamed) }
        isSearching.withLock { $0 = false }
        for path in found.sorted(by: Self.inOrder) {
            swapped.remove(path)
            replaceable.insert(path)
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
    var rested: [SourcePath: Rest] {
        mode == .once ? [:] : resting.filter { running[$0.key] == nil && !pending.contains($0.key) }
    }

    /// Tables have no order, and a simulation must find the same one in every process.
    static func inOrder(_ a: SourcePath, _ b: SourcePath) -> Bool { a.absolute < b.absolute }

    func busy(where isWanted: (SourcePath) -> Bool) -> [SourcePath] {
        running.keys.filter(isWanted).sorted(by: Self.inOrder)
    }

    func mailboxes(where isWanted: (SourcePath) -> Bool) -> [PipelineMailbox] {
        busy(where: isWanted).compactMap { running[$0] }
    }

    /// Since when the oldest line is known that is in no durable segment; `nil`: all are.
    var unsealedSince: Instant? {
        let open = running.values.compactMap(\.openSince)
        return (open + [pendingSince].compactMap(\.self)).min()
    }

    func noteCounts() {
        if pending.isEmpty { pendingSince = nil } else { pendingSince = pendingSince ?? world.time.now }
        let (running, pending) = (running.count, pending.count)
        context.board.update {
            $0.running = running
            $0.pending = pending
        }
    }

    // MARK: Waiting for a change

    /// Something that is waited for is another one now. Costs nothing where nobody waits.
    func changed() {
        bell.ring()
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    /// Returns when `holds` does no more, or the end has come.
    ///
    /// It is asked where the waiter is put down, without a suspension between: a call of an actor's function from the same
    /// actor may be one, for a task that prefers another executor.
    func wait(while holds: () -> Bool) async {
        while !isStopping, holds() {
            await withCheckedContinuation { waiter in
                if !isStopping, holds() { waiters.append(waiter) } else { waiter.resume() }
            }
        }
    }
}
