import Capture
import Shared
import Store
import Synchronization

/// Segments that turned out to have no whole copy while the daemon runs, and those that an earlier life left lost: their
/// lines are cut again from their sources, and what no source has any more is a gap.
final class LostSegments: Sendable {
    private struct State {
        var waiting: [SegmentID] = []
        /// Not cut again, and not given up: the source cannot be read now, or what is in its place is not taken yet.
        var unsettled: [SegmentID] = []
        /// By stream, how often its cursor was set back.
        var setbacks: [StreamKey: Int] = [:]
        var isStopped = false
    }

    private let state = Mutex(State())
    private let bell = Doorbell()
    /// Some are waiting, or are being seen to.
    let mending = Undertaking()

    var isMending: Bool { state.withLock { !$0.waiting.isEmpty } }

    /// How many are in no store, and will be cut again or given up.
    var unsettled: Int { state.withLock { $0.unsettled.count } }

    private static let pauses: (first: Duration, longest: Duration) = (.seconds(2), .seconds(60))

    /// The cursor of their stream is before them: who reads its source is to go on there.
    func add(_ ids: [SegmentID], of stream: StreamKey? = nil) {
        guard !ids.isEmpty else { return }
        state.withLock { state in
            // The next start finds them.
            if state.isStopped { return }
            state.waiting += ids
            if let stream { state.setbacks[stream, default: 0] += 1 }
            mending.begin()
        }
        bell.ring()
    }

    /// How often the stream's cursor was set back while somebody may have read its source.
    func setbacks(of stream: StreamKey) -> Int { state.withLock { $0.setbacks[stream] ?? 0 } }

    /// What could not be settled is looked at once more.
    func retry() {
        let isAny = state.withLock { state in
            if state.unsettled.isEmpty || state.isStopped { return false }
            state.waiting += state.unsettled
            state.unsettled = []
            mending.begin()
            return true
        }
        if isAny { bell.ring() }
    }

    /// Serves until it is cancelled.
    func run(_ parts: EngineParts) async {
        let time = parts.world.time
        var pause = Self.pauses.first
        while !Task.isCancelled {
            let (waiting, isAnyUnsettled) = state.withLock { state in
                if state.waiting.isEmpty { mending.end() }
                return (state.waiting, !state.unsettled.isEmpty)
            }
            if waiting.isEmpty {
                if !isAnyUnsettled { pause = Self.pauses.first }
                if await bell.wait(until: isAnyUnsettled ? time.now + pause : nil, on: time) == .timeout {
                    pause = min(pause * 2, Self.pauses.longest)
                    retry()
                }
                continue
            }
            var left: [SegmentID] = []
            do {
                left = try await mend(waiting, parts)
            } catch {
                left = waiting
                parts.board.report(
                    "persistence_failed", "spool", "what is lost from the spool could not be cut again: \(error)",
                    hint: "it is tried again; restart uploaderd when that is mended")
            }
            state.withLock { state in
                state.waiting.removeFirst(waiting.count)
                state.unsettled += left.filter { !state.unsettled.contains($0) }
            }
        }
        state.withLock { state in
            state.isStopped = true
            (state.waiting, state.unsettled) = ([], [])
            mending.end()
        }
    }

    /// - Returns: what is to be looked at again.
    private func mend(_ ids: [SegmentID], _ parts: EngineParts) async throws -> [SegmentID] {
        var sources: [SourcePath] = []
        var read: [SegmentID] = []
        for id in ids {
            guard let stream = try await parts.store.segment(id)?.record.stream,
                let source = try await parts.store.source(of: stream)?.path,
                // Another was passed once, and is not looked for again.
                parts.watched.contains(where: { $0.root == source.root })
            else { continue }
            read.append(id)
            if !sources.contains(source) { sources.append(source) }
        }
        if !sources.isEmpty {
            // While the spool is full nothing is taken, and whether a source still has the lines is not known.
            await parts.context.gate.pass()
            await parts.supervisor.flush(sources)
        }
        var left: [SegmentID] = []
        for id in ids where try await !parts.intake.resolver.settle(id) && read.contains(id) { left.append(id) }
        parts.delivery.ring()
        return left
    }
}
