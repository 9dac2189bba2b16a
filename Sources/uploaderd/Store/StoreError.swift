import LinuxSystem
import Shared

/// Why the local state could not be read or changed.
package struct StoreError: HintedError, Sendable {
    package enum Code: Sendable, Hashable {
        /// Another daemon holds the state directory, or the spool.
        case locked
        /// The state directory or the spool is not empty, and not ours. It is left as it is.
        case foreign
        /// A newer version made the catalog. It is left as it is.
        case newerCatalog
        /// The catalog's contents contradict themselves.
        case corrupt
        /// The disk, or the user's quota on it, is full.
        case noSpace
        case readOnly
        /// A system call failed otherwise; of a failed fsync the bytes count as lost.
        case io
        case busy
        /// What was handed over does not continue the cursor: read it again and go on from there.
        case stale
        /// Nothing of this session is cut until its earlier life is known: `resolve`.
        case unresolved
        /// Nothing of this session is taken: it is private, or was forgotten.
        case notOpen
        /// No such session, stream or segment.
        case unknown
        /// A file in the spool is not what its row says.
        case damaged
        /// A file that its row says is in the spool is not there.
        case missing
        case closed
        /// A mistake of ours.
        case internalFailure
    }

    package var code: Code
    package var message: String
    package var hint: String?
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// Made of a failed system call; `message` says what could not be done, and the call says why.
    init(_ message: String, _ cause: SystemError) {
        self.message = message
        self.cause = cause
        if cause.isNoSpace {
            code = .noSpace
            hint = "free space on that file system"
        } else if cause.isReadOnly || cause.isRefused {
            code = .readOnly
            hint = "make the state directory writable for this user, or choose another with --state-dir"
        } else {
            code = .io
            hint = nil
        }
    }

    /// Whether the same call can succeed later without anybody changing the program.
    package var isTransient: Bool {
        switch code {
        case .noSpace, .readOnly, .io, .busy: true
        case .locked, .foreign, .newerCatalog, .corrupt, .stale, .unresolved, .notOpen, .unknown, .damaged, .missing,
            .closed,
            .internalFailure:
            false
        }
    }

    package var isUsersToMend: Bool { code == .locked || code == .foreign || code == .newerCatalog }

    package var description: String { cause.map { "\(message): \($0)" } ?? message }
}

/// Performs system calls; their failure becomes ours, with the sentence that says what was being done.
func reporting<Result: ~Copyable>(
    _ message: @autoclosure () -> String, _ body: () throws(SystemError) -> Result
) throws(StoreError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw StoreError(message(), error)
    }
}
