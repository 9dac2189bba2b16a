import LinuxSystem
import Shared

/// The bytes of an answer: in memory while they are few, else in an unnamed file that is written piece by piece. Pure.
struct IncomingBody {
    enum Taken: Equatable {
        case all
        /// A piece is being written; these bytes have to come again.
        case wait
        case tooMany
    }

    /// In bytes; more go into a file. Most segments are smaller.
    static let mostInMemory = 2 << 20

    private let limit: Int64
    private var pending: [UInt8] = []
    private var received: Int64 = 0
    /// Bytes that are in the file.
    private(set) var written: Int64 = 0
    private(set) var isWriting = false

    init(limit: Int64) { self.limit = limit }

    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Taken {
        guard received + Int64(bytes.count) <= limit else { return .tooMany }
        if isWriting, pending.count >= Self.mostInMemory { return .wait }
        received += Int64(bytes.count)
        pending.append(contentsOf: bytes)
        return .all
    }

    /// What has to be written at `written` now, which is then under way; `nil`: nothing.
    ///
    /// - Parameter isOver: no more will come.
    mutating func unwritten(isOver: Bool) -> [UInt8]? {
        let isLong = pending.count > Self.mostInMemory || (isOver && written > 0 && !pending.isEmpty)
        guard !isWriting, isLong else { return nil }
        isWriting = true
        let piece = pending
        pending = []
        return piece
    }

    mutating func noteWritten(_ count: Int) {
        isWriting = false
        written += Int64(count)
    }

    /// All of it, when it is in memory.
    var inMemory: MemoryObject? { written == 0 && !isWriting ? MemoryObject(pending) : nil }
}

/// An unnamed file that is written on a lane and read when it is whole.
final class SpillFile: Sendable {
    private let file: Descriptor

    /// Blocks.
    ///
    /// - Parameter directory: made when it is not there.
    init(in directory: String) throws(SystemError) {
        try Files.makeDirectories(directory)
        if let unnamed = try Descriptor.unnamed(in: directory) {
            file = unnamed
            return
        }
        let path = "\(directory)/.tmp-answer-\(Process.id)"
        // Of a process that was killed between these two lines.
        try Files.unlink(path)
        file = try Descriptor.open(path, [.readWrite, .create, .exclusive])
        try Files.unlink(path)
    }

    /// Blocks.
    func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer, at: offset) }
    }

    func bytes(_ size: Int64) throws(SystemError) -> FileBytes { FileBytes(try file.duplicate(), from: 0, to: size) }
}
