import Shared
import Synchronization

/// The stores whose manifests are read in this life: each once, whoever asks first, and the others wait for that.
final class StoreReadings: Sendable {
    private enum State {
        case underWay([CheckedContinuation<Void, Never>])
        case over
    }

    private let states = Mutex<[StoreID: State]>([:])

    /// Runs `body` for the store unless that was done; returns when it has ended.
    func once(_ id: StoreID, _ body: () async -> Void) async {
        let isFirst = states.withLock { states in
            guard states[id] == nil else { return false }
            states[id] = .underWay([])
            return true
        }
        guard isFirst else { return await end(of: id) }
        await body()
        let waiting = states.withLock { states -> [CheckedContinuation<Void, Never>] in
            guard case .underWay(let waiting)? = states.updateValue(.over, forKey: id) else { return [] }
            return waiting
        }
        for each in waiting { each.resume() }
    }

    private func end(of id: StoreID) async {
        await withCheckedContinuation { continuation in
            let isOver = states.withLock { states in
                guard case .underWay(let waiting)? = states[id] else { return true }
                states[id] = .underWay(waiting + [continuation])
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}
