package import Shared
import Synchronization

/// What is on its way out of this process, by session and store: asked before anything is put, and left when the put is over,
/// whatever became of it. It outlives an engine, because a call into a disk that hangs does.
///
/// Whoever closes a session waits here: `Store.depart` lets nothing more begin by then.
package final class Departures: Announcing {
    private struct State {
        var counts: [SessionID: [StoreID: Int]] = [:]
        var listeners = Doorbells()
    }

    private let state = Mutex(State())

    package init() {}

    func begin(_ session: SessionID, to store: StoreID) -> Departure {
        state.withLock { $0.counts[session, default: [:]][store, default: 0] += 1 }
        return Departure(session: session, store: store, departures: self)
    }

    fileprivate func end(_ session: SessionID, at store: StoreID) {
        let bells = state.withLock { state in
            if let left = state.counts[session]?[store] { state.counts[session]?[store] = left > 1 ? left - 1 : nil }
            if state.counts[session]?.isEmpty == true { state.counts[session] = nil }
            return state.listeners.all
        }
        for bell in bells { bell.ring() }
    }

    /// The stores to which something of the session is on its way.
    package func stores(of session: SessionID) -> Set<StoreID> {
        state.withLock { Set($0.counts[session].map { Array($0.keys) } ?? []) }
    }

    /// What is heard is that something has ended.
    package func subscribe(_ bell: Doorbell) -> Int { state.withLock { $0.listeners.add(bell) } }

    package func unsubscribe(_ listener: Int) { state.withLock { $0.listeners.remove(listener) } }
}

/// Leave to put something of a session in a store. Ended once, by whoever was given it.
package struct Departure: Sendable {
    fileprivate let session: SessionID
    fileprivate let store: StoreID
    fileprivate let departures: Departures

    fileprivate init(session: SessionID, store: StoreID, departures: Departures) {
        self.session = session
        self.store = store
        self.departures = departures
    }

    package func end() { departures.end(session, at: store) }
}
