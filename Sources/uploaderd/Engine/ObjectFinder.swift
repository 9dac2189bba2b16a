import Delivery
import Shared
import Store
import Synchronization

/// Finds the bytes of a segment: in the spool, else in a store that has it.
package final class ObjectFinder: Sendable {
    /// A store that can be read now.
    struct Shelf: Sendable {
        var name: String
        var sink: any SessionSink
        /// It is configured, and filled; else only read.
        var isDestination = true
        var place: @Sendable (SessionID) async throws(DeliveryError) -> WriterPlace
    }

    private let store: Store
    private let shelves = Mutex<[StoreID: Shelf]>([:])

    init(store: Store) { self.store = store }

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

    /// - Parameters:
    ///   - holders: the stores that have it.
    ///   - only: read from this store and nowhere else.
    /// - Throws: `DeliveryError`, `StoreError`: why it cannot be had now.
    func bytes(
        of id: SegmentID, _ record: SegmentRecord, holders: [StoreID], only: StoreID? = nil
    ) async throws -> FoundObject {
        if only == nil, let spooled = try await store.openObject(id) { return FoundObject(SpooledBytes(spooled)) }
        var last: DeliveryError?
        for holder in holders where only == nil || holder == only {
            guard let shelf = shelf(holder) else { continue }
            do throws(DeliveryError) {
                let place = try await shelf.place(record.stream.session)
                let folder = shelf.sink.folder(
                    of: record.stream.session, writer: try await writer(of: record.stream.session), place: place)
                return FoundObject(try await shelf.sink.object(record.objectPath, in: folder))
            } catch {
                last = error
            }
        }
        throw last
            ?? DeliveryError(
                .transient,
                "no store that has \(record.objectPath) of session \(record.stream.session) can be read now",
                hint: "uploaderctl status shows which destinations are held")
    }

    private func writer(of session: SessionID) async throws(DeliveryError) -> String {
        do throws(StoreError) {
            return try await store.writer(of: session)
        } catch {
            throw DeliveryError(.transient, error.description)
        }
    }
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
