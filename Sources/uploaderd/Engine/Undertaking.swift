import Synchronization

/// Something that is under way at times, and whose end others wait for.
final class Undertaking: Sendable {
    private struct State {
        var isUnderWay = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func begin() { state.withLock { $0.isUnderWay = true } }

    /// May be called when it has ended, too.
    func end() {
        let waiting = state.withLock { state in
            defer { state = State() }
            return state.waiting
        }
        for each in waiting { each.resume() }
    }

    /// Returns when it is not under way; at once, where it is not.
    func over() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isUnderWay { state.waiting.append(continuation) }
                return !state.isUnderWay
            }
            if isOver { continuation.resume() }
        }
    }
}
