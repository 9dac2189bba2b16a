import Shared
import Synchronization

/// The stores whose manifests are read in this life: each once, whoever asks first, and the others wait for that. One that
/// could not be read is read again by whoever asks next.
final class StoreReadings: Sendable {
    private enum State {
        case underWay([CheckedContinuation<Bool, Never>])
        case over
    }

    private let states = Mutex<[StoreID: State]>([:])

    /// Runs `body` for the store unless that was done; returns when it has ended.
    ///
    /// - Parameter body: says whether it has read all of it.
    /// - Returns: whether it is read.
    func once(_ id: StoreID, _ body: () async -> Bool) async -> Bool {
        let known = states.withLock { states in
            let known = states[id]
            if known == nil { states[id] = .underWay([]) }
            return known
        }
        switch known {
        case .over: return true
        case .underWay: return await end(of: id)
        case nil: break
        }
        let isRead = await body()
        let waiting = states.withLock { states -> [CheckedContinuation<Bool, Never>] in
            guard case .underWay(let waiting)? = states[id] else { return [] }
            states[id] = isRead ? .over : nil
            return waiting
        }
        for each in waiting { each.resume(returning: isRead) }
        return isRead
    }

    /// Whether all of it was read, before now.
    func isOver(_ id: StoreID) -> Bool {
        states.withLock { states in
            if case .over? = states[id] { true } else { false }
        }
    }

    private func end(of id: StoreID) async -> Bool {
        await withCheckedContinuation { continuation in
            let isRead = states.withLock { states -> Bool? in
                switch states[id] {
                case .underWay(let waiting):
                    states[id] = .underWay(waiting + [continuation])
                    return nil
                case .over: return true
                case nil: return false  // it ended between the two looks, and could not be read
                }
            }
            if let isRead { continuation.resume(returning: isRead) }
        }
    }
}
