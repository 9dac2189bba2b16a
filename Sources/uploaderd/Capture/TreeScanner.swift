import LinuxSystem
import Shared

/// Walks the roots on its lane: watches each directory, then lists it, so that nothing falls between.
///
/// One directory at a time; what it finds goes into the inbox in batches, and it waits when that has no room.
actor TreeScanner {
    nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Kinds of our health entries.
    static let refusedKind = "source_refused"
    static let unreadableKind = "source_unreadable"
    static let limitKind = "watch_limit"
    static let rootKind = "root_unreadable"
    static let remoteKind = "root_polled"
    /// The subject of what is wrong with the kernel's events altogether.
    static let inotify = "inotify"

    struct Parts: Sendable {
        let roots: [WatchRoot]
        let directories: RootDirectories
        let registry: WatchRegistry
        let requests: ScanRequests
        let inbox: WatchInbox
        let time: any TimeSource
        let random: any RandomSource
        let log: any EventLog
        let rescan: Duration
        let poll: Duration
        let remote: RemoteFileSystem
        /// Called once, when every root is watched or waited for and was scanned.
        let onReady: @Sendable () -> Void
    }

    /// A directory to be scanned.
    struct Item {
        var root: Int
        /// Empty: the root itself.
        var path: String
        var isOfSweep: Bool
    }

    /// A directory that is looked at again and again.
    struct Polled {
        /// Of its last listing; 0: none yet.
        var digest: UInt64 = 0
        /// The kind of its file system, where others can change it; `nil`: the kernel has no watch for it.
        var remote: String?
        /// It could not be opened because too many files are.
        var lacksDescriptor = false
    }

    /// A scan of a whole root.
    private struct Sweep {
        /// Directories that were found and not scanned yet.
        var outstanding = 1
        /// Asked for again since it began.
        var again = false
    }

    /// Files that go into the inbox together.
    static let batch = 256
    /// Entries of health about directories, at most.
    static let unreadableLimit = 256

    let parts: Parts
    /// By index, the roots that exist.
    var open: [RootDirectory?]
    /// Roots whose path cannot be watched for, so that it is looked at now and then.
    var polledRoots: Set<Int> = []
    /// By root that cannot be opened, why: said once.
    var absent: [Int: SystemError] = [:]
    /// What the sweeps have yet to scan.
    var stack: [Item] = []
    /// Directories of which an event told.
    private var asked = WaitingLine<WatchPlace>()
    private var isAskedsTurn = false
    /// By directory: entries whose names are no UTF-8.
    var unnamable: [WatchPlace: Set<String>] = [:]
    private var sweeps: [Int: Sweep] = [:]
    /// Roots of which the kernel dropped events, until they were scanned.
    var overrun: Set<Int> = []
    /// By root: the number of its last sweep.
    var serials: [UInt32]
    /// Not in the inbox yet.
    var found: [FoundSource] = []
    /// Directories whose changes the kernel does not tell, or not all of them.
    var polled: [WatchPlace: Polled] = [:]
    /// By root: what was said of its file system.
    var remoteSaid: [Int: String] = [:]
    /// Absolute; of which health says so.
    var unreadable: Set<String> = []
    var isLimitSaid = false
    private var isReady = false
    var nextPoll: Instant?

    init(_ parts: Parts, executor: any RoomExecutor) {
        self.executor = executor
        self.parts = parts
        open = parts.roots.map { _ in nil }
        serials = parts.roots.map { _ in 0 }
    }

    /// Scans, watches and waits, until the task is cancelled.
    func run() async {
        for root in parts.roots.indices { check(root: root) }
        var nextRescan = parts.time.now + jittered(parts.rescan)
        while !Task.isCancelled {
            let isIdle = await serve(parts.requests.take())
            let item = nextItem()
            if let item {
                await scan(item)
                await Task.yield()
            }
            if stack.isEmpty {
                await flush()
                sayLimit()
                becomeReady()
            }
            guard isIdle, item == nil else { continue }
            let now = parts.time.now
            if now >= nextRescan {
                for root in parts.roots.indices { sweep(root) }
                nextRescan = now + jittered(parts.rescan)
            } else if let poll = pollDeadline(now), now >= poll {
                lookAtPolled()
                // A slow disk must not be polled without a pause.
                let end = parts.time.now
                nextPoll = end + max(parts.poll, .nanoseconds(10 * (end - now).nanoseconds))
            } else {
                let deadline = pollDeadline(now).map { min($0, nextRescan) } ?? nextRescan
                _ = await parts.inbox.room.wait(until: deadline, on: parts.time)
            }
        }
    }

    /// - Returns: whether there was nothing to serve.
    private func serve(_ batch: ScanRequests.Batch) async -> Bool {
        let lost = parts.inbox.takeLost()
        for root in batch.roots.sorted() { check(root: root) }
        overran(batch.overrun)
        for root in parts.roots.indices where batch.sweeps.contains(root) || lost.contains(parts.roots[root].root) {
            sweep(root)
        }
        for place in batch.directories { asked.add(place) }
        for case .directory(let root, let path) in batch.files { await look(root, path, sweep: false) }
        return batch.isEmpty && lost.isEmpty
    }

    /// From both in turn: a directory that changes all the time must not keep a sweep from its end.
    private func nextItem() -> Item? {
        isAskedsTurn.toggle()
        guard isAskedsTurn || stack.isEmpty, let place = asked.next() else { return stack.popLast() }
        guard case .directory(let root, let path) = place else { return nil }
        return Item(root: root, path: path, isOfSweep: false)
    }

    private func becomeReady() {
        guard !isReady, sweeps.isEmpty else { return }
        isReady = true
        parts.inbox.post(.ready)
        parts.onReady()
    }

    private func jittered(_ duration: Duration) -> Duration {
        // Between 0.9 and 1.1 of it.
        let part = Int64(parts.random.next() % 201) - 100
        return .nanoseconds(duration.nanoseconds / 1000 * (1000 + part))
    }

    /// Scans a root from its beginning: now, or once more when the scan that goes on is over.
    func sweep(_ root: Int) {
        if sweeps[root] != nil {
            sweeps[root]?.again = true
            return
        }
        check(root: root)
        guard open[root] != nil else { return parts.inbox.post(.absent(root: parts.roots[root].root)) }
        // A root that was just opened has begun its sweep.
        if sweeps[root] == nil { begin(root) }
    }

    /// The same for a root that is open.
    func begin(_ root: Int) {
        guard sweeps[root] == nil else {
            sweeps[root]?.again = true
            return
        }
        serials[root] &+= 1
        sweeps[root] = Sweep()
        stack.append(Item(root: root, path: "", isOfSweep: true))
    }

    /// A directory was scanned; with the last one of a sweep that is over, and said.
    func done(_ item: Item) async {
        guard item.isOfSweep, var sweep = sweeps[item.root] else { return }
        sweep.outstanding -= 1
        sweeps[item.root] = sweep
        guard sweep.outstanding == 0 else { return }
        await flush()
        sweeps[item.root] = nil
        parts.registry.remove(root: item.root, notSeenIn: serials[item.root])
        forgetHealthOfTheGone(item.root)
        sayRemote(item.root)
        // Asked for again, it is not over: whoever asked means a scan that begins after that.
        if sweep.again {
            self.sweep(item.root)
        } else {
            caughtUp(item.root)
            parts.inbox.post(.swept(root: parts.roots[item.root].root))
        }
    }

    /// A directory is to be scanned.
    func push(_ root: Int, _ path: String, sweep: Bool) {
        stack.append(Item(root: root, path: path, isOfSweep: sweep))
        if sweep { sweeps[root]?.outstanding += 1 }
    }
}
