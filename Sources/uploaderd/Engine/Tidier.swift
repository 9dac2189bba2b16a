import Shared
import Store

/// Lets segments leave the spool once every required store has them, named by a manifest there.
///
/// Every destination's worker asks for it after its manifests; two at once find what is left for each.
struct Tidier: Sendable {
    let store: Store
    let objects: ObjectFinder
    /// The names of the destinations that must have everything.
    let required: [String]

    func tidy() async throws {
        let ids = required.compactMap { objects.id(named: $0) }
        // One that was never opened has confirmed nothing.
        guard ids.count == required.count else { return }
        while true {
            let safe = try await store.retirable(required: ids)
            if safe.isEmpty { return }
            try await store.retire(safe)
        }
    }
}
