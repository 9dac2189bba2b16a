package import LinuxSystem
package import Segments
import Shared

/// A file of the spool into which the object of a long line is streamed, from a work lane.
///
/// `seal` takes it over by its id. If nothing becomes of it, `Store.discard(_:)` removes it; boot does in any case.
package struct SpoolTemporary: ~Copyable, Sendable {
    package let id: SpoolTemporaryID
    private let file: Descriptor
    private let path: String
    /// Bytes of the object so far.
    package private(set) var count: Int64 = 0

    init(_ id: SpoolTemporaryID, at path: String) throws(SystemError) {
        self.id = id
        self.path = path
        file = try Descriptor.open(path, [.writeOnly, .create, .exclusive, .noFollow])
    }

    /// Adds the object's next bytes. Blocks; on a work lane.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        do throws(SystemError) {
            try file.writeAll(bytes, at: Int64(SpoolHeader.roomForStreamed) + count)
        } catch {
            throw StoreError("could not write to \(path)", error)
        }
        count += Int64(bytes.count)
    }
}

/// The object of a segment in the spool. Stays readable if the file is unlinked meanwhile.
package struct SpooledObject: ObjectBytes, ~Copyable, Sendable {
    private let file: Descriptor
    /// Where the object begins in the file.
    private let start: Int64
    package let size: Int64

    init(_ file: consuming Descriptor, from start: Int64, size: Int64) {
        self.file = file
        self.start = start
        self.size = size
    }

    package func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        let count = Int(min(Int64(room.count), max(0, size - offset)))
        guard count > 0 else { return 0 }
        return try file.read(into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]), at: start + offset)
    }
}
