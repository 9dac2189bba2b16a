private import Digests
package import Shared
private import Synchronization

/// An object that is compared with its record while it is read from its first byte to its last: the last read of one that is
/// not what was promised throws, so that nobody who puts it gives it a name.
package final class CheckedBytes: ObjectBytes, Sendable {
    private struct Reading {
        var digest = RunningDigest()
        var position: Int64 = 0
        package var fault: (any Error)?
    }

    private let object: any ObjectBytes & Sendable
    private let record: SegmentRecord
    private let reading = Mutex(Reading())

    /// - Throws: `SegmentError.damaged` when it has another size.
    package init(_ object: any ObjectBytes & Sendable, of record: SegmentRecord) throws(SegmentError) {
        guard object.size == record.storedBytes else {
            throw .damaged(
                record.objectPath, at: min(object.size, record.storedBytes),
                "it has \(object.size) bytes instead of \(record.storedBytes)")
        }
        self.object = object
        self.record = record
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
                throw SegmentError(.unreadable, "\(record.objectPath) is read at byte \(offset), out of order")
            }
            guard !bytes.isEmpty || size == 0 else {
                throw .damaged(record.objectPath, at: offset, "it ends before byte \(size)")
            }
            reading.digest.update(bytes)
            reading.position += Int64(bytes.count)
            if reading.position == size, reading.digest.digest() != record.objectChecksum {
                throw .damaged(record.objectPath, at: 0, "the object is not \(record.objectChecksum)")
            }
        }
    }
}
