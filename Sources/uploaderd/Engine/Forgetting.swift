import Delivery
import Shared
import Store

/// Deletes what is left of forgotten sessions: here as soon as nothing of them is on its way, then in every store that can be read,
/// as soon as it can be. The tombstone first, then the manifests, then everything else.
///
/// What is done is a row or a file, so it may be stopped at any point; the next start goes on. Costs nothing while nothing is
/// forgotten. Lives on the loop; a store is worked on by one task at a time. Whoever waits for it listens to the board.
actor Forgetting {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private struct Place: Hashable {
        var session: SessionID
        var store: StoreID
    }

    private struct Rest {
        var until: Instant
        var why: String
    }

    private let store: Store
    private let objects: ObjectFinder
    private let world: Surroundings
    private let board: StatusBoard
    /// The names of those that are configured.
    private let destinations: [String]
    private let bell = Doorbell()
    private var busy: Set<StoreID> = []
    /// Stores that do not answer.
    private var resting: [StoreID: Rest] = [:]
    /// What a store does not delete, and why; tried again when somebody asks, and at the next start.
    private var refused: [Place: String] = [:]

    /// From a failure to the next attempt.
    private static let pause: Duration = .seconds(30)
    private static let atOnce = 64
    /// Kind of our health entries; the subject is destination and session.
    private static let kind = "forget_pending"

    init(store: Store, objects: ObjectFinder, world: Surroundings, board: StatusBoard, destinations: [String]) {
        self.store = store
        self.objects = objects
        self.world = world
        self.board = board
        self.destinations = destinations
        executor = world.loop
    }

    /// Something was forgotten, or a store has opened.
    nonisolated func ring() { bell.ring() }

    /// What failed is tried at once.
    func retry() {
        resting = [:]
        refused = [:]
        ring()
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            var listener: Int?
            while !Task.isCancelled {
                let (next, waitsForDeparture) = await step(&group)
                if let known = listener, !waitsForDeparture {
                    store.departures.unsubscribe(known)
                    listener = nil
                } else if listener == nil, waitsForDeparture {
                    // Heard only then: with every put something ends. What ended since the look is seen by another one.
                    listener = store.departures.subscribe(bell)
                    continue
                }
                _ = await bell.wait(until: next, on: world.time)
            }
            if let listener { store.departures.unsubscribe(listener) }
        }
    }

    /// - Returns: when to look again without a ring, and whether something is on its way that has to end first.
    private func step(_ group: inout DiscardingTaskGroup) async -> (next: Instant?, waitsForDeparture: Bool) {
        let now = world.time.now
        resting = resting.filter { $0.value.until > now }
        var waits = false
        do {
            for session in try await store.unpurged() {
                guard store.departures.stores(of: session).isEmpty else {
                    waits = true
                    continue
                }
                try await store.purge(session)
                board.update { _ in }
            }
            for (id, shelf) in objects.readable where !busy.contains(id) && resting[id] == nil {
                let left = try await pending(at: id)
                let free = left.filter { !store.departures.stores(of: $0).contains(id) }
                waits = waits || free.count < left.count
                guard !free.isEmpty, busy.insert(id).inserted else { continue }
                group.addTask(executorPreference: executor) { await self.erase(free, on: shelf, id) }
            }
            try await sayAway()
        } catch {
            board.report(Self.kind, "state", "what was forgotten could not be removed here: \(error)")
            return (now + Self.pause, waits)
        }
        board.clear(Self.kind, "state")
        return (resting.values.map(\.until).min(), waits)
    }

    private func pending(at id: StoreID) async throws(StoreError) -> [SessionID] {
        try await store.forgetting(at: id, limit: Self.atOnce + refused.count).filter {
            refused[Place(session: $0, store: id)] == nil
        }
    }

    /// A destination that is away is said as well: what it has is not deleted.
    private func sayAway() async throws(StoreError) {
        let open = objects.readable.map(\.shelf.name)
        for name in destinations where !open.contains(name) {
            guard let id = try await store.knownStore(of: name) else { continue }
            for session in try await store.forgetting(at: id, limit: Self.atOnce) {
                say(session, name, "its store cannot be read now", hint: "it is deleted when the store is back")
            }
        }
    }

    private func erase(_ sessions: [SessionID], on shelf: ObjectFinder.Shelf, _ id: StoreID) async {
        for session in sessions {
            do {
                try await erase(session, from: shelf.sink)
                try await store.recordErased(session, at: id)
                board.clear(Self.kind, "\(shelf.name)/\(session)")
            } catch {
                let failure = error as? DeliveryError ?? DeliveryError(.transient, "\(error)")
                say(session, shelf.name, failure.message, hint: failure.hint)
                if failure.isOfOneSession {
                    refused[Place(session: session, store: id)] = failure.message
                    continue
                }
                // The next one would fail as well.
                resting[id] = Rest(until: world.time.now + Self.pause, why: failure.message)
                break
            }
            board.update { _ in }
        }
        busy.remove(id)
        board.update { _ in }
        ring()
    }

    private func erase(_ session: SessionID, from sink: any SessionSink) async throws {
        let tombstone = try JSONText.encode(
            Tombstone(sid: session, at: RFC3339.text(world.time.wall), layout: Manifest.layout))
        try await sink.entomb(session, tombstone)
        world.faults.reach(.forgetEntombed)
        try await sink.erase(session, manifestsOnly: true)
        world.faults.reach(.forgetUnlisted)
        try await sink.erase(session, manifestsOnly: false)
        world.faults.reach(.forgetErased)
    }

    private func say(_ session: SessionID, _ destination: String, _ why: String, hint: String?) {
        let message = "session \(session) is forgotten, and not deleted in destination \(destination) yet: \(why)"
        guard board.report(Self.kind, "\(destination)/\(session)", message, hint: hint) else { return }
        world.log.record(Event(.deliveryFailed, message, hint: hint, session: session, destination: destination))
    }

    // MARK: For whoever waits

    /// How far it is with one session.
    struct Progress: Sendable, Hashable {
        /// Destinations that have nothing of it.
        var deleted: [String] = []
        /// Those that are worked on, or wait for a put that is on its way.
        var busy: [String] = []
        /// Those that cannot be read now, or delete nothing, and why.
        var left: [String: String] = [:]
        /// Nothing of it is here.
        var isPurged = false
    }

    func progress(of session: SessionID) async throws(StoreError) -> Progress {
        var progress = Progress()
        let erased = try await store.erased(session)
        progress.isPurged = try await store.isPurged(session)
        let shelves = objects.readable
        for (id, shelf) in shelves {
            if erased.contains(id) {
                progress.deleted.append(shelf.name)
            } else if let why = refused[Place(session: session, store: id)] ?? resting[id]?.why {
                progress.left[shelf.name] = why
            } else {
                progress.busy.append(shelf.name)
            }
        }
        let seen = board.snapshot().destinations
        for name in destinations where !shelves.contains(where: { $0.shelf.name == name }) {
            if let id = try await store.knownStore(of: name), erased.contains(id) {
                progress.deleted.append(name)
            } else {
                progress.left[name] = seen[name]?.lastError ?? "its store has not answered yet"
            }
        }
        return progress
    }

    /// Returns when all is deleted that can be now.
    func settled() async {
        let bell = Doorbell()
        let listener = board.subscribe(bell)
        defer { board.unsubscribe(listener) }
        do throws(StoreError) {
            while try await isWorking() {
                ring()
                _ = await bell.wait(on: world.time)
            }
        } catch {
            // The step that fails of it says so.
        }
    }

    /// Why something is not deleted yet, a sentence each.
    var reasons: [String] {
        board.snapshot().health.filter { $0.kind == Self.kind }.map(\.message)
    }

    private func isWorking() async throws(StoreError) -> Bool {
        if try await !store.unpurged().isEmpty { return true }
        for (id, _) in objects.readable where resting[id] == nil {
            if busy.contains(id) { return true }
            if try await !pending(at: id).isEmpty { return true }
        }
        return false
    }
}

/// What stays of a session: nothing of it is ever put again.
private struct Tombstone: Encodable {
    var sid: SessionID
    var at: String
    var layout: Int
}
