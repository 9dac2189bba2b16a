package import LinuxSystem
package import Shared
import Synchronization

/// Names the kind of file system that an open directory lies on, if others can change what is there; else `nil`.
package typealias RemoteFileSystem = @Sendable (borrowing Descriptor) throws(SystemError) -> String?

/// Watches the roots with inotify, and says what changed. A doorbell: losing every event costs time, never data.
///
///     loop    NotificationReader   reads the kernel's events, asks for scans, posts changes
///     lane    TreeScanner          watches and lists directories; rescans; polls what cannot be watched
///     both    WatchRegistry        which watch is which directory
///
/// Idle, it has one timer: the rescan's.
package final class Watcher: SourceWatching {
    static let queueHint =
        "raise the limit (sysctl fs.inotify.max_user_instances) and restart uploaderd, which asks once"

    package let inbox: WatchInbox
    private let reader: NotificationReader?
    private let scanner: TreeScanner
    private let registry: WatchRegistry
    private let requests: ScanRequests
    private let roots: [WatchRoot]
    private let log: any EventLog
    private let gate: Gate

    /// - Parameters:
    ///   - directories: where the roots that are open are kept; readers open files beneath them.
    ///   - rescan: the mean time between two scans of everything.
    ///   - poll: how often directories that cannot be watched are looked at.
    ///   - budget: at most this many watches; one more is treated as the kernel's own limit is.
    ///   - remote: which directories are polled because the kernel does not hear of all changes there.
    package init(
        roots: [WatchRoot], directories: RootDirectories, inbox: WatchInbox, loop: EventLoop,
        scanLane: any RoomExecutor, time: any TimeSource, random: any RandomSource, log: any EventLog,
        rescan: Duration = .seconds(3600), poll: Duration = .milliseconds(500), budget: Int = .max,
        remote: @escaping RemoteFileSystem = { (directory) throws(SystemError) in
            try FileSystemKind.remote(directory)
        }
    ) {
        self.inbox = inbox
        self.roots = roots
        self.log = log
        var queue: NotificationQueue?
        do throws(SystemError) {
            queue = try NotificationQueue()
        } catch {
            log.record(
                Event(
                    .watchLimit, "no inotify queue, so every directory is polled: \(error)",
                    hint: Self.queueHint))
        }
        let registry = WatchRegistry(queue: queue, budget: budget)
        let requests = ScanRequests(bell: inbox.room)
        let gate = Gate()
        self.registry = registry
        self.requests = requests
        self.gate = gate
        reader = queue.map {
            NotificationReader(
                loop: loop, queue: $0, roots: roots, registry: registry, requests: requests, inbox: inbox, log: log)
        }
        scanner = TreeScanner(
            TreeScanner.Parts(
                roots: roots, directories: directories, registry: registry, requests: requests, inbox: inbox,
                time: time, random: random, log: log, rescan: rescan, poll: poll, remote: remote,
                onReady: { gate.open() }),
            executor: scanLane)
    }

    package func run() async {
        do throws(SystemError) {
            try await reader?.start()
        } catch {
            // Safe: the rescan finds what no event told.
            log.record(Event(.watchLimit, "file events cannot be read, only rescans find changes: \(error)"))
        }
        await scanner.run()
        await reader?.stop()
        gate.open()
    }

    package func live() async { await gate.passed() }

    package func rescan() { for root in roots.indices { requests.sweep(root: root) } }

    /// The number of directories that have a watch, for status and tests.
    package var watches: Int { registry.count }
}

/// Holds tasks until it is opened; then it stays open.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func passed() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
