import Synchronization

/// How many bytes the spool's files hold, for whoever has to wait until there is room.
///
/// Read from any thread; written by `Store` alone.
package final class SpoolGauge: Sendable {
    private struct State {
        var bytes: Int64 = 0
        var leftovers = 0
        var observers: [@Sendable (Int64) -> Void] = []
        var growthObservers: [@Sendable (Int64) -> Void] = []
    }

    private let state = Mutex(State())

    /// Headers and objects of all segments that are in the spool.
    package var bytes: Int64 { state.withLock { $0.bytes } }

    /// Files that no row needs and that could not be removed: they are tried again by who asks `Store` to.
    package var leftovers: Int { state.withLock { $0.leftovers } }

    /// Calls `observer` with the bytes after each change of either, on lane "store": it must be short, such as a doorbell's ring.
    package func observe(_ observer: @escaping @Sendable (Int64) -> Void) {
        state.withLock { $0.observers.append(observer) }
    }

    /// The same, only when there is more in it than before: something was sealed.
    package func observeGrowth(_ observer: @escaping @Sendable (Int64) -> Void) {
        state.withLock { $0.growthObservers.append(observer) }
    }

    func set(_ bytes: Int64) { change { $0.bytes = bytes } }
    func add(_ bytes: Int64) { if bytes != 0 { change { $0.bytes += bytes } } }
    func setLeftovers(_ count: Int) { if count != leftovers { change { $0.leftovers = count } } }

    private func change(_ body: (inout State) -> Void) {
        let (bytes, observers) = state.withLock { state in
            let before = state.bytes
            body(&state)
            return (state.bytes, state.observers + (state.bytes > before ? state.growthObservers : []))
        }
        // Outside the lock: an observer may look at the gauge.
        for observer in observers { observer(bytes) }
    }
}
