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

    /// This session, or this object of it, cannot go there as things are; everything else goes on.
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
