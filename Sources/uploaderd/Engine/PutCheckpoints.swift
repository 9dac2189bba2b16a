import Shared
import Store
import Synchronization

/// The checkpoint objects that were put for a manifest that is not published yet.
///
/// A session can have hundreds of them, and they are put before the manifest that names them. Were they begun from the first
/// again whenever one fails, a far end that refuses one request of ten would never get that manifest. Only in memory: they
/// are put under final names, so another life puts them once more and finds the same bytes.
final class PutCheckpoints: Sendable {
    /// Below one folder of one store, which a checkpoint must be in to be named there.
    struct Folder: Hashable, Sendable {
        var store: StoreID
        var path: String
    }

    private let put = Mutex<[Folder: Set<CheckpointRecord>]>([:])

    /// Those that are still to be put, in their order.
    func missing(of checkpoints: [CheckpointRecord], in folder: Folder) -> [CheckpointRecord] {
        guard let there = put.withLock({ $0[folder] }) else { return checkpoints }
        return checkpoints.filter { !there.contains($0) }
    }

    func note(_ checkpoint: CheckpointRecord, in folder: Folder) {
        put.withLock { _ = $0[folder, default: []].insert(checkpoint) }
    }

    /// A manifest names them: they are asked for no more.
    func forget(_ folder: Folder) { put.withLock { $0[folder] = nil } }
}
