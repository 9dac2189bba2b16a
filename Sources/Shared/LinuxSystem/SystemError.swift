import CLinux
import Glibc

/// A system call that failed: which, on what, and why.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call's name: `openat2`, `fsync`.
    package var operation: String
    package var path: String?
    /// The value of errno(3).
    package var code: Int32

    package init(_ operation: String, path: String? = nil, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// The reason as strerror(3) words it: `No space left on device`.
    package var reason: String {
        var buffer = [CChar](repeating: 0, count: 256)
        // The GNU variant returns the text, which may not be in the buffer: strerror(3).
        guard let text = strerror_r(code, &buffer, buffer.count) else { return "error \(code)" }
        return String(cString: text)
    }

    package var description: String {
        path.map { "\(operation) \($0): \(reason)" } ?? "\(operation): \(reason)"
    }

    package var isNotFound: Bool { code == ENOENT || code == ENOTDIR }
    package var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }
    package var isExisting: Bool { code == EEXIST }
    package var isReadOnly: Bool { code == EROFS }
    package var isRefused: Bool { code == EACCES || code == EPERM }
    package var wouldBlock: Bool { code == EAGAIN }
    /// openat2(2) met a symbolic link, or the path left its root.
    package var isEscape: Bool { code == ELOOP || code == EXDEV }
    package var isTooManyOpen: Bool { code == EMFILE || code == ENFILE }
}

/// Repeats a call that a signal interrupted; -1 becomes the error.
func checked<Result: SignedInteger>(
    _ operation: String, path: String? = nil, _ call: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let code = errno
        if code != EINTR { throw SystemError(operation, path: path, code: code) }
    }
}

/// The same for the shim's calls, which return -errno.
func shim<Result: SignedInteger>(
    _ operation: String, path: String? = nil, _ call: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        if result != Result(-EINTR) { throw SystemError(operation, path: path, code: Int32(-result)) }
    }
}
