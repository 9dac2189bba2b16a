import Delivery
import Segments
import Shared
import Store
import Synchronization

/// Finds the bytes of a segment: in the spool, else in a store that has it. What it gives was read and is whole: a copy that
/// is missing or damaged is said, and the next one is tried.
package final class ObjectFinder: Sendable {
    /// A store that can be read now.
    struct Shelf: Sendable {
        var name: String
        var sink: any SessionSink
        /// It is configured, and filled; else only read.
        var isDestination: Bool
        /// Where our objects of a session are to be read, whoever has written there since.
        var readingPlace: @Sendable (SessionID) async throws(DeliveryError) -> WriterPlace
        /// Whether a listing shows nothing of a session there.
        var isVacant: @Sendable (SessionID) async throws(DeliveryError) -> Bool

        init(_ places: WriterPlaces, isDestination: Bool = true) {
            name = places.destination
            sink = places.sink
            self.isDestination = isDestination
            readingPlace = { session throws(DeliveryError) in try await places.readingPlace(of: session) }
            isVacant = { session throws(DeliveryError) in try await places.isVacant(session) }
        }
    }

    let store: Store
    let board: StatusBoard
    let world: Surroundings
    private let shelves = Mutex<[StoreID: Shelf]>([:])
    private let owners = Mutex<[StoreID: String]>([:])
    /// Rung when a store is to get an object once more.
    private let wanted = Mutex<@Sendable () -> Void>({})

    init(store: Store, board: StatusBoard, world: Surroundings) {
        self.store = store
        self.board = board
        self.world = world
    }

    /// Gives a store to the first destination that finds it.
    ///
    /// - Returns: the other destination that has it; `nil`: it is this one's.
    func claim(_ id: StoreID, for name: String) -> String? {
        owners.withLock { owners in
            if let owner = owners[id], owner != name { return owner }
            owners[id] = name
            return nil
        }
    }

    /// - Parameter body: called when something is to be put again that is missing in a store.
    func observeMissing(_ body: @escaping @Sendable () -> Void) { wanted.withLock { $0 = body } }

    /// Something is to be put once more.
    func askAgain() { wanted.withLock { $0 }() }

    /// A destination has opened its store.
    func add(_ shelf: Shelf, as id: StoreID) { shelves.withLock { $0[id] = shelf } }

    func shelf(_ id: StoreID) -> Shelf? { shelves.withLock { $0[id] } }

    /// Every destination's store that is open, by name.
    var open: [(id: StoreID, shelf: Shelf)] { readable.filter(\.shelf.isDestination) }

    /// Every store that can be read, by name.
    var readable: [(id: StoreID, shelf: Shelf)] {
        shelves.withLock { $0.map { ($0.key, $0.value) } }.sorted { $0.1.name < $1.1.name }
    }

    func id(named name: String) -> StoreID? { shelves.withLock { $0.first { $0.value.name == name }?.key } }

    // MARK: Our own segments

    /// The first copy that is whole: the spool's, then those of the stores, by name; then those that were not whole before.
    ///
    /// - Parameter holders: the stores that have it.
    /// - Throws: `SegmentError.damaged` when there is no whole copy anywhere; `DeliveryError`, `StoreError`: why none can
    ///   be had now.
    func bytes(of id: SegmentID, _ record: SegmentRecord, holders: [StoreID]) async throws -> FoundObject {
        do {
            return try await sound(id, record, in: [spooled(id, record)], holders)
        } catch let error as DeliveryError where error.isTransient {
            // It may have left the spool since they were asked for.
            let now = try await store.holders(of: id)
            if Set(now) != Set(holders) { return try await bytes(of: id, record, holders: now) }
            try requireObjects(record, in: holders)
            return try await again(id, record, holders, error)
        } catch let error as SegmentError where error.code == .damaged {
            return try await again(id, record, holders, error)
        }
    }

    /// Somebody may have put the object back where it was missing or damaged.
    ///
    /// - Parameter error: why no other copy can be had.
    private func again(
        _ id: SegmentID, _ record: SegmentRecord, _ holders: [StoreID], _ error: any Error
    ) async throws -> FoundObject {
        let faulty = try await store.faulty(id)
        if faulty.isEmpty { throw error }
        do {
            return try await sound(id, record, in: [], faulty)
        } catch let now {
            // Of all others it is known by now why they cannot be read.
            throw holders.allSatisfy(faulty.contains) ? now : error
        }
    }

    private func sound(
        _ id: SegmentID, _ record: SegmentRecord, in copies: [ObjectCopy], _ stores: [StoreID]
    ) async throws -> FoundObject {
        let shelves = readable.filter { stores.contains($0.id) && $0.shelf.sink.isReadable }
        return try await sound(
            SegmentOutline(record), of: record.stream.session,
            in: copies + shelves.map { copy(of: id, record, in: $0.id, on: $0.shelf) },
            unread: stores.count - shelves.count,
            writtenOnly: readable.filter { stores.contains($0.id) && !$0.shelf.sink.isReadable }.map(\.shelf.name))
    }

    /// Gives the bytes of a segment to `put`: those in the spool, checked on their way, so that they are read once; when they
    /// are not there, or not whole, those of another copy, which is checked before.
    ///
    /// - Throws: as `bytes(of:_:holders:)`, with `CopyOutOfReach` for what other stores say; and what `put` throws.
    func pass(
        _ delivery: SegmentDelivery, to put: @Sendable (any ObjectBytes & Sendable) async throws -> Void
    ) async throws {
        if let spooled = try await passSpooled(delivery, to: put) { return try spooled.get() }
        let copy: FoundObject
        do {
            copy = try await bytes(of: delivery.id, delivery.record, holders: delivery.holders)
        } catch let error as DeliveryError {
            throw CopyOutOfReach(reason: error)
        }
        try await put(copy)
    }

    /// - Returns: `nil` when the spool does not have it whole; else what became of the put.
    private func passSpooled(
        _ delivery: SegmentDelivery, to put: @Sendable (any ObjectBytes & Sendable) async throws -> Void
    ) async throws -> Result<Void, any Error>? {
        let copy = spooled(delivery.id, delivery.record)
        let checked: CheckedBytes
        do {
            guard let object = try await copy.open() else { return nil }
            checked = try CheckedBytes(object, of: delivery.record)
        } catch {
            // It is opened once more by whoever looks at all copies, and said there.
            return nil
        }
        do {
            try await put(checked)
        } catch {
            return checked.fault == nil ? .failure(error) : nil
        }
        await note(nil, copy)
        return .success(())
    }

    /// The copy in the spool.
    func spooled(_ id: SegmentID, _ record: SegmentRecord) -> ObjectCopy {
        ObjectCopy(name: Self.name(of: record, in: "spool")) { [store] in
            guard let object = try await store.openObject(id) else { return nil }
            return FoundObject(SpooledBytes(object))
        }
    }

    /// What a copy is called in health.
    static func name(of record: SegmentRecord, in place: String) -> String {
        name(of: record.objectPath, record.stream, in: place)
    }

    static func name(of path: String, _ stream: StreamKey, in place: String) -> String { "\(place)/\(stream) \(path)" }

    /// The copy that a store has of a segment of ours.
    func copy(of id: SegmentID, _ record: SegmentRecord, in storeID: StoreID, on shelf: Shelf) -> ObjectCopy {
        let place = ObjectCopy.Place(store: storeID) { id }
        return ObjectCopy(name: Self.name(of: record, in: shelf.name), place: place) { [store] in
            let session = record.stream.session
            let folder = shelf.sink.folder(
                of: session, writer: try await store.writer(of: session), place: try await shelf.readingPlace(session))
            return FoundObject(try await shelf.sink.object(record.objectPath, in: folder))
        }
    }

    // MARK: Any segment

    /// Opens one copy after the other until one is what the outline promises.
    ///
    /// - Parameters:
    ///   - unread: how many more copies there are in stores that cannot be read now.
    ///   - writtenOnly: the destinations of those that cannot be read at all.
    func sound(
        _ outline: SegmentOutline, of session: SessionID, in copies: [ObjectCopy], unread: Int = 0,
        writtenOnly: [String] = []
    ) async throws -> FoundObject {
        var faults: [String] = []
        var obstacle: (any Error)?
        for copy in copies {
            do {
                guard let object = try await copy.open() else { continue }
                // Reading and hashing is a lane's work, whoever asks.
                try await withTaskExecutorPreference(world.lane(of: session)) { try outline.requireWhole(object) }
                await note(nil, copy)
                return object
            } catch {
                if await note(error, copy) { faults.append("\(copy.name): \(error)") } else { obstacle = error }
            }
        }
        if let obstacle { throw obstacle }
        if unread == 0, !faults.isEmpty {
            throw SegmentError(
                .damaged,
                "there is no whole copy of \(outline.name) of session \(session): "
                    + faults.joined(separator: "; "))
        }
        // Said in the message: an answer that is under way has no room for a hint.
        let away =
            writtenOnly.isEmpty
            ? "" : "; \(writtenOnly.joined(separator: ", ")) gives nothing back here, and uploaderctl verify says why"
        throw DeliveryError(
            .transient, "no store that has \(outline.name) of session \(session) can be read now\(away)",
            hint: "uploaderctl status shows which destinations are held")
    }
}
