private import Digests
package import Shared

extension SegmentOutline {
    /// Reads the object once and compares it with all that is promised of it, so that nothing of a damaged one is passed on.
    ///
    /// The object's digest says it without unpacking; what another program put has none, and is unpacked.
    ///
    /// - Throws: `SegmentError`, `damaged` above all.
    package func requireWhole(_ object: some ObjectBytes & Sendable) throws(SegmentError) {
        guard let objectChecksum else {
            var reader = try MemberReader(self, object: object)
            while try reader.next() != nil {}
            return
        }
        if let storedBytes, storedBytes != object.size {
            throw .damaged(
                name, at: min(storedBytes, object.size), "it has \(object.size) bytes instead of \(storedBytes)")
        }
        var digest = RunningDigest()
        var position: Int64 = 0
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { room.deallocate() }
        while position < object.size {
            let count: Int
            do {
                count = try object.read(at: position, into: room)
            } catch {
                throw SegmentError(.unreadable, "could not read \(name) at byte \(position)", cause: error)
            }
            guard count > 0 else { throw .damaged(name, at: position, "it ends before byte \(object.size)") }
            digest.update(UnsafeRawBufferPointer(rebasing: room[..<count]))
            position += Int64(count)
        }
        guard digest.digest() == objectChecksum else {
            throw .damaged(name, at: 0, "the object is not \(objectChecksum)")
        }
    }
}
