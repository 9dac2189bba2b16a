import LinuxSystem

/// A file that is to appear whole or not at all: it has no name until all of it is there, and whatever ends the program
/// before leaves nothing. Where a file system has no such files it is hidden beside its place, then renamed.
///
/// It is marked as restored before it has its name: in a watched root it is no new session as long as nobody writes to it.
///
/// Without `replacing` a file that exists already, or appears meanwhile, stays: linkat(2), renameat2(2) with
/// RENAME_NOREPLACE.
final class RestoredFile {
    private let path: String
    private let isReplacing: Bool
    /// The hidden name; `nil` while it has none.
    private var temporary: String?
    private let file: Descriptor

    /// - Throws: `refused` when there is such a file.
    init(_ path: String, replacing: Bool) throws(ClientError) {
        self.path = path
        isReplacing = replacing
        // A device or a FIFO is never meant to become a file, whoever may do it.
        if let kind = try Self.kind(of: path), !replacing || (kind != .regular && kind != .symlink) {
            throw Self.taken(path, kind)
        }
        do throws(SystemError) {
            if let unnamed = try Descriptor.unnamed(in: Files.parent(of: path)) {
                file = unnamed
                return
            }
        } catch {
            throw Self.failure("could not make a file beside \(path)", error)
        }
        var made: Descriptor?
        temporary = try Self.freeName(beside: path) { (candidate) throws(SystemError) in
            made = try Descriptor.open(candidate, [.writeOnly, .create, .exclusive, .noFollow])
        }
        guard let made else { preconditionFailure("a free name is one under which the file was made") }
        file = made
    }

    /// The first hidden name that `make` finds free: one of our own that died with this number may have left its file.
    private static func freeName(
        beside path: String, _ make: (String) throws(SystemError) -> Void
    ) throws(ClientError) -> String {
        for attempt in 0..<16 {
            let candidate = "\(Files.parent(of: path))/.uploaderctl-\(Process.id)-\(attempt).tmp"
            do throws(SystemError) {
                try make(candidate)
                return candidate
            } catch {
                guard error.isExisting else { throw failure("could not make a file beside \(path)", error) }
            }
        }
        throw ClientError(
            .failed, "could not make a file beside \(path): too many .uploaderctl-… files are there",
            hint: "remove them")
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ClientError) {
        do throws(SystemError) {
            try file.writeAll(bytes)
        } catch {
            throw Self.failure("could not write \(path)", error)
        }
    }

    /// The file is complete: it gets its name, and both are made durable.
    func place() throws(ClientError) {
        do throws(SystemError) {
            try RestoredMark.set(on: file)
        } catch {
            // Safe: where marks cannot be kept the file is a copy like any other.
        }
        do throws(SystemError) {
            try file.sync()
            if temporary == nil, !isReplacing {
                try file.link(as: path)
                return try Files.syncDirectory(Files.parent(of: path))
            }
        } catch {
            if error.isExisting { throw Self.taken(path, .regular) }
            throw Self.failure("could not place \(path)", error)
        }
        // A link never replaces anything, a rename does.
        let hidden: String
        if let temporary {
            hidden = temporary
        } else {
            hidden = try Self.freeName(beside: path) { (candidate) throws(SystemError) in
                try file.link(as: candidate)
            }
            temporary = hidden
        }
        do throws(SystemError) {
            try Files.rename(hidden, to: path, replacing: isReplacing)
            try Files.syncDirectory(Files.parent(of: path))
        } catch {
            if error.isExisting { throw Self.taken(path, .regular) }
            throw Self.failure("could not place \(path)", error)
        }
    }

    func abandon() {
        // The first error is the one that matters; the file is hidden, and ours.
        if let temporary { try? Files.unlink(temporary) }
    }

    private static func kind(of path: String) throws(ClientError) -> FileKind? {
        do throws(SystemError) {
            return try Files.status(path)?.kind
        } catch {
            throw failure("could not look at \(path)", error)
        }
    }

    private static func taken(_ path: String, _ kind: FileKind) -> ClientError {
        switch kind {
        case .directory:
            ClientError(.refused, "\(path) is a directory", hint: "name the file itself: --to \(path)/NAME.jsonl")
        case .regular, .symlink:
            ClientError(.refused, "\(path) exists already", hint: "choose another name, or replace it with --force")
        case .fifo, .socket, .device, .other:
            ClientError(
                .refused, "\(path) exists and is no file", hint: "choose another name; replay writes to standard output"
            )
        }
    }

    private static func failure(_ message: String, _ error: SystemError) -> ClientError {
        let hint: String? =
            error.isNoSpace
            ? "free space there" : error.isNotFound ? "make its directory first" : nil
        return ClientError(error.isRefused ? .refused : .failed, message, hint: hint, cause: error.reason)
    }
}
