import Delivery
import Segments
import Shared
import Store

/// Carries segments to one store: leave to go, today's rules, the claim, the object, the receipt, in that
/// order.
///
/// Runs on the loop: of what it does between two calls of Store's nothing takes time, and what the far end has answered does not
/// wait behind an fsync.
struct SegmentCarrier: Sendable {
    let id: StoreID
    let places: WriterPlaces
    let trips: RoundTrips
    let parts: DeliveryParts
    /// The lines before it are nowhere any more.
    private var followsLost = false

    init(id: StoreID, places: WriterPlaces, trips: RoundTrips, parts: DeliveryParts) {
        self.id = id
        self.places = places
        self.trips = trips
        self.parts = parts
    }

    enum Outcome {
        case delivered
        /// Not to be carried now; Store is to be asked again.
        case left
        /// The store will never take it as it is.
        case putAside
    }

    func carry(_ delivery: SegmentDelivery) async throws -> Outcome {
        if let sink = places.sink as? any WholeFileSink { return try await carryFile(upTo: delivery, sink) }
        let session = delivery.record.stream.session
        guard let departure = try await parts.store.depart(session, to: id) else { return .left }
        defer { departure.end() }
        if try await isRenewed(delivery) { return .left }
        let standing = try await places.claimed(session)
        guard try await parts.store.claim(delivery.id, for: id) else { return .left }
        let isCurrent: Bool
        do {
            try await put(delivery, standing)
            isCurrent = try await parts.store.writer(of: session) == standing.writer
        } catch {
            // What is part of another segment by now has no bytes of its own, and needs none.
            guard try await parts.store.release(delivery.id, for: id, because: Setback(error)) else { return .left }
            if let refusal = error as? DeliveryError {
                if let missing = refusal.missingLines { return try await recall(missing, delivery, error) }
                if refusal.code == .unacceptable {
                    try await parts.putAside(delivery, refusal, at: id, places.destination)
                    return .putAside
                }
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

    private func put(_ delivery: SegmentDelivery, _ standing: WriterPlaces.Standing) async throws {
        let sink = places.sink
        let session = delivery.record.stream.session
        let facts = sink is any LineSink ? try await parts.store.preface(of: session)?.facts : nil
        try await parts.objects.pass(delivery) { [followsLost, trips] bytes in
            var outgoing = OutgoingSegment(
                record: delivery.record, writer: standing.writer, place: standing.place, bytes: bytes, facts: facts)
            outgoing.followsLost = followsLost
            try await trips.measure(bytes.size) { [outgoing] () async throws(DeliveryError) in
                try await sink.deliver(outgoing)
            }
        }
    }

    /// A far end that counts lines has not got those before it.
    private func recall(
        _ missing: ClosedRange<Int>, _ delivery: SegmentDelivery, _ error: any Error
    ) async throws -> Outcome {
        switch try await parts.store.recall(missing, before: delivery.record, at: id) {
        case .waiting: return .left
        case .nowhere: throw error
        case .lost:
            // Once more, with lines that say so in their place.
            guard !followsLost else { throw error }
            var again = self
            again.followsLost = true
            return try await again.carry(delivery)
        }
    }

    /// What no store has yet leaves by the rules in force, whichever it was cut by.
    ///
    /// - Returns: whether it was older: then Store is to be asked again.
    func isRenewed(_ delivery: SegmentDelivery) async throws -> Bool {
        guard let rewriting = parts.rewriting, delivery.record.rules != rewriting.rules,
            try await parts.store.isOutdated(delivery.id)
        else { return false }
        do {
            let outcome = try await rewriting.renew(delivery.id, delivery.record, holders: delivery.holders)
            if outcome == .stale, try await !parts.store.isReplaced(delivery.id) {
                // Asked for again and again it would only be refused as often.
                throw DeliveryError(
                    .permanent,
                    "segment \(delivery.record.objectPath) of session \(delivery.record.stream.session) was cut "
                        + "by older rules, and cannot be redacted again, for others stand in its range",
                    hint: "uploaderctl show lists the segments; report it")
            }
        } catch let error as SegmentError where error.code == .damaged {
            try await forsake(delivery, error)
        } catch let error as DeliveryError where !error.isOfOneSession {
            throw CopyOutOfReach(reason: error)
        }
        return true
    }

    /// There is no whole copy of it anywhere.
    func forsake(_ delivery: SegmentDelivery, _ damage: SegmentError) async throws {
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
        case .missed, .found: return
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

extension Setback {
    /// As the far end, or what is here, said it.
    init(_ error: any Error) {
        switch error {
        case let error as CopyOutOfReach: self.init(error.reason)
        case let error as DeliveryError:
            self.init(error.code.rawValue, error.message, isFinal: !error.isTransient && error.code != .notFound)
        case let error as SegmentError: self.init("damaged", error.description, isFinal: true)
        default: self.init("failed", "\(error)", isFinal: false)
        }
    }
}
