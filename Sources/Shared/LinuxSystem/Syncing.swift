import Shared
import Synchronization

/// A file whose bytes, or a folder whose names, are to be made durable.
package struct SyncTarget: Sendable, Hashable {
    package var path: String
    package var isDirectory: Bool

    package init(file path: String) { (self.path, isDirectory) = (path, false) }
    package init(directory path: String) { (self.path, isDirectory) = (path, true) }

    fileprivate func sync() -> SystemError? {
        do throws(SystemError) {
            guard !isDirectory else {
                try Files.syncDirectory(path)
                return nil
            }
            try Descriptor.open(path, [.readWrite, .noFollow]).sync()
            return nil
        } catch {
            return error
        }
    }
}

/// Makes many files and folders durable. `SyncThreads` does it at once, `SyncsInTurn` one after the other: in the simulation
/// there is one thread.
package protocol Syncing: Sendable {
    /// Blocks until all are durable, or cannot be.
    ///
    /// - Returns: for each why not; `nil`: it is. A failure is final: the kernel may have dropped the bytes (fsync(2), NOTES).
    func sync(_ targets: [SyncTarget]) -> [SystemError?]
}

package struct SyncsInTurn: Syncing {
    package init() {}
    package func sync(_ targets: [SyncTarget]) -> [SystemError?] { targets.map { $0.sync() } }
}

/// Several threads, so that the journal of the file system commits together what they wait for: one after the other each
/// fsync(2) waits for a commit of its own. They are started by the first call that has use for them.
package final class SyncThreads: Syncing {
    private let names: String
    private let most: Int
    private let lanes = Mutex<[Lane]>([])

    /// - Parameters:
    ///   - names: of the threads, which are numbered; at most 12 bytes.
    ///   - most: how many there are, besides the one that asks.
    package init(names: String, most: Int) {
        self.names = names
        self.most = most
    }

    deinit { for lane in lanes.withLock({ $0 }) { lane.stop() } }

    package func sync(_ targets: [SyncTarget]) -> [SystemError?] {
        guard targets.count > 1 else { return SyncsInTurn().sync(targets) }
        let round = SyncRound(targets)
        for lane in helpers(min(most, targets.count - 1)) {
            lane.start { round.help() }
        }
        return round.finish()
    }

    private func helpers(_ count: Int) -> [Lane] {
        lanes.withLock { lanes in
            while lanes.count < count { lanes.append(Lane(name: "\(names).\(lanes.count)")) }
            return Array(lanes.prefix(count))
        }
    }
}

/// What is synced together: whoever is free takes the next one.
private final class SyncRound: Sendable {
    private struct State {
        var next = 0
        var done = 0
        var failures: [SystemError?]
    }

    private let targets: [SyncTarget]
    private let state: Mutex<State>
    private let isOver = Completion()

    init(_ targets: [SyncTarget]) {
        self.targets = targets
        state = Mutex(State(failures: Array(repeating: nil, count: targets.count)))
    }

    /// Returns when there is nothing left to begin.
    func help() {
        while let index = take() {
            let failure = targets[index].sync()
            let isLast = state.withLock { state in
                state.failures[index] = failure
                state.done += 1
                return state.done == targets.count
            }
            if isLast { isOver.signal() }
        }
    }

    /// - Returns: for each target why it is not durable.
    func finish() -> [SystemError?] {
        help()
        isOver.wait()
        return state.withLock { $0.failures }
    }

    private func take() -> Int? {
        state.withLock { state in
            guard state.next < targets.count else { return nil }
            state.next += 1
            return state.next - 1
        }
    }
}
