import Digests
import LinuxSystem
import Segments
import Shared

/// A file of the spool, read back at boot.
enum SpoolFile {
    /// - Returns: `nil` when there is no file, or its header is not whole.
    static func header(at path: String) throws(StoreError) -> SpoolHeader? {
        do throws(StoreError) {
            let file = try open(path)
            return try header(of: file, path).header
        } catch {
            if error.code == .damaged { return nil }
            throw error
        }
    }

    /// Reads and checks all of it: header, length, and the digest of the object.
    ///
    /// - Throws: `damaged`, with the reason; `io` when it could not be read, which says nothing about it.
    static func verified(at path: String) throws(StoreError) -> (header: SpoolHeader, headerBytes: Int) {
        let file = try open(path)
        let (header, length) = try header(of: file, path)
        let size = try reporting("could not look at \(path)") { () throws(SystemError) in try file.status().size }
        let wanted = Int64(length) + header.record.storedBytes
        guard size == wanted else {
            throw StoreError(.damaged, "it is \(size) bytes long, and its header says \(wanted)")
        }
        var digest = RunningDigest()
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        var offset = Int64(length)
        while offset < size {
            let count = try read(file, into: &chunk, at: offset, path)
            guard count > 0 else { break }
            chunk.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += Int64(count)
        }
        guard digest.digest() == header.record.objectChecksum else {
            throw StoreError(.damaged, "its object does not have the digest that its header says")
        }
        return (header, length)
    }

    private static func open(_ path: String) throws(StoreError) -> Descriptor {
        do throws(SystemError) {
            return try Descriptor.open(path, [.readOnly, .noFollow, .nonBlocking])
        } catch {
            if error.isNotFound { throw StoreError(.damaged, "it is gone") }
            throw StoreError("could not open \(path)", error)
        }
    }

    private static func header(
        of file: borrowing Descriptor, _ path: String
    ) throws(StoreError) -> (header: SpoolHeader, headerBytes: Int) {
        var bytes = [UInt8](repeating: 0, count: SpoolHeader.prefixLength)
        let count = try read(file, into: &bytes, at: 0, path)
        do throws(SegmentError) {
            let length = try SpoolHeader.length(from: Array(bytes[..<count]), of: path)
            bytes = [UInt8](repeating: 0, count: length)
        } catch {
            throw StoreError(.damaged, "\(error)")
        }
        let length = bytes.count
        let got = try read(file, into: &bytes, at: 0, path)
        do throws(SegmentError) {
            return (try SpoolHeader(from: Array(bytes[..<got]), of: path), length)
        } catch {
            throw StoreError(.damaged, "\(error)")
        }
    }

    private static func read(
        _ file: borrowing Descriptor, into bytes: inout [UInt8], at offset: Int64, _ path: String
    ) throws(StoreError) -> Int {
        do throws(SystemError) {
            return try bytes.withMutableBytes { (buffer) throws(SystemError) in
                try file.readFully(into: buffer, at: offset)
            }
        } catch {
            throw StoreError("could not read \(path)", error)
        }
    }
}
