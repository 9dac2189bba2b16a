import CLinux
import Glibc
import Shared
import Synchronization

/// A thread of its own and a queue: where blocking calls and computing belong. Jobs run one at a time, in order.
///
/// Sendable, proof: `jobs` and `isStopped` are touched behind `mutex` only; the pthread objects live at fixed addresses until
/// `deinit`, which the thread, holding `self`, keeps away while it runs; everything else never changes or is atomic.
package final class Lane: RoomExecutor, @unchecked Sendable {
    package let name: String
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [UnownedJob] = []
    private var isStopped = false
    private let thread = Atomic<UInt>(0)

    /// - Parameter name: at most 15 bytes, as the kernel shows it in `top -H`.
    package init(name: String) {
        self.name = name
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        Threads.start(name: name) { [self] in run() }
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
        condition.deallocate()
    }

    /// Ends the thread after the jobs that are queued now.
    package func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        if jobs.count == 1 { pthread_cond_signal(condition) }
        pthread_mutex_unlock(mutex)
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
    package func checkIsolated() { precondition(isCurrent, "not on lane \(name)") }
    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    private var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    private func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        var batch: [UnownedJob] = []
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty, !isStopped { pthread_cond_wait(condition, mutex) }
            let isDone = jobs.isEmpty
            swap(&batch, &jobs)
            pthread_mutex_unlock(mutex)
            if isDone { return }
            for job in batch {
                job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            }
            batch.removeAll(keepingCapacity: batch.count < 1024)
        }
    }
}

enum Threads {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a detached thread with a stack of 1 MiB and all signals blocked: they belong to the loop's signalfd.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 1 << 20)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let argument = Unmanaged.passRetained(
            Body {
                _ = clinux_set_thread_name(name)
                body()
            })
        // It inherits our mask. Did it block them itself, a signal that comes before it has run at all, on a busy machine long
        // after the start, would find nobody but it, and end the process.
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        pthread_sigmask(SIG_SETMASK, &before, nil)
        pthread_attr_destroy(&attributes)
        // EAGAIN: the user's process limit is reached at start-up; there is nothing to fall back to.
        precondition(result == 0, "pthread_create: \(result)")
    }
}
