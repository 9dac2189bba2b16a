/// The stored bytes of one object, wherever they are: a spool file, a file of a directory store, a range that was fetched.
///
/// Reading the same place twice gives the same bytes: objects never change.
package protocol ObjectBytes: ~Copyable {
    var size: Int64 { get }

    /// Reads at most `room.count` bytes from `offset` on; fewer are not an error.
    ///
    /// - Returns: how many; 0 only at or behind the end.
    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int
}

/// What is there is not what was put, whoever reads it and however often: thrown by `read(at:into:)` of bytes that carry their own proof.
package struct DamagedBytes: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// An object that is in memory.
package struct MemoryObject: ObjectBytes, Sendable {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var size: Int64 { Int64(bytes.count) }

    package func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) -> Int {
        let part = bytes.dropFirst(Int(min(offset, size))).prefix(room.count)
        room.copyBytes(from: part)
        return part.count
    }
}
