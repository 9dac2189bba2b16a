import Delivery
import Shared
import Store
import Synchronization

/// What all destination workers share.
struct DeliveryParts: Sendable {
    let store: Store
    let objects: ObjectFinder
    let publisher: ManifestPublisher
    let tidier: Tidier
    let policy: RetryPolicy
    let world: Surroundings
    let board: StatusBoard
    /// A store was opened: the set of stores to fill has changed.
    let opened: @Sendable (StoreID) async throws -> Void
    private let known = PlaceTables()

    init(
        store: Store, objects: ObjectFinder, publisher: ManifestPublisher, tidier: Tidier, policy: RetryPolicy,
        world: Surroundings, board: StatusBoard, opened: @escaping @Sendable (StoreID) async throws -> Void
    ) {
        self.store = store
        self.objects = objects
        self.publisher = publisher
        self.tidier = tidier
        self.policy = policy
        self.world = world
        self.board = board
        self.opened = opened
    }

    func places(of destination: String, _ sink: any SessionSink) -> WriterPlaces {
        known.table(of: destination) {
            WriterPlaces(destination: destination, sink: sink, store: store, objects: objects)
        }
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
    }
}

private final class PlaceTables: Sendable {
    private let tables = Mutex<[String: WriterPlaces]>([:])

    func table(of destination: String, _ make: () -> WriterPlaces) -> WriterPlaces {
        tables.withLock { tables in
            if let known = tables[destination] { return known }
            let made = make()
            tables[destination] = made
            return made
        }
    }
}
