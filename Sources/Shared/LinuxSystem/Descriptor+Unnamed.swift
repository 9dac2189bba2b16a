import CLinux
import Glibc

extension Descriptor {
    /// Makes a file without a name in a directory, opened for reading and writing: it is gone with its last descriptor, whatever kills
    /// the process, unless it is given a name.
    ///
    /// - Returns: `nil` where the file system has no such files.
    /// - Note: `O_TMPFILE`, open(2); kernels or file systems without it say EOPNOTSUPP or EISDIR.
    package static func unnamed(in directory: String, mode: UInt32 = 0o600) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return Descriptor(owning: try shim("open", path: directory) { clinux_open_unnamed(directory, mode) })
        } catch {
            if error.code == EOPNOTSUPP || error.code == EISDIR || error.code == EINVAL { return nil }
            throw error
        }
    }

    /// Gives a file without a name this one.
    ///
    /// - Throws: `isExisting` when something has it.
    package func link(as path: String) throws(SystemError) {
        _ = try shim("linkat", path: path) { clinux_link(number, path) }
    }
}
