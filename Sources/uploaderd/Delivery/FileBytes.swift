package import LinuxSystem
import Shared

/// A range of an open file. The file's name may go; the bytes stay until this is let go.
package final class FileBytes: ObjectBytes, Sendable {
    private let file: Descriptor
    private let start: Int64
    package let size: Int64

    package init(_ file: consuming Descriptor, from start: Int64, to end: Int64) {
        self.file = file
        self.start = start
        size = end - start
    }

    package func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let length = Int(min(Int64(room.count), size - offset))
        return try file.readFully(into: UnsafeMutableRawBufferPointer(rebasing: room[..<length]), at: start + offset)
    }
}
