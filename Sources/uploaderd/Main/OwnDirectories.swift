import Engine
import LinuxSystem
import Shared

/// Sees to it that nobody else can read what we keep: a state directory that was there before us may have any mode.
///
/// What is below it needs no look of its own: without the right to search it nobody comes that far.
struct OwnDirectories {
    let directories: Directories
    let log: any EventLog

    /// Blocks; before the state directory is used.
    ///
    /// - Throws: `notOurs`; `failed` when rights could not be taken away; `StoreError` for directories of somebody else's files,
    ///   of which nothing is changed, not even a mode.
    func secure() throws {
        try requireOurs()
        try secure("state directory", directories.state, mayChange: true)
        try secure("spool directory", directories.spool, mayChange: true)
    }

    /// The same for who changes nothing.
    ///
    /// - Throws: `notOurs`; `StoreError`.
    func requireOurs() throws {
        try secure("state directory", directories.state, mayChange: false)
        try secure("spool directory", directories.spool, mayChange: false)
        try Assembly.requireOurs(directories)
    }

    private func secure(_ what: String, _ path: String, mayChange: Bool) throws(OwnDirectoryError) {
        let status = try failing(what, path) { () throws(SystemError) in try Files.status(path, followLinks: true) }
        // What is not there yet is made by us, with mode 0700.
        guard let seen = status else { return }
        guard seen.owner == Process.user else {
            throw OwnDirectoryError(
                .notOurs, "the \(what) \(path) belongs to another user, of id \(seen.owner)",
                hint: "run uploaderd as that user, or choose a directory of yours")
        }
        guard mayChange, seen.kind == .directory, seen.mode & Self.others != 0 else { return }
        try failing(what, path) { () throws(SystemError) in
            try Descriptor.open(path, [.readOnly, .directory]).setMode(seen.mode & 0o700)
        }
        log.record(
            Event(
                .configuration,
                "the \(what) \(path) was open to others, with mode \(Self.octal(seen.mode)); it is yours alone now"))
    }

    private func failing<Value>(
        _ what: String, _ path: String, _ body: () throws(SystemError) -> Value
    ) throws(OwnDirectoryError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw OwnDirectoryError(.failed, "the \(what) \(path) could not be made yours alone", cause: error)
        }
    }

    /// Whatever the group and all others may do.
    private static let others: UInt32 = 0o077

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

/// Why a directory of ours cannot be trusted.
struct OwnDirectoryError: HintedError, Sendable {
    enum Code: Sendable {
        /// Whoever owns it can read it, and can give it to anybody.
        case notOurs
        case failed
    }

    var code: Code
    var message: String
    var hint: String?
    var cause: SystemError?

    init(_ code: Code, _ message: String, hint: String? = nil, cause: SystemError? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    var isUsersToMend: Bool { code == .notOurs }
    var description: String { cause.map { "\(message): \($0.reason)" } ?? message }
}
