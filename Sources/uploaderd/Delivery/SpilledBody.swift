import LinuxSystem
import Shared
import Synchronization

/// The body of a request that is put together piece by piece, in an unnamed file on disk: of a whole session nothing more than a
/// piece is ever in memory.
final class SpilledBody: Sendable {
    private struct End {
        var size: Int64 = 0
        var last: UInt8?
    }

    private let directory: String
    private let file: SpillFile
    private let end = Mutex(End())

    /// Blocks.
    ///
    /// - Parameter directory: made when it is not there.
    init(in directory: String) throws(DeliveryError) {
        self.directory = directory
        file = try Self.writing(directory) { () throws(SystemError) in try SpillFile(in: directory) }
    }

    /// In bytes, so far.
    var size: Int64 { end.withLock { $0.size } }
    /// `nil`: there is none.
    var last: UInt8? { end.withLock { $0.last } }

    /// Blocks. One piece at a time.
    func write(_ bytes: [UInt8]) throws(DeliveryError) {
        let offset = end.withLock { end in
            defer {
                end.size += Int64(bytes.count)
                end.last = bytes.last ?? end.last
            }
            return end.size
        }
        try Self.writing(directory) { () throws(SystemError) in try file.write(bytes, at: offset) }
    }

    /// What was written.
    func bytes() throws(DeliveryError) -> FileBytes {
        try Self.writing(directory) { () throws(SystemError) in try file.bytes(size) }
    }

    private static func writing<Value: ~Copyable>(
        _ directory: String, _ body: () throws(SystemError) -> Value
    ) throws(DeliveryError) -> Value {
        do throws(SystemError) { return try body() } catch {
            throw DeliveryError(
                .transient, "could not write what is to be sent to \(directory): \(error)",
                hint: error.isNoSpace ? "free space on the disk of \(directory)" : nil)
        }
    }
}
