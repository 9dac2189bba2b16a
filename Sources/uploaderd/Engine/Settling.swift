import Shared
import Synchronization

/// Waits until everything that is sealed is delivered and published, or cannot be now, and knows meanwhile for whom.
///
/// It goes on by itself when nobody waits any more: a call into a store that hangs cannot be ended.
final class Settling: Sendable {
    private struct State {
        /// Destinations that have not settled yet.
        var open: [String]
        var held: [String] = []
        /// Those that have all that was asked for, and more on its way.
        var ahead: Set<String> = []
        var isDone = false
    }

    private let state: Mutex<State>
    private let bell = Doorbell()
    private let time: any TimeSource

    init(_ engine: EngineParts) {
        state = Mutex(State(open: engine.delivery.workers.map(\.name)))
        time = engine.world.time
        // While the spool is full nothing can be cut again.
        if !engine.context.gate.isClosed { engine.lost.retry() }
        engine.world.loop.start { [self] in
            repeat {
                // What a put has found damaged is cut again, and is to be delivered, too.
                await engine.lost.mending.over()
                // What waits for a word of a store that can be read is not delivered because nothing is on the way.
                await engine.intake.resolver.asking.over()
                // What is in a manifest is safe, and a manifest lists no more small segments than will leave.
                await engine.merging?.merged()
                await settle(engine)
            } while engine.lost.isMending
            state.withLock { state in
                state.held.sort()
                state.isDone = true
            }
            bell.ring()
        }
    }

    private func settle(_ engine: EngineParts) async {
        state.withLock { state in
            state.open = engine.delivery.workers.map(\.name)
            state.held = []
            state.ahead = []
        }
        await withDiscardingTaskGroup { group in
            for worker in engine.delivery.workers {
                group.addTask(executorPreference: engine.world.loop) { [self] in
                    let isAhead = await worker.settled(perseveres: false)
                    let isHeld = await worker.obstacle() != nil
                    state.withLock { state in
                        state.open.removeAll { $0 == worker.name }
                        if isHeld { state.held.append(worker.name) }
                        if isAhead { state.ahead.insert(worker.name) }
                    }
                }
            }
        }
    }

    var isDone: Bool { state.withLock { $0.isDone } }
    /// What waits for these came after the call.
    var ahead: Set<String> { state.withLock { $0.ahead } }
    /// In the order of the configuration.
    var open: [String] { state.withLock { $0.open } }
    /// Those that hold something back.
    var held: [String] { state.withLock { $0.held } }

    /// Returns when it is done, or after `limit`.
    func wait(_ limit: Duration) async { _ = await bell.wait(until: time.now + limit, on: time) }
}
