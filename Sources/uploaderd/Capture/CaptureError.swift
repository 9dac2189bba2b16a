package import LinuxSystem
import Shared

/// Why a source could not be found, opened or read.
package struct CaptureError: HintedError, Sendable {
    package enum Code: Sendable, Hashable {
        /// There is no such file, or its root is not there.
        case missing
        /// Permission denied.
        case unreadable
        /// Not a regular file, or reached through a symbolic link: it is never read.
        case refused
        /// The process or the system has no descriptor to spare; it helps to try again later.
        case tooManyOpen
        /// The disk or the file system failed.
        case failed
        /// A glob that cannot be understood.
        case invalidPattern
    }

    package var code: Code
    package var message: String
    package var hint: String?
    package var cause: SystemError?

    package init(_ code: Code, _ message: String, hint: String? = nil, cause: SystemError? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// A failed call on `path`, sorted by what can be done about it.
    package init(_ action: String, _ path: String, _ cause: SystemError) {
        self.init(.failed, "could not \(action) \(path)", cause: cause)
        if cause.operation == PackedFile.operation {
            message = "could not decompress \(path)\(PackedFile.suffix)"
            hint = "zstd --test says whether it is whole; it is tried again, and when it changes"
        } else if cause.isNotFound {
            code = .missing
        } else if cause.isRefused {
            code = .unreadable
            hint = "let the user that runs uploaderd read it"
        } else if cause.isEscape {
            code = .refused
            hint = "symbolic links below a root are not followed; watch the place they lead to as a root of its own"
        } else if cause.isTooManyOpen {
            code = .tooManyOpen
            hint = "raise LimitNOFILE"
        }
    }

    package var description: String { cause.map { "\(message): \($0.reason)" } ?? message }

    /// Whether the same call may succeed later without anybody changing anything.
    package var isTransient: Bool { code == .tooManyOpen || code == .failed }
}
