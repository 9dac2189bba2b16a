import LinuxSystem
import Shared
import Synchronization

/// How long anything is waited for, in milliseconds: waited out only when something is broken, for machines may be crowded.
let patience: Int32 = 300_000

/// A clock that a test moves. Timers fire on the loop, as the real ones do.
final class FakeTime: TimeSource {
    private struct State {
        var now = Instant(nanoseconds: 1_000_000_000)
        var timers: [TimerToken: @Sendable () -> Void] = [:]
        var serial: UInt64 = 0
    }

    private let state = Mutex(State())
    private let loop: EventLoop
    private let changed: Descriptor.Pipe

    init(loop: EventLoop) throws {
        self.loop = loop
        changed = try Descriptor.pipe()
        try changed.writing.setNonBlocking()
    }

    var now: Instant { state.withLock { $0.now } }
    var wall: WallTime { WallTime(nanoseconds: now.nanoseconds) }

    func schedule(at deadline: Instant, _ fire: @escaping @Sendable () -> Void) -> TimerToken {
        let (token, isDue) = state.withLock { state in
            state.serial += 1
            let token = TimerToken(deadline: deadline, serial: state.serial)
            let isDue = deadline <= state.now
            if !isDue { state.timers[token] = fire }
            return (token, isDue)
        }
        if isDue { loop.start { fire() } }
        // Full: the waiter has enough to wake up for.
        _ = try? [UInt8(1)].withBytes { (bytes) throws(SystemError) in try changed.writing.write(bytes) }
        return token
    }

    func cancel(_ token: TimerToken) { state.withLock { state in _ = state.timers.removeValue(forKey: token) } }

    func whenSet(_ call: (@Sendable (Duration) -> Void)?) {}

    /// Blocks until somebody has a timer so far from now; that is when what it is for has begun.
    func waitForTimer(in duration: Duration) throws {
        while !state.withLock({ state in state.timers.keys.contains { $0.deadline - state.now == duration } }) {
            guard try changed.reading.wait(.readable, milliseconds: patience) else {
                throw SystemError("no such timer", code: 62)
            }
            var buffer = [UInt8](repeating: 0, count: 64)
            _ = try buffer.withMutableBytes { (bytes) throws(SystemError) in try changed.reading.read(into: bytes) }
        }
    }

    /// Moves on, and lets everything that is due happen on the loop.
    func advance(by duration: Duration) {
        let due = state.withLock { state -> [@Sendable () -> Void] in
            state.now = state.now + duration
            let due = state.timers.keys.filter { $0.deadline <= state.now }.sorted { $0.deadline < $1.deadline }
            return due.compactMap { state.timers.removeValue(forKey: $0) }
        }
        loop.start { for fire in due { fire() } }
    }
}

final class RecordingLog: EventLog {
    private let kept = Mutex<[Event]>([])
    func record(_ event: Event) { kept.withLock { $0.append(event) } }
    var events: [Event] { kept.withLock { $0 } }
}
