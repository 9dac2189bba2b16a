/// Where a room's jobs run: the event loop, a lane, or the simulation's single thread.
///
/// Serial: two jobs never run at the same time, and an actor on it needs no hop to call another actor on it.
package protocol RoomExecutor: SerialExecutor, TaskExecutor {}

extension RoomExecutor {
    /// Starts a task whose whole life, children included, is on this executor. Swift's default pool is never used.
    @discardableResult
    package func start(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self) { await body() }
    }
}
