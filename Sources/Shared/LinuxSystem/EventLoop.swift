import CLinux
import Glibc
import Shared
import Synchronization

/// What a handler wants to hear of a descriptor.
package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let readable = Interest(rawValue: EPOLLIN.rawValue)
    package static let writable = Interest(rawValue: EPOLLOUT.rawValue)
}

/// What happened to a descriptor. `isBroken`: an error or a hang-up, which a read or write will name.
package struct Readiness: Sendable {
    let events: UInt32
    package var isReadable: Bool { events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    package var isWritable: Bool { events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    package var isBroken: Bool { events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
}

package struct WatchToken: Hashable, Sendable {
    let number: Int32
    let serial: UInt64
}

/// One thread, one epoll: descriptors, timers, and the jobs of every actor that lives here. Nothing on it may block.
///
/// The thread that calls `run()` is the loop. Jobs wake it through an eventfd; when there are none, it sleeps in
/// epoll_wait without a limit: zero wakeups at idle.
///
/// Sendable, proof: `queue` is behind its mutex; `handlers`, `nextSerial` and `spare` are touched on the loop's thread only, or
/// before `run()` by the thread that made the loop; everything else never changes or is atomic.
package final class EventLoop: RoomExecutor, @unchecked Sendable {
    package typealias Handler = @Sendable (Readiness) -> Void

    private struct Queue {
        var jobs: [UnownedJob] = []
        /// The eventfd has been rung for what is queued.
        var isRung = false
        var isStopped = false
    }

    private let epoll: Descriptor
    private let bell: Descriptor
    private let queue = Mutex(Queue())
    private let thread = Atomic<UInt>(0)
    private var handlers: [Int32: (serial: UInt64, handler: Handler)] = [:]
    private var nextSerial: UInt64 = 1
    private var spare: [UnownedJob] = []

    package init() throws(SystemError) {
        epoll = Descriptor(owning: try checked("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
        bell = Descriptor(owning: try checked("eventfd") { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) })
        try control(EPOLL_CTL_ADD, bell.number, EPOLLIN.rawValue)
    }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustRing = queue.withLock { queue in
            queue.jobs.append(job)
            if queue.isRung { return false }
            queue.isRung = true
            return true
        }
        if mustRing, !isCurrent { ring() }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
    package func checkIsolated() { precondition(isCurrent, "not on the loop") }
    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Whether the caller is on the loop's thread.
    package var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    // MARK: Running

    /// Serves until `stop()`. The calling thread is the loop from now on.
    package func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 256) { events in
            // glibc 2.41 takes no nil here, as older ones do.
            guard let room = events.baseAddress else { preconditionFailure("no room for events") }
            while true {
                let more = runJobs()
                if queue.withLock({ $0.isStopped }) { return }
                let count = epoll_wait(epoll.number, room, Int32(events.count), more ? 0 : -1)
                if count < 0 {
                    // Any other error means that our own descriptor is not an epoll: a bug, not a condition.
                    precondition(errno == EINTR, "epoll_wait: \(errno)")
                    continue
                }
                for index in 0..<Int(count) { dispatch(events[index]) }
            }
        }
    }

    /// Makes `run()` return after the jobs that are queued now. May be called from any thread.
    package func stop() {
        queue.withLock { $0.isStopped = true }
        ring()
    }

    /// - Returns: whether jobs are left; bounded, so that a chain of jobs cannot starve descriptors.
    private func runJobs() -> Bool {
        for _ in 0..<64 {
            let batch = queue.withLock { queue -> [UnownedJob] in
                if queue.jobs.isEmpty {
                    queue.isRung = false
                    return []
                }
                let batch = queue.jobs
                queue.jobs = spare
                spare = []
                return batch
            }
            if batch.isEmpty { return false }
            for job in batch {
                job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            }
            spare = batch
            spare.removeAll(keepingCapacity: batch.count < 1024)
        }
        return true
    }

    private func dispatch(_ event: epoll_event) {
        let number = event.data.fd
        if number == bell.number {
            var count: UInt64 = 0
            _ = Glibc.read(number, &count, 8)
        } else if let handler = handlers[number]?.handler {
            handler(Readiness(events: event.events))
        }
    }

    private func ring() {
        var one: UInt64 = 1
        // Full (EAGAIN) means that it is rung already: eventfd(2).
        _ = Glibc.write(bell.number, &one, 8)
    }

    // MARK: Descriptors

    /// Calls `handler` on the loop whenever the descriptor is ready (level-triggered). On the loop, or before `run()`.
    ///
    /// The owner of the descriptor calls `unwatch` before it closes it.
    package func watch(
        _ descriptor: borrowing Descriptor, _ interest: Interest, _ handler: @escaping Handler
    ) throws(SystemError) -> WatchToken {
        try watch(foreign: descriptor.number, interest, handler)
    }

    /// The same for the socket of a C library, which owns it and shows its number.
    package func watch(
        foreign number: Int32, _ interest: Interest, _ handler: @escaping Handler
    ) throws(SystemError) -> WatchToken {
        try control(EPOLL_CTL_ADD, number, interest.rawValue)
        let token = WatchToken(number: number, serial: nextSerial)
        nextSerial += 1
        handlers[number] = (token.serial, handler)
        return token
    }

    package func modify(_ token: WatchToken, _ interest: Interest) throws(SystemError) {
        guard handlers[token.number]?.serial == token.serial else { return }
        try control(EPOLL_CTL_MOD, token.number, interest.rawValue)
    }

    /// After it returns the handler is not called again. Repeating it is not an error.
    package func unwatch(_ token: WatchToken) {
        guard handlers[token.number]?.serial == token.serial else { return }
        handlers[token.number] = nil
        epoll_ctl(epoll.number, EPOLL_CTL_DEL, token.number, nil)
    }

    private func control(_ operation: Int32, _ number: Int32, _ events: UInt32) throws(SystemError) {
        var event = epoll_event(events: events, data: epoll_data(fd: number))
        _ = try checked("epoll_ctl") { epoll_ctl(epoll.number, operation, number, &event) }
    }
}
