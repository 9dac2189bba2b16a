import Shared
import Store

/// What Store has for one destination, asked in one visit to its lane.
struct DestinationGlance: Sendable {
    /// How many sessions are asked for at first.
    static let sessions = 16

    /// What to carry next.
    var deliveries: [SegmentDelivery] = []
    /// The longest waiting sessions whose manifest is behind.
    var behind: [SessionID] = []
    /// When there may be more to carry without any news: a session rests.
    var due: Instant?

    /// - Parameters:
    ///   - free: how many deliveries may begin.
    ///   - excluding: segments that are under way, refused, or not to be had.
    ///   - leave: how many of these deliveries may be of segments that have left the spool.
    ///   - takesFiles: it gets sessions that rest, as whole files.
    ///   - atOnce: somebody waits for it: no session is waited for.
    init(
        of parts: DeliveryParts, at id: StoreID, free: Int, excluding: Set<SegmentID>,
        copies leave: UnreachedCopies.Leave, takesFiles: Bool, atOnce: Bool
    ) async throws {
        try await withTaskExecutorPreference(parts.world.storeLane) {
            if free > 0 {
                deliveries = try await parts.store.nextDeliveries(
                    to: id, limit: free, excluding: excluding, spooledOnly: leave != .all, atOnce: atOnce)
            }
            // The spool first, which nobody has to be asked for.
            if leave == .one, deliveries.count < free {
                let known = excluding.union(deliveries.map(\.id))
                deliveries += try await parts.store.nextDeliveries(
                    to: id, limit: 1, excluding: known, atOnce: atOnce)
            }
            if takesFiles { due = try await parts.store.fileDue(at: id) }
            behind = try await parts.store.publishable(to: id, limit: Self.sessions)
        }
    }
}
