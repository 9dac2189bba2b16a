import Shared
import Synchronization

/// One thread on which a whole engine runs: every executor is a queue of its own, and which queue runs its next job is
/// drawn from the seed. When no queue has a job, time jumps to the next timer.
///
///     let world = SimulatedWorld(seed: 7)
///     try world.run {
///         let lane = world.executor("work.0")
///         …
///         try await world.time.sleep(for: .seconds(3600))     // costs nothing
///     }
///
/// So the same seed gives the same order of everything, and another seed another order that threads could have had.
package final class SimulatedWorld: Sendable {
    private struct Queue {
        var jobs: [UnownedJob] = []
        var first = 0
    }

    private struct State {
        var queues: [Queue] = []
        /// The queues that have jobs.
        var runnable: [Int] = []
        /// The queue whose job runs now.
        var current: Int?
        /// Queues that hang.
        var stalled: Set<Int> = []
        var executors: [SimulatedExecutor] = []
        /// What is to happen between two jobs, and after how many.
        var interruption: (left: Int, body: @Sendable () -> Void)?
    }

    package let seed: UInt64
    package let time = SimulatedTime()
    /// What the world under test draws from.
    package let random: SeededRandom
    private let order: SeededRandom
    private let state = Mutex(State())

    package init(seed: UInt64) {
        self.seed = seed
        random = SeededRandom(seed &* 2 &+ 1)
        order = SeededRandom(seed &* 2)
    }

    /// The executor of this name: always the same one.
    package func executor(_ name: String) -> SimulatedExecutor {
        state.withLock { state in
            if let known = state.executors.first(where: { $0.name == name }) { return known }
            let made = SimulatedExecutor(name: name, index: state.queues.count, world: self)
            state.queues.append(Queue())
            state.executors.append(made)
            return made
        }
    }

    /// Runs `body`, and everything that it sets going, on this thread, until `body` returns and nothing can go on
    /// without time passing.
    ///
    /// - Parameter limit: of simulated time.
    /// - Throws: what `body` throws; `SimulationError` when it waits for something that can never happen.
    package func run<Value: Sendable>(
        limit: Duration = .seconds(7 * 86_400), _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let result = Mutex<Result<Value, any Error>?>(nil)
        executor("script").start {
            do {
                let value = try await body()
                result.withLock { $0 = .success(value) }
            } catch {
                result.withLock { $0 = .failure(error) }
            }
        }
        var steps = 0
        let end = time.now + limit
        while result.withLock({ $0 == nil }) {
            steps += 1
            guard steps < 50_000_000, time.now < end else { throw SimulationError.endless(seed: seed) }
            if !step(), !time.jump() { throw SimulationError.stuck(seed: seed) }
        }
        while step() {}
        guard let value = result.withLock({ $0 }) else { throw SimulationError.stuck(seed: seed) }
        return try value.get()
    }

    /// Calls `body` between two jobs, when so many more have run: at any `await` of anything. A further call takes the
    /// place of one that still waits.
    package func interrupt(after jobs: Int, _ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.interruption = (jobs, body) }
    }

    /// Runs one job.
    ///
    /// - Returns: `false` when there is none.
    private func step() -> Bool {
        let due = state.withLock { state -> (@Sendable () -> Void)? in
            guard let waiting = state.interruption else { return nil }
            state.interruption?.left -= 1
            guard waiting.left <= 0 else { return nil }
            state.interruption = nil
            return waiting.body
        }
        due?()
        let next = state.withLock { state -> (SimulatedExecutor, UnownedJob)? in
            let free =
                state.stalled.isEmpty
                ? nil : state.runnable.indices.filter { !state.stalled.contains(state.runnable[$0]) }
            let count = free?.count ?? state.runnable.count
            guard count > 0 else { return nil }
            let drawn = order.below(count)
            let pick = free?[drawn] ?? drawn
            let index = state.runnable[pick]
            let job = state.queues[index].jobs[state.queues[index].first]
            state.queues[index].first += 1
            if state.queues[index].first == state.queues[index].jobs.count {
                state.queues[index].jobs.removeAll(keepingCapacity: true)
                state.queues[index].first = 0
                state.runnable.remove(at: pick)
            }
            state.current = index
            return (state.executors[index], job)
        }
        guard let (executor, job) = next else { return false }
        job.runSynchronously(
            isolatedTo: executor.asUnownedSerialExecutor(), taskExecutor: executor.asUnownedTaskExecutor())
        state.withLock { $0.current = nil }
        return true
    }

    fileprivate func enqueue(_ job: UnownedJob, on index: Int) {
        state.withLock { state in
            if state.queues[index].jobs.isEmpty { state.runnable.append(index) }
            state.queues[index].jobs.append(job)
        }
    }

    fileprivate func setStalled(_ isStalled: Bool, _ index: Int) {
        state.withLock { state in
            if isStalled { state.stalled.insert(index) } else { state.stalled.remove(index) }
        }
    }

    fileprivate func isCurrent(_ index: Int) -> Bool { state.withLock { $0.current == index } }
}

/// A lane, or the loop, of a simulated world: jobs in order, one at a time, on the one thread that there is.
package final class SimulatedExecutor: RoomExecutor {
    package let name: String
    fileprivate let index: Int
    private unowned let world: SimulatedWorld

    fileprivate init(name: String, index: Int, world: SimulatedWorld) {
        self.name = name
        self.index = index
        self.world = world
    }

    /// Hangs, as a disk or a network file system does, until it is let go on.
    package func stall() { world.setStalled(true, index) }
    package func goOn() { world.setStalled(false, index) }

    package func enqueue(_ job: consuming ExecutorJob) { world.enqueue(UnownedJob(job), on: index) }
    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
    package func checkIsolated() { precondition(world.isCurrent(index), "not on \(name)") }
    package func isIsolatingCurrentContext() -> Bool? { world.isCurrent(index) }
}

package enum SimulationError: Error, CustomStringConvertible {
    /// Nothing can run and there is no timer.
    case stuck(seed: UInt64)
    /// Something runs for ever.
    case endless(seed: UInt64)

    package var description: String {
        switch self {
        case .stuck(let seed): "seed \(seed): the script waits for something that can never happen"
        case .endless(let seed): "seed \(seed): a week, or fifty million jobs, and no end"
        }
    }
}
