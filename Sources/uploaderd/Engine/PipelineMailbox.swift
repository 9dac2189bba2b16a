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
        /// Others wait for a place: do not stay only for the end of a last line.
        static let makeRoom = Requests(rawValue: 4)
        /// A hook says that the session has ended: what is there is its end, until more comes.
        static let ended = Requests(rawValue: 8)
        /// The stream is that of another file, which was found under another name: unless something of this one is durable,
        /// begin again, as whatever it is called by then.
        static let giveWay = Requests(rawValue: 16)
    }

    private struct State {
        var requests: Requests = []
        var flushes: [CheckedContinuation<Bool, Never>] = []
        /// Asked before the last `take`.
        var taken: [CheckedContinuation<Bool, Never>] = []
        var isClosed = false
        /// Nothing is taken while this is closed, for the spool is full: whoever asks for a flush is not to wait for the far
        /// end. Once it is open whoever asks waits, though the pipeline may not have gone on yet.
        var gate: SpoolGate?
        var isNamed = false
        var isRung = false
        var left: Int64
        /// When the first line of the open segment was seen, or the source was found to have something.
        var openSince: Instant?
        var endless: Int64 = 0
        var sealedEnd: Int64?
    }

    /// - Parameters:
    ///   - left: bytes that the source is thought to have and that are not taken.
    ///   - since: when it was found to have something; `nil`: nothing is known of that.
    ///   - mayReplace: a file that is there in place of the one that was taken is known to be no other one renamed.
    ///   - makesRoom: others wait for a place already.
    init(left: Int64 = 0, since: Instant? = nil, mayReplace: Bool = true, makesRoom: Bool = false) {
        state = Mutex(State(requests: makesRoom ? .makeRoom : [], left: left, openSince: since))
        self.mayReplace = mayReplace
    }

    let mayReplace: Bool

    /// Whether it is known which stream the source is: from then on no other path can have it.
    var isNamed: Bool { state.withLock { $0.isNamed } }

    func setNamed() { state.withLock { $0.isNamed = true } }

    /// Whether something was said of the source that nobody has listened to. What is asked of the pipeline does not count:
    /// a source that has nothing to take would begin again for each flush, and be asked for it again.
    var isRung: Bool { state.withLock { $0.isRung } }

    /// Whether the pipeline is to end at the next opportunity.
    var isEnding: Bool { state.withLock { $0.requests.contains(.shutdown) } }

    /// Whether somebody waits for a flush.
    var isFlushAsked: Bool { state.withLock { !$0.flushes.isEmpty || !$0.taken.isEmpty } }

    private let bell = Doorbell()
    private let state: Mutex<State>

    /// Bytes of the source are taken.
    ///
    /// - Returns: how many of them were thought of before; a source that grows has more.
    func count(taken bytes: Int64) -> Int64 {
        state.withLock { state in
            let counted = min(max(bytes, 0), state.left)
            state.left -= counted
            return counted
        }
    }

    /// Since when a line is known that is in no durable segment; `nil`: there is none.
    var openSince: Instant? { state.withLock { $0.openSince } }

    func noteOpen(since now: Instant) { state.withLock { $0.openSince = $0.openSince ?? now } }

    /// Everything before this offset of the source is in durable segments; `nil`: nothing is known of that.
    var sealedEnd: Int64? { state.withLock { $0.sealedEnd } }

    func noteSealed(upTo end: Int64?) {
        state.withLock { state in
            state.openSince = nil
            state.sealedEnd = end
        }
    }

    /// Bytes at the source's end that are a line without its end, and are not taken.
    var endless: Int64 { state.withLock { $0.endless } }

    func noteEndless(_ bytes: Int64) { state.withLock { $0.endless = bytes } }

    /// Something may have happened to the source.
    func ring() {
        state.withLock { $0.isRung = true }
        bell.ring()
    }

    func ask(_ requests: Requests) {
        state.withLock { $0.requests.formUnion(requests) }
        bell.ring()
    }

    /// Asks once only: to be asked again would wake it for nothing.
    func askForRoom() {
        let isNew = state.withLock { $0.requests.insert(.makeRoom).inserted }
        if isNew { bell.ring() }
    }

    /// Returns when everything that the source held at the time of the call is in a durable segment, or the pipeline ended.
    ///
    /// - Returns: `false` when it ended: what it did not take another one may.
    func flush() async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if state.isClosed { return false }
                if let gate = state.gate, gate.isClosed { return true }
                state.requests.insert(.flush)
                state.flushes.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) } else { bell.ring() }
        }
    }

    /// What is said from its return on is listened to by who reads the source then.
    func wait(until deadline: Instant?, on time: any TimeSource) async -> Doorbell.Wake {
        let wake = await bell.wait(until: deadline, on: time)
        state.withLock { $0.isRung = false }
        return wake
    }

    func take() -> Requests {
        state.withLock { state in
            let requests = state.requests
            // The others hold until the pipeline ends.
            state.requests.subtract([.flush, .ended])
            state.taken += state.flushes
            state.flushes = []
            return requests
        }
    }

    /// Answers the flushes that were asked before the last `take`.
    func answerFlushes() { answer(true) }

    /// Until `goOn` every flush is answered at once while the gate is closed. Who asks compares what it was before.
    func pause(before gate: SpoolGate) {
        state.withLock { $0.gate = gate }
        guard gate.isClosed else { return }
        _ = take()
        answer(true)
    }

    func goOn() { state.withLock { $0.gate = nil } }

    private func answer(_ isDone: Bool) {
        let waiting = state.withLock { state in
            let waiting = state.taken
            state.taken = []
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: isDone) }
    }

    /// The pipeline ended: whoever waits, and whoever asks later, is answered at once.
    func close() {
        state.withLock { $0.isClosed = true }
        _ = take()
        answer(false)
    }
}
