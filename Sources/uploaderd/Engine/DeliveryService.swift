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
        // Side by side: none waits while another is waited for.
        let whole = await withTaskGroup(of: String?.self, returning: Set<String>.self) { group in
            for worker in workers {
                group.addTask(executorPreference: executor) {
                    await worker.settled(perseveres: perseveres) ? worker.name : nil
                }
            }
            var names: Set<String> = []
            for await name in group { if let name { names.insert(name) } }
            return names
        }
        var obstacles: [(name: String, reason: String)] = []
        for worker in workers {
            if let reason = await worker.obstacle() {
                obstacles.append((worker.name, reason))
            } else if !whole.contains(worker.name) {
                obstacles.append((worker.name, "it does not have everything yet"))
            }
        }
        return obstacles
    }

    /// Whether a server may take, or say, in a moment what it did not just now.
    var isHopeful: Bool {
        get async {
            for worker in workers where await worker.isHopeful { return true }
            return false
        }
    }
}
