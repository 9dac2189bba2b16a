package import Shared
import Synchronization

/// Where watch events wait to be taken, at most one of a kind for a path, however often it happened.
///
/// Bounded: beyond `limit` paths the events of a root collapse into one more scan of it, and scans wait for room. A
/// simulation puts events here itself.
package final class WatchInbox: Sendable {
    private struct State {
        var health: [HealthKey: WatchEvent] = [:]
        /// New place → old place.
        var moved: [SourcePath: SourcePath] = [:]
        var lostDirectories: Set<LostDirectory> = []
        var gone: Set<SourcePath> = []
        /// In the order of their first change.
        var changed: [SourcePath] = []
        var isChanged: Set<SourcePath> = []
        /// `found`, `swept`, `absent` and `ready`, in order.
        var scanned: [WatchEvent] = []
        var batches = 0
        /// Roots of which something was dropped.
        var lost: Set<String> = []

        var paths: Int { moved.count + gone.count + isChanged.count + lostDirectories.count }
    }

    private struct LostDirectory: Hashable {
        var root: String
        var relativePath: String
    }

    private struct HealthKey: Hashable {
        var kind: String
        var subject: String
    }

    /// Rung when there is something to take.
    private let news = Doorbell()
    /// Rung when something was taken: the one who fills the inbox waits here, for this and for all else.
    package let room = Doorbell()
    private let limit: Int
    private let state = Mutex(State())

    package static let batchLimit = 16

    package init(limit: Int = 16_384) { self.limit = limit }

    /// Puts an event in; never waits.
    package func post(_ event: WatchEvent) {
        state.withLock { Self.put(event, into: &$0, limit: limit) }
        news.ring()
    }

    /// Puts a scan's batch in.
    ///
    /// - Returns: `false` when there are too many already: wait for `room`.
    package func offer(_ found: [FoundSource]) -> Bool {
        let isTaken = state.withLock { state in
            guard state.batches < Self.batchLimit else { return false }
            state.batches += 1
            state.scanned.append(.found(found))
            return true
        }
        if isTaken { news.ring() }
        return isTaken
    }

    /// Everything that happened since the last call: health, then moves, losses, what was found, changes.
    package func take() -> [WatchEvent] {
        let state = state.withLock { state in
            let taken = state
            state = State()
            // The watcher asks for it by `takeLost`.
            state.lost = taken.lost
            return taken
        }
        if state.paths + state.batches + state.lost.count > 0 { room.ring() }
        // Sorted where a table has no order, so that the same happenings are told in the same order in every process.
        var events = state.health.sorted { ($0.key.kind, $0.key.subject) < ($1.key.kind, $1.key.subject) }.map(\.value)
        events.reserveCapacity(events.count + state.paths + state.scanned.count)
        events += state.moved.sorted { $0.key.absolute < $1.key.absolute }.map { .moved(from: $0.value, to: $0.key) }
        events += state.lostDirectories.sorted { ($0.root, $0.relativePath) < ($1.root, $1.relativePath) }.map {
            .directoryGone(root: $0.root, relativePath: $0.relativePath)
        }
        events += state.gone.sorted { $0.absolute < $1.absolute }.map { .gone($0) }
        // A change may be of a file that the scan found: it is to be known first.
        let end = state.scanned.firstIndex { if case .found = $0 { false } else { true } } ?? state.scanned.count
        events += state.scanned[..<end]
        events += state.changed.map { WatchEvent.changed($0) }
        events += state.scanned[end...]
        return events
    }

    /// Waits until there is something, or until `deadline`.
    ///
    /// - Returns: `[]` at the deadline, and when the task was cancelled.
    package func next(until deadline: Instant? = nil, on time: any TimeSource) async -> [WatchEvent] {
        while true {
            let events = take()
            if !events.isEmpty || Task.isCancelled { return events }
            if await news.wait(until: deadline, on: time) == .timeout { return take() }
        }
    }

    /// The roots of which events were dropped since the last call: they have to be scanned.
    package func takeLost() -> Set<String> {
        state.withLock { state in
            // Only when there is room again: else the scan's findings would be dropped too.
            guard state.paths < limit / 2 else { return [] }
            defer { state.lost = [] }
            return state.lost
        }
    }

    private static func put(_ event: WatchEvent, into state: inout State, limit: Int) {
        let isFull = state.paths >= limit
        switch event {
        case .raised(let entry): state.health[HealthKey(kind: entry.kind, subject: entry.subject)] = event
        case .cleared(let kind, let subject): state.health[HealthKey(kind: kind, subject: subject)] = event
        case .moved(let from, let to):
            guard !isFull else {
                state.lost.formUnion([from.root, to.root])
                return
            }
            // Moved on before anybody looked: one move from the first place to the last.
            let origin = state.moved.removeValue(forKey: from) ?? from
            state.gone.remove(to)
            if origin != from { state.gone.insert(from) }
            if origin != to { state.moved[to] = origin }
        case .directoryGone(let root, let relativePath):
            guard !isFull else {
                state.lost.insert(root)
                return
            }
            state.lostDirectories.insert(LostDirectory(root: root, relativePath: relativePath))
        case .gone(let path):
            if isFull {
                state.lost.insert(path.root)
            } else {
                state.gone.insert(path)
            }
        case .changed(let path):
            guard !state.isChanged.contains(path) else { return }
            guard !isFull else {
                state.lost.insert(path.root)
                return
            }
            state.isChanged.insert(path)
            state.changed.append(path)
        case .found(let sources):
            state.batches += sources.isEmpty ? 0 : 1
            state.scanned.append(event)
        case .swept, .absent, .ready:
            state.scanned.removeAll { $0 == event }
            state.scanned.append(event)
        }
    }
}

extension WatchInbox {
    /// What was refused under this path is gone, or is something that we take.
    func postTaken(_ absolute: String) {
        for kind in [TreeScanner.refusedKind, WatchEvent.nameKind] { post(.cleared(kind: kind, subject: absolute)) }
    }
}
