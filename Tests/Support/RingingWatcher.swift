package import Capture
import Glibc
import LinuxSystem
package import Shared
import Synchronization

/// A watcher that the test rings: `rang` is an event of the kernel's, `miss` is one that got lost.
///
/// It scans real folders, at the start, when it is asked to, and once in `interval` of simulated time.
package final class RingingWatcher: SourceWatching {
    package let inbox = WatchInbox()
    private let roots: [WatchRoot]
    private let time: any TimeSource
    private let interval: Duration
    private let bell = Doorbell()
    private let wasLive = Mutex<(isLive: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    package init(roots: [WatchRoot], time: any TimeSource, interval: Duration = .seconds(3600)) {
        self.roots = roots
        self.time = time
        self.interval = interval
    }

    /// The kernel says that a file below the first root has changed.
    package func rang(_ relativePath: String) { inbox.post(.changed(source(relativePath))) }

    package func moved(_ old: String, _ new: String) { inbox.post(.moved(from: source(old), to: source(new))) }
    package func gone(_ relativePath: String) { inbox.post(.gone(source(relativePath))) }

    package func source(_ relativePath: String) -> SourcePath { roots[0].source(relativePath) }

    package func run() async {
        scan(isFirst: true)
        inbox.post(.ready)
        let waiting = wasLive.withLock { state in
            state.isLive = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
        while !Task.isCancelled {
            _ = await bell.wait(until: time.now + interval, on: time)
            if !Task.isCancelled { scan(isFirst: false) }
        }
    }

    package func live() async {
        await withCheckedContinuation { continuation in
            let isLive = wasLive.withLock { state in
                if !state.isLive { state.waiting.append(continuation) }
                return state.isLive
            }
            if isLive { continuation.resume() }
        }
    }

    package func rescan() { bell.ring() }

    private func scan(isFirst: Bool) {
        for root in roots {
            var found: [FoundSource] = []
            guard access(root.root, F_OK) == 0 else {
                // The first scan waits for it without a word, as the real one does.
                if !isFirst { inbox.post(.absent(root: root.root)) }
                continue
            }
            do throws(SystemError) {
                for path in try Tree.files(root.root) where root.includes(path) {
                    guard let status = try Files.status("\(root.root)/\(path)"), status.kind == .regular else {
                        continue
                    }
                    found.append(
                        FoundSource(
                            path: root.source(path), size: status.size, modified: status.modified,
                            identity: status.identity))
                }
            } catch {
                // A folder that went away under the scan is seen as empty, as by the real one.
            }
            if !found.isEmpty { inbox.post(.found(found)) }
            inbox.post(.swept(root: root.root))
        }
    }
}
