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
        let checked = try CheckedBytes(object, named: name, size: storedBytes, digest: objectChecksum)
        var position: Int64 = 0
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { room.deallocate() }
        // Read at least once: an empty object has a digest, too.
        repeat {
            do {
                position += Int64(try checked.read(at: position, into: room))
            } catch let error as SegmentError {
                throw error
            } catch {
                throw SegmentError.notRead(name, at: position, error)
            }
        } while position < checked.size
    }
}
