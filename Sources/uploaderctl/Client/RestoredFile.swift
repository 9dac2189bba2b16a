import LinuxSystem

/// A file that is to appear whole or not at all: hidden beside its place, synced, then renamed.
///
/// Without `replacing` a file that exists already, or appears meanwhile, stays: renameat2(2), RENAME_NOREPLACE.
final class RestoredFile {
    private let path: String
    private let isReplacing: Bool
    private let temporary: String
    private let file: Descriptor

    /// - Throws: `refused` when there is such a file.
    init(_ path: String, replacing: Bool) throws(ClientError) {
        self.path = path
        isReplacing = replacing
        if let kind = try Self.kind(of: path), !replacing || kind == .directory { throw Self.taken(path, kind) }
        // One of our own that died with this number may have left its file: the next name is free.
        for attempt in 0..<16 {
            let candidate = "\(Files.parent(of: path))/.uploaderctl-\(Process.id)-\(attempt).tmp"
            do throws(SystemError) {
                file = try Descriptor.open(candidate, [.writeOnly, .create, .exclusive, .noFollow])
                temporary = candidate
                return
            } catch {
                guard error.isExisting else { throw Self.failure("could not make a file beside \(path)", error) }
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
            try file.sync()
            try Files.rename(temporary, to: path, replacing: isReplacing)
            try Files.syncDirectory(Files.parent(of: path))
        } catch {
            if error.isExisting { throw Self.taken(path, .regular) }
            throw Self.failure("could not place \(path)", error)
        }
    }

    func abandon() {
        // The first error is the one that matters; the file is hidden, and ours.
        try? Files.unlink(temporary)
    }

    private static func kind(of path: String) throws(ClientError) -> FileKind? {
        do throws(SystemError) {
            return try Files.status(path)?.kind
        } catch {
            throw failure("could not look at \(path)", error)
        }
    }

    private static func taken(_ path: String, _ kind: FileKind) -> ClientError {
        kind == .directory
            ? ClientError(.refused, "\(path) is a directory", hint: "name the file itself: --to \(path)/NAME.jsonl")
            : ClientError(.refused, "\(path) exists already", hint: "choose another name, or replace it with --force")
    }

    private static func failure(_ message: String, _ error: SystemError) -> ClientError {
        let hint: String? =
            error.isNoSpace
            ? "free space there" : error.isNotFound ? "make its directory first" : nil
        return ClientError(error.isRefused ? .refused : .failed, message, hint: hint, cause: error.reason)
    }
}
