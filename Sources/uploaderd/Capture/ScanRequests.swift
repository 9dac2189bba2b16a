import Shared
import Synchronization

/// What the loop, having read an event, wants the scanner to look at. Each thing waits once, however often it is asked for.
final class ScanRequests: Sendable {
    struct Batch: Sendable {
        /// Roots whose path may lead elsewhere now, by index.
        var roots: Set<Int> = []
        /// Roots to scan as a whole.
        var sweeps: Set<Int> = []
        /// Those of the sweeps that are due because the kernel dropped events.
        var overrun: Set<Int> = []
        /// New directories, to be watched and scanned.
        var directories: [WatchPlace] = []
        /// New names, to be looked at.
        var files: [WatchPlace] = []

        var isEmpty: Bool { roots.isEmpty && sweeps.isEmpty && directories.isEmpty && files.isEmpty }
    }

    private struct State {
        var batch = Batch()
        var known: Set<WatchPlace> = []
    }

    /// More than these for one batch become a scan of the root.
    static let limit = 4096

    private let state = Mutex(State())
    private let bell: Doorbell

    init(bell: Doorbell) { self.bell = bell }

    func check(root: Int) { change { $0.batch.roots.insert(root) } }

    func sweep(root: Int) { change { $0.batch.sweeps.insert(root) } }

    /// The kernel dropped events of the root.
    func overran(root: Int) {
        change { state in
            state.batch.overrun.insert(root)
            state.batch.sweeps.insert(root)
        }
    }

    func look(root: Int, directory path: String) { look(.directory(root: root, path: path), isFile: false) }

    func look(root: Int, file path: String) { look(.directory(root: root, path: path), isFile: true) }

    func take() -> Batch {
        state.withLock { state in
            let taken = state.batch
            state = State()
            return taken
        }
    }

    private func look(_ place: WatchPlace, isFile: Bool) {
        change { state in
            if state.batch.sweeps.contains(place.root) { return }
            guard state.known.insert(place).inserted else { return }
            if state.known.count > Self.limit {
                state.batch.sweeps.insert(place.root)
            } else if isFile {
                state.batch.files.append(place)
            } else {
                state.batch.directories.append(place)
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        bell.ring()
    }
}
