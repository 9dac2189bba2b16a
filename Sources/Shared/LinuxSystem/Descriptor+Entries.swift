import CLinux
import Glibc

/// What stands in an open directory, by its name there: one component, and a link is never followed. So whatever happens to the
/// path that led to the directory, nothing outside it is touched.
extension Descriptor {
    /// The corresponding C function is `openat`, with O_NOFOLLOW and O_CLOEXEC.
    package func openEntry(
        _ name: String, _ flags: OpenFlags, mode: UInt32 = 0o600
    ) throws(SystemError) -> Descriptor {
        let all = flags.rawValue | Int32(O_NOFOLLOW) | O_CLOEXEC
        return Descriptor(owning: try shim("openat", path: name) { clinux_openat(number, name, all, mode) })
    }

    /// - Returns: of a link itself; `nil` when there is no such entry.
    package func status(of name: String) throws(SystemError) -> FileStatus? {
        var raw = clinux_status()
        do throws(SystemError) {
            _ = try shim("statx", path: name) { clinux_statx(number, name, 0, &raw) }
            return FileStatus(raw)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// An existing entry is not an error, whatever it is.
    ///
    /// - Returns: whether it was made now.
    package func makeDirectory(_ name: String, mode: UInt32 = 0o700) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try checked("mkdirat", path: name) { mkdirat(number, name, mode) }
            return true
        } catch {
            if error.isExisting { return false }
            throw error
        }
    }

    package func rename(_ name: String, to target: String, replacing: Bool) throws(SystemError) {
        _ = try shim("rename", path: target) { clinux_rename(number, name, target, replacing ? 1 : 0) }
    }

    /// - Returns: `false` when it is gone already.
    @discardableResult
    package func unlink(_ name: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try checked("unlinkat", path: name) { unlinkat(number, name, 0) }
            return true
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }
}
