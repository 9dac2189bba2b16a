import Delivery
import Shared
import Store

/// All destinations: one worker each, rung when something was sealed.
///
/// A destination that is slow, held or gone holds up no other; only the spool's limit makes a required one felt.
actor DeliveryService {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated let workers: [DestinationWorker]

    init(workers: [DestinationWorker], loop: any RoomExecutor) {
        self.workers = workers
        executor = loop
    }

    /// Serves until `stop`.
    func run() async {
        await withDiscardingTaskGroup { group in
            for worker in workers { group.addTask(executorPreference: executor) { await worker.run() } }
        }
    }

    func stop() async { for worker in workers { await worker.stop() } }

    /// Something was sealed, merged or retired.
    nonisolated func ring() { for worker in workers { worker.ring() } }

    /// What was put off after a failure is tried at once.
    func retry() async { for worker in workers { await worker.retry() } }

    /// Returns when everything that was sealed before is delivered and published, or cannot be now.
    ///
    /// - Parameter perseveres: see `DestinationWorker.settled`.
    /// - Returns: the destinations that hold something back, with the reason.
    func settled(perseveres: Bool) async -> [(name: String, reason: String)] {
        var obstacles: [(name: String, reason: String)] = []
        // Side by side: none waits while another is waited for.
        await withDiscardingTaskGroup { group in
            for worker in workers {
                group.addTask(executorPreference: executor) { await worker.settled(perseveres: perseveres) }
            }
        }
        for worker in workers {
            if let reason = await worker.obstacle() { obstacles.append((worker.name, reason)) }
        }
        return obstacles
    }
}
