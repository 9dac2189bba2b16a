import Capture
import Shared
import Store
import Synchronization

/// Segments that turned out to have no whole copy while the daemon runs, and those that an earlier life left lost: their
/// lines are cut again from their sources, and what no source has any more is a gap.
final class LostSegments: Sendable {
    private struct State {
        var waiting: [SegmentID] = []
        /// By stream, how often its cursor was set back.
        var setbacks: [StreamKey: Int] = [:]
        var isStopped = false
    }

    private let state = Mutex(State())
    private let bell = Doorbell()
    /// Some are waiting, or are being seen to.
    let mending = Undertaking()

    var isMending: Bool { state.withLock { !$0.waiting.isEmpty } }

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

    /// Serves until it is cancelled.
    func run(_ parts: EngineParts) async {
        while !Task.isCancelled {
            let waiting = state.withLock { state in
                if state.waiting.isEmpty { mending.end() }
                return state.waiting
            }
            if waiting.isEmpty {
                _ = await bell.wait(on: parts.world.time)
                continue
            }
            do {
                try await mend(waiting, parts)
            } catch {
                // They stay lost, and every start tries again.
                parts.board.report(
                    "persistence_failed", "spool", "what is lost from the spool could not be cut again: \(error)",
                    hint: "restart uploaderd when that is mended")
            }
            state.withLock { $0.waiting.removeFirst(waiting.count) }
        }
        state.withLock { state in
            state.isStopped = true
            state.waiting = []
            mending.end()
        }
    }

    private func mend(_ ids: [SegmentID], _ parts: EngineParts) async throws {
        var sources: [SourcePath] = []
        for id in ids {
            guard let stream = try await parts.store.segment(id)?.record.stream,
                let source = try await parts.store.source(of: stream)?.path, !sources.contains(source),
                // Another was passed once, and is not looked for again.
                parts.watched.contains(where: { $0.root == source.root })
            else { continue }
            sources.append(source)
        }
        if !sources.isEmpty {
            // While the spool is full nothing is taken, and whether a source still has the lines is not known.
            await parts.context.gate.pass()
            await parts.supervisor.flush(sources)
        }
        for id in ids { try await parts.intake.resolver.settle(id) }
        parts.delivery.ring()
    }
}
