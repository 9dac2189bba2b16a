import LinuxSystem
import Shared
import Synchronization

/// A clock on which nothing takes time but waiting for it: it jumps to the moment that somebody waits for, as soon as the loop
/// comes to it.
final class JumpingTime: TimeSource {
    private struct State {
        var now = Instant(nanoseconds: 1_000_000_000)
        var calls: [UInt64: @Sendable () -> Void] = [:]
        var serial: UInt64 = 0
        var jumps = 0
        var whenJumped: (@Sendable (Int) -> Void)?
    }

    private let loop: EventLoop
    private let state = Mutex(State())

    init(loop: EventLoop) { self.loop = loop }

    var now: Instant { state.withLock { $0.now } }
    var wall: WallTime { WallTime(nanoseconds: now.nanoseconds) }

    /// - Parameter call: is given the number of the jump, from 1, before whoever waits.
    func whenJumped(_ call: @escaping @Sendable (Int) -> Void) { state.withLock { $0.whenJumped = call } }

    func schedule(at deadline: Instant, _ fire: @escaping @Sendable () -> Void) -> TimerToken {
        let token = state.withLock { state in
            state.serial += 1
            state.calls[state.serial] = fire
            return TimerToken(deadline: deadline, serial: state.serial)
        }
        loop.start { [self] in jump(token) }
        return token
    }

    private func jump(_ token: TimerToken) {
        let (fire, told, jumps) = state.withLock { state in
            let fire = state.calls.removeValue(forKey: token.serial)
            if fire != nil {
                state.now = max(state.now, token.deadline)
                state.jumps += 1
            }
            return (fire, state.whenJumped, state.jumps)
        }
        guard let fire else { return }
        told?(jumps)
        fire()
    }

    func cancel(_ token: TimerToken) { state.withLock { _ = $0.calls.removeValue(forKey: token.serial) } }
    func whenSet(_ call: (@Sendable (Duration) -> Void)?) {}
}
