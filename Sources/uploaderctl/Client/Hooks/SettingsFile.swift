import Glibc
import LinuxSystem
import Shared

/// An agent's settings file, to be changed while the agent may change it, too.
///
/// What was there is kept beside it; the new text is written whole, the file is read again and compared, and only then does the
/// new one change places with it. What comes out is compared once more: what somebody wrote in between is put back. A link stays,
/// and what it leads to is replaced; the mode stays.
struct SettingsFile {
    /// Where it really lies.
    let path: String
    /// `nil`: there is none.
    let text: [UInt8]?
    private let mode: UInt32

    private static let most = 16 << 20
    private static let backupEnding = ".uploaderd-backup"

    init(_ path: String) throws(ClientError) {
        let (named, status) = try Self.looking(path) { () throws(SystemError) in
            (try Files.status(path), try Files.status(path, followLinks: true))
        }
        guard let named else {
            self.path = path
            text = nil
            mode = 0o600
            return
        }
        guard let status else {
            throw Self.refusal(path, "it is a link that leads nowhere", "mend the link, or remove it")
        }
        guard status.kind == .regular else {
            throw Self.refusal(path, "it is no regular file", "agents read a regular file there")
        }
        guard status.owner == Process.user else {
            throw Self.refusal(path, "it is another user's", "change it as that user")
        }
        guard status.links == 1 else {
            throw Self.refusal(
                path, "it has several names, and would be replaced under one of them",
                "make it a file of its own, or a symbolic link")
        }
        let target = named.kind == .symlink ? Files.resolved(path) : path
        self.path = target
        mode = status.mode
        text = try Self.looking(path) { () throws(SystemError) in try Files.readAll(target, limit: Self.most) }
    }

    private static func looking<Value>(
        _ path: String, _ body: () throws(SystemError) -> Value
    ) throws(ClientError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw ClientError(.failed, "could not read \(path)", cause: error.reason)
        }
    }

    private static func refusal(_ path: String, _ why: String, _ hint: String) -> ClientError {
        ClientError(.refused, "\(path) is not changed: \(why)", hint: hint)
    }

    private var backup: String { path + Self.backupEnding }

    /// - Parameter new: `nil`: the file is removed.
    func replace(with new: [UInt8]?) throws(ClientError) {
        guard new != text else { return }
        do throws(SystemError) {
            let temporary = "\(Files.parent(of: path))/.tmp-\(Files.name(of: path)).\(Process.id)"
            // Without a new text nothing was there but ours.
            guard let new else {
                try requireUnchanged()
                return try remove(by: temporary)
            }
            // What was there before us is there again: then nobody needs the copy of it.
            let isAgain = try copy() == new
            if let text, !isAgain { try put(text, at: backup, mode: mode) }
            do throws(SystemError) {
                try put(new, at: temporary, mode: mode)
                try requireUnchanged()
                if text == nil { try Files.rename(temporary, to: path, replacing: false) }
            } catch {
                _ = Glibc.unlink(temporary)
                throw error.isExisting ? changed : error
            }
            if let text { try exchange(text, for: new, in: temporary) }
            if isAgain { try Files.unlink(backup) }
            try Files.syncDirectory(Files.parent(of: path))
        } catch {
            if error.code == EBUSY {
                throw ClientError(
                    .refused, "\(path) was changed by somebody else meanwhile, and was left as it is", hint: "try again"
                )
            }
            throw ClientError(
                .failed, "could not change \(path)", hint: "it is as it was",
                cause: "\(error.operation): \(error.reason)")
        }
    }

    private func copy() throws(SystemError) -> [UInt8]? {
        try Files.status(backup) == nil ? nil : try Files.readAll(backup, limit: Self.most)
    }

    private func put(_ bytes: [UInt8], at path: String, mode: UInt32) throws(SystemError) {
        try Files.unlink(path)
        let file = try Descriptor.open(path, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
        try bytes.withBytes { (bytes) throws(SystemError) in try file.writeAll(bytes) }
        try file.setMode(mode)
        try file.sync()
        try file.close()
    }

    private var changed: SystemError { SystemError("compare", path: path, code: EBUSY) }

    /// - Throws: EBUSY.
    private func requireUnchanged() throws(SystemError) {
        let now = try Files.status(path) == nil ? nil : try Files.readAll(path, limit: Self.most)
        guard now == text else { throw changed }
    }

    /// How often somebody may write between two steps before what came out stays beside the file.
    private static let mostExchanges = 16

    /// Puts what is in `temporary` in the file's place. The newest that anybody wrote is what stays.
    ///
    /// - Throws: EBUSY.
    private func exchange(_ old: [UInt8], for new: [UInt8], in temporary: String) throws(SystemError) {
        var (expected, given) = (old, new)
        for number in 1...Self.mostExchanges {
            do throws(SystemError) {
                try Files.exchange(temporary, path)
            } catch {
                // A file system that cannot, or nothing to change places with.
                if number == 1, error.code == EINVAL || error.code == ENOSYS {
                    return try Files.rename(temporary, to: path, replacing: true)
                }
                if number == 1 || given == new { _ = Glibc.unlink(temporary) }
                throw error.isNotFound ? changed : error
            }
            let out = try Files.readAll(temporary, limit: Self.most)
            if out == expected {
                try Files.unlink(temporary)
                if number == 1 { return }
                throw changed
            }
            (expected, given) = (given, out)
        }
        throw changed
    }

    /// - Throws: EBUSY.
    private func remove(by temporary: String) throws(SystemError) {
        try Files.rename(path, to: temporary, replacing: false)
        let out = try Files.readAll(temporary, limit: Self.most)
        if out != text {
            do throws(SystemError) {
                try Files.rename(temporary, to: path, replacing: false)
            } catch {
                // Somebody has made a new one meanwhile.
                guard error.isExisting else { throw error }
                try Files.unlink(temporary)
            }
            throw changed
        }
        try Files.unlink(temporary)
    }
}
