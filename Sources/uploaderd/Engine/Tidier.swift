import Delivery
import Shared
import Store

/// Lets go of what is safe: segments leave the spool once every required store has them, named by a manifest, and objects
/// that something replaced leave the stores a day after.
actor Tidier {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// How long an object stays after a manifest without it was published: readers may hold an older manifest.
    static let grace: Duration = .seconds(24 * 3600)
    /// Between two looks for what may go.
    private static let interval: Duration = .seconds(3600)

    private let store: Store
    private let objects: ObjectFinder
    private let world: Surroundings
    private let board: StatusBoard
    private var required: [String] = []
    private var isTidying = false
    private var again = false
    private var sweptSuperseded: Instant?
    /// When the next superseded object may be deleted.
    private var due: Instant?

    init(store: Store, objects: ObjectFinder, world: Surroundings, board: StatusBoard) {
        self.store = store
        self.objects = objects
        self.world = world
        self.board = board
        executor = world.loop
    }

    /// The names of the destinations that must have everything.
    func require(_ names: [String]) { required = names }

    /// - Returns: when something that is there now may go; `nil`: nothing waits for its time.
    func tidy() async throws -> Instant? {
        if isTidying {
            again = true
            // What is due now goes with the round that is under way.
            return due.flatMap { $0 > world.time.now ? $0 : nil }
        }
        isTidying = true
        defer { isTidying = false }
        repeat {
            again = false
            try await retire()
            try await removeSuperseded()
        } while again
        return due
    }

    private func retire() async throws {
        let ids = required.compactMap { objects.id(named: $0) }
        // One that was never opened has confirmed nothing.
        guard ids.count == required.count else { return }
        while true {
            let safe = try await store.retirable(required: ids)
            if safe.isEmpty { return }
            try await store.retire(safe)
        }
    }

    /// At most once an hour: nothing here is urgent, and what comes due together goes together.
    private func removeSuperseded() async throws {
        let now = world.time.now
        if let sweptSuperseded, now - sweptSuperseded < Self.interval {
            if due == nil { due = sweptSuperseded + Self.interval }
            return
        }
        sweptSuperseded = now
        due = nil
        let limit = WallTime(nanoseconds: world.time.wall.nanoseconds - Self.grace.nanoseconds)
        for (id, shelf) in objects.open {
            while true {
                let found = try await store.supersededDue(before: limit, at: id)
                if found.isEmpty { break }
                for object in found { try await remove(object, from: shelf, id) }
            }
            guard let first = try await store.supersededFirst(at: id) else { continue }
            // The clock may have been set: what seems to be years away is looked at again all the same.
            let wait = min(max(Self.interval, first - limit), Self.grace)
            due = min(due ?? now + wait, now + wait)
        }
    }

    /// Deleting it twice is not an error: a crash may come between the object and its row.
    private func remove(_ object: DueObject, from shelf: ObjectFinder.Shelf, _ id: StoreID) async throws {
        let folder = shelf.sink.folder(
            of: object.session, writer: try await store.writer(of: object.session),
            place: try await shelf.place(object.session))
        try await shelf.sink.delete(object.path, in: folder)
        world.faults.reach(.mergeDeleted)
        try await store.recordDeleted(object, at: id)
    }
}
