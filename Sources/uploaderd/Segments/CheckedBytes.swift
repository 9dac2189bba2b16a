private import Digests
package import Shared
private import Synchronization

/// An object that is compared with its promised size and digest while it is read from its first byte to its last: the last
/// read of one that is something else throws, so that nobody who puts it gives it a name.
package final class CheckedBytes: ObjectBytes, Sendable {
    private struct Reading {
        var digest = RunningDigest()
        var position: Int64 = 0
        package var fault: (any Error)?
    }

    private let object: any ObjectBytes & Sendable
    /// For errors.
    private let name: String
    private let digest: Digest256
    private let reading = Mutex(Reading())

    /// - Throws: `SegmentError.damaged` when it has another size.
    package convenience init(_ object: any ObjectBytes & Sendable, of record: SegmentRecord) throws(SegmentError) {
        try self.init(object, named: record.objectPath, size: record.storedBytes, digest: record.objectChecksum)
    }

    /// - Parameter size: `nil`: not promised.
    /// - Throws: `SegmentError.damaged` when it has another size.
    init(
        _ object: any ObjectBytes & Sendable, named name: String, size: Int64?, digest: Digest256
    ) throws(SegmentError) {
        if let size, object.size != size {
            throw .damaged(name, at: min(object.size, size), "it has \(object.size) bytes instead of \(size)")
        }
        self.object = object
        self.name = name
        self.digest = digest
    }

    package var size: Int64 { object.size }

    /// Why it could not be read, or is not what was promised: no fault of whoever read it. `nil`: nothing was seen.
    package var fault: (any Error)? { reading.withLock { $0.fault } }

    /// From the front, piece by piece; from byte 0 it may be begun again.
    package func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            let count = try object.read(at: offset, into: room)
            try check(UnsafeRawBufferPointer(rebasing: room[..<count]), at: offset)
            return count
        } catch {
            reading.withLock { $0.fault = error }
            throw error
        }
    }

    private func check(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SegmentError) {
        try reading.withLock { (reading) throws(SegmentError) in
            if offset == 0 { reading = Reading() }
            guard offset == reading.position else {
                throw SegmentError(.unreadable, "\(name) is read at byte \(offset), out of order")
            }
            guard !bytes.isEmpty || size == 0 else {
                throw .damaged(name, at: offset, "it ends before byte \(size)")
            }
            reading.digest.update(bytes)
            reading.position += Int64(bytes.count)
            if reading.position == size, reading.digest.digest() != digest {
                throw .damaged(name, at: 0, "the object is not \(digest)")
            }
        }
    }
}
