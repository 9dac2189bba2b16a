import Shared
import Synchronization

/// A counted right to do something, first come, first served: how many pipelines read and compress at the same time.
final class Permits: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// Index of the first live entry of `waiting`: taking from the front of an array is O(n).
        var first = 0
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    func acquire() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func release() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.first < state.waiting.count else {
                state.free += 1
                return nil
            }
            let next = state.waiting[state.first]
            state.first += 1
            if state.first > 1024 || state.first == state.waiting.count {
                state.waiting.removeFirst(state.first)
                state.first = 0
            }
            return next
        }
        next?.resume()
    }
}

/// How much memory pipelines hold together of one thing. Over the budget a pipeline gives up what it has, which for an open
/// segment means to seal it: never a refusal, never a wait.
final class MemoryBudget: Sendable {
    private let used = Atomic<Int>(0)
    private let limit: Int

    init(bytes: Int) { limit = bytes }

    /// Tells that a holder went from `before` to `after` bytes.
    func change(from before: Int, to after: Int) { used.add(after - before, ordering: .relaxed) }

    var isExceeded: Bool { used.load(ordering: .relaxed) > limit }
}

/// Backpressure: while the spool is over its limit nothing more is read, and the sources keep the bytes.
final class SpoolGate: Sendable {
    private struct State {
        var isClosed = false
        /// How often it was closed.
        var closings = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isEnding = false
    }

    private let state = Mutex(State())

    /// Returns at once while there is room, else when there is room again or the engine ends.
    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isClosed || state.isEnding { return true }
                state.waiting.append(continuation)
                return false
            }
            if isOpen { continuation.resume() }
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed && !$0.isEnding } }

    /// How often it was closed: who compares knows whether somebody may have stood before it meanwhile.
    var closings: Int { state.withLock { $0.closings } }

    /// - Returns: whether this changed anything.
    @discardableResult
    func set(closed: Bool) -> Bool {
        let (changed, released) = state.withLock { state in
            let changed = state.isClosed != closed
            state.isClosed = closed
            if changed, closed { state.closings += 1 }
            guard !closed else { return (changed, [CheckedContinuation<Void, Never>]()) }
            let released = state.waiting
            state.waiting = []
            return (changed, released)
        }
        for continuation in released { continuation.resume() }
        return changed
    }

    /// Nobody waits any more: shutdown.
    func end() {
        let released = state.withLock { state in
            state.isEnding = true
            let released = state.waiting
            state.waiting = []
            return released
        }
        for continuation in released { continuation.resume() }
    }
}
