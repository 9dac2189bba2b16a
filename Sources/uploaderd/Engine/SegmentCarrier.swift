import Delivery
import Segments
import Shared
import Store

/// Carries segments to one store: leave to go, the claim, the object, the receipt, in that
/// order.
///
/// Runs on Store's lane: of what it does between two calls of Store's nothing takes time, and only the put changes threads.
struct SegmentCarrier: Sendable {
    let id: StoreID
    let places: WriterPlaces
    let trips: RoundTrips
    let parts: DeliveryParts

    enum Outcome {
        case delivered
        /// Not to be carried now; Store is to be asked again.
        case left
        /// The store will never take it as it is.
        case putAside
    }

    func carry(_ delivery: SegmentDelivery) async throws -> Outcome {
        let session = delivery.record.stream.session
        guard let departure = try await parts.store.depart(session, to: id) else { return .left }
        defer { departure.end() }
        let standing = try await places.claimed(session)
        guard try await parts.store.claim(delivery.id, for: id) else { return .left }
        let isCurrent: Bool
        do {
            try await parts.objects.pass(delivery) { [sink = places.sink, trips] bytes in
                try await trips.measure(bytes.size) { () async throws(DeliveryError) in
                    try await sink.deliver(
                        OutgoingSegment(
                            record: delivery.record, writer: standing.writer, place: standing.place, bytes: bytes))
                }
            }
            isCurrent = try await parts.store.writer(of: session) == standing.writer
        } catch {
            // What is part of another segment by now has no bytes of its own, and needs none.
            guard try await parts.store.release(delivery.id, for: id) else { return .left }
            if let refusal = error as? DeliveryError, refusal.code == .permanent {
                try await parts.putAside(delivery, refusal, at: id, places.destination)
                return .putAside
            }
            guard let damage = error as? SegmentError, damage.code == .damaged else { throw error }
            try await forsake(delivery, damage)
            return .left
        }
        guard isCurrent else {
            // An earlier life of ours was found meanwhile, and its manifest looks for objects in another folder.
            _ = try await parts.store.release(delivery.id, for: id)
            return .left
        }
        parts.world.faults.reach(.deliverPut)
        try await parts.store.record(receiptFor: delivery.id, at: id)
        parts.objects.noteDelivered(delivery.record, to: places.destination)
        return .delivered
    }

    /// There is no whole copy of it anywhere.
    private func forsake(_ delivery: SegmentDelivery, _ damage: SegmentError) async throws {
        let record = delivery.record
        let forsaken: Store.Forsaken
        do throws(StoreError) {
            forsaken = try await parts.store.forsake(delivery.id, for: id, because: damage.description)
        } catch {
            guard error.code == .missing else { throw error }
            // Of the spool, not of what is in it.
            throw DeliveryError(.transient, error.description, hint: error.hint)
        }
        switch forsaken {
        case .missed: return
        case .lost(let file):
            parts.objects.noteSetAside(record)
            RecoveryReport.say(file, damage.description, on: parts.board)
            parts.lost.add([delivery.id], of: record.stream)
        case .kept:
            // No fault of the destination's: everything else goes there.
            throw DeliveryError(
                .permanent, damage.description, hint: "put a whole copy back in a destination that has it")
        }
    }
}
