import CLinux
import Glibc

extension Descriptor {
    /// Opens the very file that this descriptor (maybe of O_PATH) is of, whatever its name has become.
    ///
    /// So the kind of a file can be asked before anything is opened for reading: a FIFO or a device is never touched.
    ///
    /// - Note: `open(2)` of `/proc/self/fd/N`.
    package func reopened(_ flags: OpenFlags) throws(SystemError) -> Descriptor {
        try Descriptor.open("/proc/self/fd/\(number)", flags)
    }

    /// The absolute path that the file has now, links resolved.
    ///
    /// - Returns: `nil` when it has none any more, or one that is no UTF-8.
    /// - Note: `readlink(2)` of `/proc/self/fd/N`.
    package func currentPath() throws(SystemError) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = try checked("readlink") { readlink("/proc/self/fd/\(number)", &buffer, buffer.count) }
        let path = String(validating: buffer[..<count], as: UTF8.self)
        guard let path, path.hasPrefix("/"), !path.hasSuffix(" (deleted)") else { return nil }
        return path
    }
}
