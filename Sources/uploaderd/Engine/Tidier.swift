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

    private let store: Store
    private let objects: ObjectFinder
    private let world: Surroundings
    private let board: StatusBoard
    private var required: [String] = []
    private var isTidying = false
    private var again = false
    private var sweptSuperseded: Instant?

    init(store: Store, objects: ObjectFinder, world: Surroundings, board: StatusBoard) {
        self.store = store
        self.objects = objects
        self.world = world
        self.board = board
        executor = world.loop
    }

    /// The names of the destinations that must have everything.
    func require(_ names: [String]) { required = names }

    func tidy() async throws {
        if isTidying {
            again = true
            return
        }
        isTidying = true
        defer { isTidying = false }
        repeat {
            again = false
            try await retire()
            try await removeSuperseded()
        } while again
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

    /// Looked at once an hour: nothing here is urgent.
    private func removeSuperseded() async throws {
        let now = world.time.now
        if let sweptSuperseded, now - sweptSuperseded < .seconds(3600) { return }
        sweptSuperseded = now
        let limit = WallTime(nanoseconds: world.time.wall.nanoseconds - Self.grace.nanoseconds)
        for (id, shelf) in objects.open {
            for (segment, record) in try await store.supersededDue(before: limit, at: id) {
                let session = record.stream.session
                let folder = shelf.sink.folder(
                    of: session, writer: try await store.writer(of: session), place: try await shelf.place(session))
                try await shelf.sink.delete(record.objectPath, in: folder)
                world.faults.reach(.mergeDeleted)
                try await store.recordDeleted(segment, at: id)
            }
        }
    }
}
