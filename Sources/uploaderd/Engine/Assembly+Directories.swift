package import Shared
import Store

extension Assembly {
    /// Refuses a state directory or a spool that holds what is not ours. Blocks; before anything is changed there.
    ///
    /// - Throws: `StoreError`, of the code `foreign` when the user has to choose another.
    package static func requireOurs(_ directories: Directories) throws {
        try StateDirectory(directories.state, spool: directories.spool).requireOurs()
    }
}
