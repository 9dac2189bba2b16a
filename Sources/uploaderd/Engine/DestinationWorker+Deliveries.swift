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
            guard notBefore == nil, !isStopping, !isPaused else {
                noteNews()
                break
            }
            isIdle = false
            inFlight.insert(delivery.id)
            if !delivery.isSpooled { copies.underWay += 1 }
            let begun = parts.world.time.now
            group.addTask(executorPreference: parts.world.loop) {
                let result: Result<SegmentCarrier.Outcome, any Error>
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

    private func delivered(
        _ delivery: SegmentDelivery, _ result: Result<SegmentCarrier.Outcome, any Error>, begun: Instant
    ) {
        inFlight.remove(delivery.id)
        if !delivery.isSpooled { copies.underWay -= 1 }
        trips.note(underWay: inFlight.count)
        happenings += 1
        if case .success(.delivered) = result {} else { noteNews() }
        switch result {
        case .success(.delivered):
            succeeded(begun: begun)
            settle(.segment(delivery.id), of: delivery.record.stream.session)
            lapses.succeeded(delivery.id)
            if !delivery.isSpooled { copies.succeeded(begun: begun) }
            deliveredSinceTrim += delivery.record.storedBytes
            parts.board.update(name) {
                $0.deliveredSegments += 1
                $0.deliveredBytes += delivery.record.storedBytes
            }
        // It has answered.
        case .success(.putAside):
            succeeded(begun: begun)
            settle(.segment(delivery.id), of: delivery.record.stream.session)
        // What was left alone says nothing of the far end.
        case .success(.left): settle(.segment(delivery.id), of: delivery.record.stream.session)
        case .failure(let error as CopyOutOfReach) where !error.reason.isOfOneSession:
            unreached(delivery, error.reason, begun: begun)
        case .failure(let error as CopyOutOfReach): refuse(delivery, error.reason)
        case .failure(let error as DeliveryError) where error.isOfOneSession:
            succeeded(begun: begun)
            refuse(delivery, error)
        case .failure(let error as DeliveryError) where breaker.isLapse(error):
            trips.lapsed(since: begun)
            lapses.failed(
                delivery.id, error, parts.policy, at: parts.world.time.now, random: parts.world.random.next())
        case .failure(let error): failed(error, "could not deliver to \(name)", begun: begun)
        }
        changed()
    }

    private func refuse(_ delivery: SegmentDelivery, _ error: DeliveryError) {
        refused[delivery.id] = parts.world.time.now + parts.policy.probe
        refuse(.segment(delivery.id), of: delivery.record.stream.session, error)
    }
}
