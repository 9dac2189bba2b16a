import Delivery
import Shared
import Store

/// What all destination workers share.
struct DeliveryParts: Sendable {
    let store: Store
    let objects: ObjectFinder
    let publisher: ManifestPublisher
    let tidier: Tidier
    let lost: LostSegments
    /// `nil`: nothing is redacted.
    let rewriting: SegmentRewriting?
    let policy: RetryPolicy
    let world: Surroundings
    let board: StatusBoard
    /// A store was opened: the set of stores to fill has changed.
    let opened: @Sendable (StoreID) async throws -> Void

    func places(of destination: String, _ sink: any SessionSink) -> WriterPlaces {
        WriterPlaces(destination: destination, sink: sink, store: store, objects: objects)
    }

    /// The store will never take this segment: everything else goes on without it.
    func putAside(
        _ delivery: SegmentDelivery, _ refusal: DeliveryError, at id: StoreID, _ destination: String
    ) async throws {
        try await store.quarantine(delivery.id, at: id, because: refusal.message, hint: refusal.hint)
        world.log.record(
            Event(
                .segmentQuarantined, "a segment is put aside: \(refusal.message)", hint: refusal.hint,
                session: delivery.record.stream.session, destination: destination,
                fields: ["STREAM": "\(delivery.record.stream.stream)", "SEGMENT": delivery.record.objectName]))
        try await sayQuarantine(at: id, destination)
    }

    /// Health says how many are put aside, as long as there are any.
    func sayQuarantine(at id: StoreID, _ destination: String) async throws {
        let aside = try await store.quarantined(QuarantineChoice(store: id))
        guard let last = aside.last else {
            board.clear("quarantined", destination)
            return
        }
        board.report(
            "quarantined", destination,
            "destination \(destination) will not take \(aside.count) segments as they are; the last one: \(last.reason)",
            hint: (last.hint.map { "\($0); " } ?? "")
                + "uploaderctl quarantine list says which; then quarantine retry, or quarantine drop")
    }

    /// Said in health and in the log.
    func refuse(_ error: DeliveryError, by destination: String, session: SessionID) {
        let kind = error.code == .conflict ? "delivery_conflict" : "delivery_refused"
        // Tried again every few minutes, and at each flush: said when it begins.
        guard board.report(kind, "\(destination)/\(session)", error.message, hint: error.hint) else { return }
        world.log.record(
            Event(
                error.code == .conflict ? .manifestConflict : .deliveryFailed, error.message, hint: error.hint,
                session: session, destination: destination))
        world.loop.start { await self.note(Setback(error), ofManifestOf: session, by: destination) }
    }

    /// What was said of an object is noted by then, in the transaction that ended its attempt; this is for manifests.
    private func note(_ setback: Setback, ofManifestOf session: SessionID, by destination: String) async {
        do throws(StoreError) {
            guard let id = try await store.knownStore(of: destination) else { return }
            try await store.note(setback, ofManifestOf: session, at: id)
        } catch {
            world.log.record(Event(.persistenceFailed, "a refusal of \(destination) was not noted: \(error)"))
        }
    }
}
