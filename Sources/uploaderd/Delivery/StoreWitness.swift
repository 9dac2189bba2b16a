import LinuxSystem
import Shared
import Synchronization

/// The object that every directory store has, and the file that it was when it was last read or put. A folder without it is
/// not the store: the mount point of a disk that is not there, say, and what is written there would be lost under it.
package final class StoreWitness: Sendable {
    let key: ObjectKey
    private let file = Mutex<FileIdentity?>(nil)

    package init(_ key: ObjectKey) { self.key = key }

    /// `nil`: nobody has seen it yet.
    var seen: FileIdentity? {
        get { file.withLock { $0 } }
        set { file.withLock { $0 = newValue } }
    }
}
