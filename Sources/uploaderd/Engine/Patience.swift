import Shared
import Synchronization

/// Waits for what a far end may never answer: a hung disk, a silent network.
enum Patience {
    /// How long the taking of lines waits for a store.
    static let withStore: Duration = .seconds(10)
    /// How long the start waits for all stores together. Most answer in milliseconds; who enables the service waits too.
    static let atStart: Duration = .seconds(3)
    /// The same of a run that looks at each source once: what a store says later comes too late.
    static let once: Duration = .seconds(20)
    /// How long the stop waits for a call into a store to end, past every other deadline.
    static let atStop: Duration = .seconds(10)

    /// - Returns: `nil` when `body` has not ended after `limit`. It goes on by itself then, and nobody hears of it.
    static func wait<Value: Sendable>(
        _ limit: Duration, _ world: Surroundings, for body: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let answer = Answer<Value>()
        let asking = world.loop.start {
            let value = await body()
            answer.value.withLock { $0 = value }
            answer.bell.ring()
        }
        _ = await answer.bell.wait(until: world.time.now + limit, on: world.time)
        let value = answer.value.withLock { $0 }
        if value == nil { asking.cancel() }
        return value
    }

    private final class Answer<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
        let bell = Doorbell()
    }
}
