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

        init(_ places: WriterPlaces, isDestination: Bool = true) {
            name = places.destination
            sink = places.sink
            self.isDestination = isDestination
            readingPlace = { session throws(DeliveryError) in try await places.readingPlace(of: session) }
        }
    }

    private let store: Store
    private let board: StatusBoard
    let world: Surroundings
    private let shelves = Mutex<[StoreID: Shelf]>([:])
    private let owners = Mutex<[StoreID: String]>([:])

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

    /// The first copy that is whole: the spool's, then those of the stores, by name.
    ///
    /// - Parameter holders: the stores that have it.
    /// - Throws: `SegmentError.damaged` when there is no whole copy anywhere; `DeliveryError`, `StoreError`: why none can
    ///   be had now.
    func bytes(of id: SegmentID, _ record: SegmentRecord, holders: [StoreID]) async throws -> FoundObject {
        let shelves = readable.filter { holders.contains($0.id) }
        do {
            return try await sound(
                SegmentOutline(record), of: record.stream.session,
                in: [spooled(id, record)] + shelves.map { copy(of: record, on: $0.shelf) },
                unread: holders.count - shelves.count)
        } catch let error as DeliveryError where error.isTransient {
            // It may have left the spool since they were asked for.
            let now = try await store.holders(of: id)
            guard Set(now) != Set(holders) else { throw error }
            return try await bytes(of: id, record, holders: now)
        }
    }

    /// Gives the bytes of a segment to `put`: those in the spool, checked on their way, so that they are read once; when they
    /// are not there, or not whole, those of another copy, which is checked before.
    ///
    /// - Throws: as `bytes(of:_:holders:)`, and what `put` throws.
    func pass(
        _ delivery: SegmentDelivery, to put: @Sendable (any ObjectBytes & Sendable) async throws -> Void
    ) async throws {
        if let spooled = try await passSpooled(delivery, to: put) { return try spooled.get() }
        try await put(try await bytes(of: delivery.id, delivery.record, holders: delivery.holders))
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
        note(nil, copy)
        return .success(())
    }

    /// The copy in the spool.
    func spooled(_ id: SegmentID, _ record: SegmentRecord) -> ObjectCopy {
        ObjectCopy(name: "spool/\(record.stream) \(record.objectPath)") { [store] in
            guard let object = try await store.openObject(id) else { return nil }
            return FoundObject(SpooledBytes(object))
        }
    }

    /// The copy that a store has of a segment of ours.
    func copy(of record: SegmentRecord, on shelf: Shelf) -> ObjectCopy {
        ObjectCopy(name: "\(shelf.name)/\(record.stream) \(record.objectPath)") { [store] in
            let session = record.stream.session
            let folder = shelf.sink.folder(
                of: session, writer: try await store.writer(of: session), place: try await shelf.readingPlace(session))
            return FoundObject(try await shelf.sink.object(record.objectPath, in: folder))
        }
    }

    // MARK: Any segment

    /// Opens one copy after the other until one is what the outline promises.
    ///
    /// - Parameter unread: how many more copies there are in stores that cannot be read now.
    func sound(
        _ outline: SegmentOutline, of session: SessionID, in copies: [ObjectCopy], unread: Int = 0
    ) async throws -> FoundObject {
        var faults: [String] = []
        var obstacle: (any Error)?
        for copy in copies {
            do {
                guard let object = try await copy.open() else { continue }
                // Reading and hashing is a lane's work, whoever asks.
                try await withTaskExecutorPreference(world.lane(of: session)) { try outline.requireWhole(object) }
                note(nil, copy)
                return object
            } catch {
                if note(error, copy) { faults.append("\(copy.name): \(error)") } else { obstacle = error }
            }
        }
        if let obstacle { throw obstacle }
        if unread == 0, !faults.isEmpty {
            throw SegmentError(
                .damaged,
                "there is no whole copy of \(outline.name) of session \(session): "
                    + faults.joined(separator: "; "))
        }
        throw DeliveryError(
            .transient, "no store that has \(outline.name) of session \(session) can be read now",
            hint: "uploaderctl status shows which destinations are held")
    }

    /// Health entries about copies; the subject is the copy's name.
    static let missing = "object_missing"
    static let damaged = "object_damaged"

    /// Says what is wrong with a copy, or with `nil` that nothing is.
    ///
    /// - Returns: whether reading it again would tell the same.
    @discardableResult
    func note(_ error: (any Error)?, _ copy: ObjectCopy) -> Bool {
        var kind: String?
        switch error {
        case let error as DeliveryError where error.code == .notFound: kind = Self.missing
        case let error as SegmentError where error.code == .damaged: kind = Self.damaged
        case let error as StoreError where error.code == .missing: kind = Self.missing
        case let error as StoreError where error.code == .damaged: kind = Self.damaged
        case .some: return false
        case nil: break
        }
        for other in [Self.missing, Self.damaged] where other != kind { board.clear(other, copy.name) }
        if let kind, let error {
            board.report(
                kind, copy.name,
                "\(copy.name) \(kind == Self.missing ? "is not where it was put" : "is not what was put"): \(error)",
                hint:
                    "uploaderctl verify --deep lists all that is; its lines are read from another destination that has them"
            )
        }
        return kind != nil
    }

    /// Of manifests; the subject is the store's name, and the session.
    static let unreadableManifest = "manifest_unreadable"

    /// Says which manifests of other writers are damaged, or that none is.
    ///
    /// - Returns: a sentence for each.
    func note(_ faults: [DeliveryError], ofManifestsOf session: SessionID, on shelf: Shelf) -> [String] {
        let subject = "\(shelf.name)/\(session)"
        let sentences = faults.map { "in destination \(shelf.name): \($0.message)" }
        if faults.isEmpty {
            board.clear(Self.unreadableManifest, subject)
        } else {
            board.report(
                Self.unreadableManifest, subject, sentences.joined(separator: "; "),
                hint: "repair or remove that object; until then replay leaves its writer's lines out")
        }
        return sentences
    }
}

/// One of the places where an object should be.
struct ObjectCopy: Sendable {
    /// For people: the destination, or the spool, and the object.
    var name: String
    /// - Returns: `nil`: it is not meant to be there any more.
    var open: @Sendable () async throws -> FoundObject?
}

/// An object in the spool. The file may be unlinked meanwhile; its bytes stay.
final class SpooledBytes: ObjectBytes, Sendable {
    private let object: SpooledObject

    init(_ object: consuming SpooledObject) { self.object = object }

    var size: Int64 { object.size }

    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        try object.read(at: offset, into: room)
    }
}

/// An object wherever it was found.
struct FoundObject: ObjectBytes, Sendable {
    private let bytes: any ObjectBytes & Sendable

    init(_ bytes: any ObjectBytes & Sendable) { self.bytes = bytes }

    var size: Int64 { bytes.size }

    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        try bytes.read(at: offset, into: room)
    }
}
