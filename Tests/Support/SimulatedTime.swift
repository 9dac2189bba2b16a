import LinuxSystem
package import Shared
import Synchronization

/// A clock that stands still while anything can run, and then jumps to the next timer.
package final class SimulatedTime: TimeSource {
    private struct State {
        var now = Instant(nanoseconds: 1_000_000_000_000)
        var offset: Int64 = 0
        var heap: [TimerToken] = []
        var calls: [UInt64: @Sendable () -> Void] = [:]
        var serial: UInt64 = 0
        var whenSet: (@Sendable (Duration) -> Void)?
    }

    /// 2026-11-20T06:00:00Z.
    private static let began: Int64 = 1_795_154_400_000_000_000
    private let state = Mutex(State())

    package init() {}

    package var now: Instant { state.withLock { $0.now } }
    package var wall: WallTime {
        state.withLock { WallTime(nanoseconds: Self.began + $0.now.nanoseconds - 1_000_000_000_000 + $0.offset) }
    }

    /// Sets the wall clock, as a person or NTP would; the monotonic one does not care.
    package func shiftWall(by duration: Duration) {
        let call = state.withLock { state in
            state.offset += duration.nanoseconds
            return state.whenSet
        }
        call?(duration)
    }

    package func whenSet(_ call: (@Sendable (Duration) -> Void)?) { state.withLock { $0.whenSet = call } }

    package func schedule(at deadline: Instant, _ fire: @escaping @Sendable () -> Void) -> TimerToken {
        state.withLock { state in
            state.serial += 1
            let token = TimerToken(deadline: deadline, serial: state.serial)
            state.calls[token.serial] = fire
            state.heap.push(token)
            return token
        }
    }

    package func cancel(_ token: TimerToken) { state.withLock { _ = $0.calls.removeValue(forKey: token.serial) } }

    /// How far away each timer is that somebody waits for, the next one first.
    package var pending: [Duration] {
        state.withLock { state in
            state.heap.filter { state.calls[$0.serial] != nil }.map { $0.deadline - state.now }.sorted()
        }
    }

    /// Jumps to the next timer and fires it, and no other.
    ///
    /// - Returns: `false` when there is none.
    func jump() -> Bool {
        let call = state.withLock { state -> (@Sendable () -> Void)? in
            while let first = state.heap.first {
                state.heap.pop()
                guard let call = state.calls.removeValue(forKey: first.serial) else { continue }
                state.now = max(state.now, first.deadline)
                return call
            }
            return nil
        }
        call?()
        return call != nil
    }
}
