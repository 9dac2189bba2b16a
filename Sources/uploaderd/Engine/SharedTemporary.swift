import Segments
import Shared
import Store
import Synchronization

/// The temporary file of a long line, which the writer's sink and its maker both hold.
final class SharedTemporary: Sendable {
    let id: SpoolTemporaryID
    private let file: Mutex<SpoolTemporary>

    init(_ file: consuming SpoolTemporary) {
        id = file.id
        self.file = Mutex(file)
    }

    /// Blocks; on a work lane.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        try file.withLock { file in try file.append(bytes) }
    }
}
