import CLinux
import Glibc
package import Shared
import Synchronization

/// The kernel's clocks, and timers on the loop: one timerfd, armed for the earliest deadline and disarmed when there is none.
/// Another one, for a day that never comes, is cancelled by the kernel whenever the wall clock is set.
package final class SystemTime: TimeSource {
    private struct Timers {
        /// Ordered by deadline, then serial: a binary heap.
        var heap: [TimerToken] = []
        var calls: [UInt64: @Sendable () -> Void] = [:]
        var nextSerial: UInt64 = 1
        var armed: Instant?
    }

    private struct Setting {
        /// Wall clock minus the clock that goes on while the machine sleeps, when it was last looked at.
        var offset: Int64
        var call: (@Sendable (Duration) -> Void)?
    }

    private let timer: Descriptor
    private let timers = Mutex(Timers())
    private let alarm: Descriptor
    private let setting = Mutex(Setting(offset: SystemTime.wallOffset))

    /// On the loop's thread, or before it runs. The loop keeps the object alive.
    package init(loop: EventLoop) throws(SystemError) {
        timer = Descriptor(
            owning: try checked("timerfd_create") {
                timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK | TFD_CLOEXEC))
            })
        alarm = Descriptor(
            owning: try checked("timerfd_create") {
                timerfd_create(CLOCK_REALTIME, Int32(TFD_NONBLOCK | TFD_CLOEXEC))
            })
        _ = try loop.watch(timer, .readable) { [self] _ in fire() }
        _ = try loop.watch(alarm, .readable) { [self] _ in wallWasSet() }
        waitForSetting()
    }

    package func whenSet(_ call: (@Sendable (Duration) -> Void)?) { setting.withLock { $0.call = call } }

    private static var wallOffset: Int64 { nanoseconds(CLOCK_REALTIME) - nanoseconds(CLOCK_BOOTTIME) }

    private func waitForSetting() {
        var never = itimerspec()
        // The year 2242, before 64 bits of nanoseconds end.
        never.it_value = timespec(tv_sec: 8_583_408_000, tv_nsec: 0)
        timerfd_settime(alarm.number, Int32(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET), &never, nil)
    }

    private func wallWasSet() {
        var expirations: UInt64 = 0
        _ = Glibc.read(alarm.number, &expirations, 8)
        waitForSetting()
        let now = Self.wallOffset
        let (call, jump) = setting.withLock { setting in
            defer { setting.offset = now }
            return (setting.call, now - setting.offset)
        }
        call?(.nanoseconds(jump))
    }

    package var now: Instant { Instant(nanoseconds: Self.nanoseconds(CLOCK_MONOTONIC)) }
    package var wall: WallTime { WallTime(nanoseconds: Self.nanoseconds(CLOCK_REALTIME)) }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    package func schedule(at deadline: Instant, _ fire: @escaping @Sendable () -> Void) -> TimerToken {
        timers.withLock { timers in
            let token = TimerToken(deadline: deadline, serial: timers.nextSerial)
            timers.nextSerial += 1
            timers.calls[token.serial] = fire
            timers.heap.push(token)
            arm(&timers)
            return token
        }
    }

    package func cancel(_ token: TimerToken) {
        timers.withLock { timers in
            guard timers.calls.removeValue(forKey: token.serial) != nil else { return }
            // Cancelled entries stay in the heap until they come up, unless they are most of it.
            if timers.heap.count > 64, timers.calls.count < timers.heap.count / 2 {
                let live = timers.heap.filter { timers.calls[$0.serial] != nil }
                timers.heap = []
                for token in live { timers.heap.push(token) }
            }
            arm(&timers)
        }
    }

    private func fire() {
        var expirations: UInt64 = 0
        _ = Glibc.read(timer.number, &expirations, 8)
        let due = timers.withLock { timers -> [@Sendable () -> Void] in
            timers.armed = nil
            let now = now
            var due: [@Sendable () -> Void] = []
            while let first = timers.heap.first, first.deadline <= now {
                timers.heap.pop()
                if let call = timers.calls.removeValue(forKey: first.serial) { due.append(call) }
            }
            arm(&timers)
            return due
        }
        for call in due { call() }
    }

    private func arm(_ timers: inout Timers) {
        while let first = timers.heap.first, timers.calls[first.serial] == nil { timers.heap.pop() }
        let wanted = timers.heap.first?.deadline
        guard wanted != timers.armed else { return }
        timers.armed = wanted
        var setting = itimerspec()
        if let wanted {
            // A value of zero would disarm: timerfd_create(2).
            let nanoseconds = max(wanted.nanoseconds, 1)
            setting.it_value = timespec(
                tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        }
        timerfd_settime(timer.number, Int32(TFD_TIMER_ABSTIME), &setting, nil)
    }
}

extension [TimerToken] {
    private static func precedes(_ a: TimerToken, _ b: TimerToken) -> Bool {
        (a.deadline, a.serial) < (b.deadline, b.serial)
    }

    package mutating func push(_ token: TimerToken) {
        append(token)
        var child = count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(self[child], self[parent]) else { return }
            swapAt(child, parent)
            child = parent
        }
    }

    package mutating func pop() {
        guard !isEmpty else { return }
        swapAt(0, count - 1)
        removeLast()
        var parent = 0
        while true {
            let left = parent * 2 + 1
            guard left < count else { return }
            let right = left + 1
            let least = right < count && Self.precedes(self[right], self[left]) ? right : left
            guard Self.precedes(self[least], self[parent]) else { return }
            swapAt(least, parent)
            parent = least
        }
    }
}

/// The kernel's random numbers.
package struct SystemRandom: RandomSource {
    package init() {}
    package func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
