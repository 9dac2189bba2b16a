import Delivery
import Shared
import Store
import Synchronization

/// Segments on their way to the store, and out of the spool.
extension DestinationWorker {
    /// Begins what may be carried beside what is.
    func start(_ deliveries: [SegmentDelivery], to id: StoreID, in group: inout DiscardingTaskGroup) {
        let carrier = SegmentCarrier(id: id, places: places, trips: trips, parts: parts)
        for delivery in deliveries {
            guard notBefore == nil, !isStopping else {
                noteNews()
                break
            }
            isIdle = false
            inFlight.insert(delivery.id)
            let begun = parts.world.time.now
            group.addTask(executorPreference: parts.world.storeLane) {
                let result: Result<Bool, any Error>
                do {
                    result = .success(try await carrier.carry(delivery))
                } catch {
                    result = .failure(error)
                }
                await self.delivered(delivery, result, begun: begun)
            }
        }
        let count = inFlight.count
        trips.note(underWay: count)
        parts.board.update(name) { $0.inFlight = count }
    }

    private func delivered(_ delivery: SegmentDelivery, _ result: Result<Bool, any Error>, begun: Instant) {
        inFlight.remove(delivery.id)
        trips.note(underWay: inFlight.count)
        happenings += 1
        if case .success(true) = result {} else { noteNews() }
        switch result {
        case .success(let isDelivered):
            // What was left alone says nothing of the far end.
            if isDelivered {
                succeeded(begun: begun)
                deliveredSinceTrim += delivery.record.storedBytes
                parts.board.update(name) {
                    $0.deliveredSegments += 1
                    $0.deliveredBytes += delivery.record.storedBytes
                }
            }
        case .failure(let error as DeliveryError) where error.isOfOneSession:
            succeeded(begun: begun)
            refused[delivery.id] = parts.world.time.now + parts.policy.probe
            parts.refuse(error, by: name, session: delivery.record.stream.session)
        case .failure(let error): failed(error, "could not deliver to \(name)", begun: begun)
        }
        changed()
    }
}
