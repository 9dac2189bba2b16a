import LinuxSystem
import Shared

/// Reads the kernel's events on the loop, and turns each into a ring or a request: nothing here touches a file.
actor NotificationReader {
    nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private struct Departure {
        var root: Int
        var path: String
        var isDirectory: Bool
    }

    private let loop: EventLoop
    private let queue: NotificationQueue
    private let roots: [WatchRoot]
    private let registry: WatchRegistry
    private let requests: ScanRequests
    private let inbox: WatchInbox
    private let log: any EventLog
    private var token: WatchToken?
    /// Of the kernel's queue, so far.
    private var overflows = 0
    /// By cookie and root: where something was moved from, until the end of the queue shows where to.
    private var departures: [UInt64: Departure] = [:]

    init(
        loop: EventLoop, queue: NotificationQueue, roots: [WatchRoot], registry: WatchRegistry, requests: ScanRequests,
        inbox: WatchInbox, log: any EventLog
    ) {
        executor = loop
        self.loop = loop
        self.queue = queue
        self.roots = roots
        self.registry = registry
        self.requests = requests
        self.inbox = inbox
        self.log = log
    }

    func start() throws(SystemError) {
        token = try loop.watch(queue.inotify.descriptor, .readable) { [weak self] _ in
            // The loop calls its handlers on its own thread, which is our executor.
            self?.assumeIsolated { $0.drain() }
        }
    }

    func stop() {
        if let token { loop.unwatch(token) }
        token = nil
    }

    private func drain() {
        do throws(SystemError) {
            // The other half of a move may still be in the queue; the loop calls again.
            if try queue.inotify.drain({ take($0) }) { return }
        } catch {
            // Safe: what was in the queue is found by the sweep.
            for root in roots.indices { requests.sweep(root: root) }
        }
        for departure in departures.values { leave(departure) }
        departures.removeAll()
    }

    private func take(_ event: InotifyEvent) {
        if event.mask.contains(.overflow) {
            overflows += 1
            // The first, the second, the fourth: a storm of events must not become one of messages.
            if overflows & (overflows - 1) == 0 {
                log.record(
                    Event(
                        .queueOverflow, "the kernel dropped file events, so every root is scanned",
                        hint: TreeScanner.overflowHint, fields: ["TIMES": "\(overflows)"]))
            }
            for root in roots.indices { requests.overran(root: root) }
            return
        }
        let places = registry.places(of: event.watch)
        if event.mask.contains(.ignored) { registry.forget(event.watch) }
        for place in places {
            switch place {
            case .anchor(let root, let name):
                if event.name == nil || event.name == name { requests.check(root: root) }
            case .directory(let root, let path):
                if let name = event.name {
                    happened(event, root, path.isEmpty ? name : "\(path)/\(name)")
                } else if path.isEmpty {
                    requests.check(root: root)
                } else if !event.mask.isDisjoint(with: [.attributes, .ignored, .unmounted]) {
                    requests.look(root: root, directory: path)
                }
            }
        }
    }

    private func happened(_ event: InotifyEvent, _ root: Int, _ path: String) {
        let cookie = UInt64(event.cookie) << 32 | UInt64(UInt32(truncatingIfNeeded: root))
        if event.mask.contains(.isDirectory) {
            guard roots[root].mayHold(path) else {
                if event.mask.contains(.movedTo), let from = departures.removeValue(forKey: cookie) { leave(from) }
                return
            }
            if event.mask.contains(.movedFrom) {
                departures[cookie] = Departure(root: root, path: path, isDirectory: true)
            } else if event.mask.contains(.deleted) {
                leave(Departure(root: root, path: path, isDirectory: true))
            } else if !event.mask.isDisjoint(with: [.created, .movedTo, .attributes]) {
                // Whatever was moved there is watched and scanned anew: no path below it is true any more.
                if let from = departures.removeValue(forKey: cookie) { leave(from) }
                requests.look(root: root, directory: path)
            }
            return
        }
        guard roots[root].includes(path) else {
            if event.mask.contains(.movedTo), let from = departures.removeValue(forKey: cookie) { leave(from) }
            if !event.mask.isDisjoint(with: [.deleted, .movedFrom]) { forgive(root, path) }
            // A link to a directory has no such mark: the scanner says that it is not followed.
            if event.mask.contains(.created), roots[root].mayHold(path) { requests.look(root: root, file: path) }
            return
        }
        if event.mask.contains(.movedFrom) {
            departures[cookie] = Departure(root: root, path: path, isDirectory: false)
        } else if event.mask.contains(.deleted) {
            leave(Departure(root: root, path: path, isDirectory: false))
        } else if !event.mask.isDisjoint(with: [.created, .movedTo]) {
            if let from = departures.removeValue(forKey: cookie), !from.isDirectory {
                forgive(root, from.path)
                inbox.post(.moved(from: roots[root].source(from.path), to: roots[root].source(path)))
            }
            requests.look(root: root, file: path)
        } else if !registry.isRefused(root: root, path: path) {
            inbox.post(.changed(roots[root].source(path)))
        }
    }

    /// Something is not at its place any more, and came to no other place of ours.
    private func leave(_ gone: Departure) {
        if gone.isDirectory {
            registry.remove(root: gone.root, below: gone.path)
            inbox.post(.directoryGone(root: roots[gone.root].root, relativePath: gone.path))
            forgive(gone.root, gone.path)
            // What was said of it is taken back by whoever said it.
            requests.look(root: gone.root, directory: gone.path)
        } else if !forgive(gone.root, gone.path) {
            inbox.post(.gone(roots[gone.root].source(gone.path)))
        }
    }

    /// A refused path is free again.
    ///
    /// - Returns: whether it had been refused.
    @discardableResult
    private func forgive(_ root: Int, _ path: String) -> Bool {
        guard registry.unrefuse(root: root, path: path) else { return false }
        inbox.postTaken(roots[root].source(path).absolute)
        return true
    }
}
