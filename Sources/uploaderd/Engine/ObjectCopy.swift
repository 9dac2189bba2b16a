import Segments
import Shared
import Store

/// One of the places where an object should be.
struct ObjectCopy: Sendable {
    /// A store, and which segment of ours it was said to have.
    struct Place: Sendable {
        var store: StoreID
        /// - Returns: `nil`: it is not known here.
        var segment: @Sendable () async throws -> SegmentID?
    }

    /// For people: the destination, or the spool, and the object.
    var name: String
    /// `nil`: it is in the spool, or another writer's.
    var place: Place?
    /// It was found missing or damaged before.
    var isFaulty = false
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
