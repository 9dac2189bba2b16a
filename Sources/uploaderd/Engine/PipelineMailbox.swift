import Shared
import Synchronization

/// How the supervisor, a flush and the shutdown speak to one running pipeline: a bell and a few requests.
final class PipelineMailbox: Sendable {
    /// What is asked of a pipeline. Requests add up; each is taken once.
    struct Requests: OptionSet, Sendable {
        let rawValue: UInt8
        /// Seal what is open, go on.
        static let flush = Requests(rawValue: 1)
        /// Read to the end, seal, end.
        static let shutdown = Requests(rawValue: 2)
    }

    private struct State {
        var requests: Requests = []
        var flushes: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    /// Whether something was said that nobody has listened to.
    var isRung: Bool { bell.isRung }

    /// Whether the pipeline is to end at the next opportunity.
    var isEnding: Bool { state.withLock { $0.requests.contains(.shutdown) } }

    private let bell = Doorbell()
    private let state = Mutex(State())

    /// Something may have happened to the source.
    func ring() { bell.ring() }

    func ask(_ requests: Requests) {
        state.withLock { $0.requests.formUnion(requests) }
        bell.ring()
    }

    /// Returns when everything that the source held at the time of the call is in a durable segment, or the pipeline ended.
    func flush() async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if state.isClosed { return true }
                state.requests.insert(.flush)
                state.flushes.append(continuation)
                return false
            }
            if isClosed { continuation.resume() } else { bell.ring() }
        }
    }

    func wait(until deadline: Instant?, on time: any TimeSource) async -> Doorbell.Wake {
        await bell.wait(until: deadline, on: time)
    }

    func take() -> Requests {
        state.withLock { state in
            let taken = state.requests
            // Shutdown holds until the pipeline ends.
            state.requests.subtract(.flush)
            return taken
        }
    }

    /// Answers the flushes that were asked before the last `take`.
    func answerFlushes() {
        let waiting = state.withLock { state in
            let waiting = state.flushes
            state.flushes = []
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// The pipeline ended: whoever waits, and whoever asks later, is answered at once.
    func close() {
        state.withLock { $0.isClosed = true }
        answerFlushes()
    }
}
