import Shared
import Store

/// Whoever waits until all is delivered.
extension DestinationWorker {
    /// Returns when everything that was sealed is delivered and published here, or cannot be now.
    ///
    /// - Parameter perseveres: failures of a server that pass are not the end, as long as it took something within the
    ///   last minute.
    /// - Returns: whether all of it is: what is on its way yet came since.
    @discardableResult
    func settled(perseveres: Bool) async -> Bool {
        settling += 1
        if perseveres {
            persevering += 1
            perseveringSince = perseveringSince ?? parts.world.time.now
        }
        defer {
            settling -= 1
            if perseveres { persevering -= 1 }
            if persevering == 0 { perseveringSince = nil }
        }
        isIdle = false
        // A round that is under way may have looked before the last seal.
        happenings += 1
        ring()
        do {
            var goal = try await DeliveryGoal(parts)
            while !isIdle, !isStopping {
                if let storeID, notBefore == nil,
                    try await goal.isReached(
                        at: storeID, parts, besides: Set(refused.keys), Set(publications.refused.keys),
                        unreached: copies)
                {
                    break
                }
                await change { !isIdle && !isStopping }
            }
            // More may have come since it had nothing to do.
            guard let storeID, notBefore == nil else { return false }
            return try await goal.isWhole(at: storeID, parts, unreached: copies)
        } catch {
            // Safe: without a goal it waits for the end.
            while !isIdle, !isStopping { await change { !isIdle && !isStopping } }
            return false
        }
    }
}
