import CLinux
import Glibc
import Shared

/// Paths of our own: state, cache, store. Never a path that a session or a peer named.
package enum Files {
    /// - Returns: `nil` when there is no such file.
    package static func status(_ path: String, followLinks: Bool = false) throws(SystemError) -> FileStatus? {
        var raw = clinux_status()
        do throws(SystemError) {
            _ = try shim("statx", path: path) { clinux_statx(AT_FDCWD, path, followLinks ? 1 : 0, &raw) }
            return FileStatus(raw)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// An existing directory is not an error.
    ///
    /// - Returns: whether it was made now.
    @discardableResult
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o700) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try checked("mkdir", path: path) { mkdir(path, mode) }
            return true
        } catch {
            if error.isExisting { return false }
            throw error
        }
    }

    /// Makes the directory and all that lead to it, and syncs each folder that got a new entry.
    package static func makeDirectories(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
        if let status = try status(path, followLinks: true) {
            guard status.kind == .directory else { throw SystemError("mkdir", path: path, code: ENOTDIR) }
            return
        }
        let parent = parent(of: path)
        if parent != path { try makeDirectories(parent, mode: mode) }
        if try makeDirectory(path, mode: mode) { try syncDirectory(parent) }
    }

    /// Asks whether this process could write into the directory, or make it where it is not: faccessat(2). Changes nothing.
    ///
    /// - Throws: why not, of the nearest folder that is there.
    package static func requireWritable(_ path: String) throws(SystemError) {
        guard let status = try status(path, followLinks: true) else {
            return try requireWritable(parent(of: path))
        }
        guard status.kind == .directory else { throw SystemError("access", path: path, code: ENOTDIR) }
        _ = try checked("access", path: path) { faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) }
    }

    package static func rename(_ path: String, to target: String, replacing: Bool) throws(SystemError) {
        _ = try shim("rename", path: target) { clinux_rename(AT_FDCWD, path, target, replacing ? 1 : 0) }
    }

    /// Each gets the other's name, in one step.
    ///
    /// - Throws: EINVAL, on a file system that cannot: renameat2(2), RENAME_EXCHANGE.
    package static func exchange(_ path: String, _ other: String) throws(SystemError) {
        _ = try shim("rename", path: other) { clinux_exchange(path, other) }
    }

    /// A file that is gone already is not an error.
    package static func unlink(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            _ = try checked("unlink", path: path) { Glibc.unlink(path) }
        } catch {
            if !error.isNotFound { throw error }
        }
    }

    /// - Returns: `false` when it is not empty or not there.
    package static func removeDirectory(_ path: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try checked("rmdir", path: path) { rmdir(path) }
            return true
        } catch {
            if error.isNotFound || error.code == ENOTEMPTY || error.isExisting { return false }
            throw error
        }
    }

    /// - Returns: `[]` when there is no such directory.
    package static func list(_ path: String) throws(SystemError) -> [DirectoryEntry] {
        do throws(SystemError) {
            return try Descriptor.open(path, [.readOnly, .directory]).entries()
        } catch {
            if error.isNotFound { return [] }
            throw error
        }
    }

    /// Makes the names in a folder durable.
    package static func syncDirectory(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try Descriptor.open(path, [.readOnly, .directory]).sync()
        } catch {
            throw SystemError("fsync", path: path, code: error.code)
        }
    }

    /// The whole file.
    ///
    /// - Throws: EFBIG when it is longer than `limit` bytes.
    package static func readAll(_ path: String, limit: Int = 64 << 20) throws(SystemError) -> [UInt8] {
        try Descriptor.open(path, [.readOnly]).contents(limit: limit, path: path)
    }

    /// Replaces a file so that after a crash it is the old one or the new one, whole: a temporary file in the same
    /// folder, fsync, rename, fsync of the folder.
    package static func writeDurably(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws(SystemError) {
        let temporary = try writeTemporary(bytes, for: path, mode: mode)
        do throws(SystemError) {
            try Descriptor.open(temporary, [.readWrite, .noFollow]).sync()
            try rename(temporary, to: path, replacing: true)
            try syncDirectory(parent(of: path))
        } catch {
            _ = Glibc.unlink(temporary)
            throw SystemError(error.operation, path: path, code: error.code)
        }
    }

    /// Writes what is to replace a file into a temporary one beside it, without syncing it.
    ///
    /// - Returns: the temporary file's path.
    package static func writeTemporary(
        _ bytes: [UInt8], for path: String, mode: UInt32 = 0o600
    ) throws(SystemError) -> String {
        let temporary = "\(parent(of: path))/.tmp-\(name(of: path))"
        do throws(SystemError) {
            try unlink(temporary)
            let file = try Descriptor.open(temporary, [.writeOnly, .create, .exclusive, .noFollow], mode: mode)
            try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
            try file.close()
            return temporary
        } catch {
            _ = Glibc.unlink(temporary)
            throw SystemError(error.operation, path: path, code: error.code)
        }
    }

    /// Bytes that an ordinary user may still write there.
    package static func freeSpace(at path: String) throws(SystemError) -> Int64 {
        try shim("statvfs", path: path) { clinux_free_space(path) }
    }

    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The path without links, `.` and `..`: of its longest part that exists, and the rest as it is: realpath(3).
    package static func resolved(_ path: String) -> String {
        var existing = path
        var rest = ""
        while true {
            if let text = realpath(existing, nil) {
                defer { free(text) }
                let found = String(cString: text)
                return rest.isEmpty ? found : (found == "/" ? "" : found) + rest
            }
            guard existing != "/", existing != ".", !existing.isEmpty else { return path }
            rest = "/\(name(of: existing))\(rest)"
            existing = parent(of: existing)
        }
    }

    package static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}

extension Descriptor {
    /// The whole file, from its beginning.
    ///
    /// - Parameter path: what it is called in an error.
    /// - Throws: EFBIG when it is longer than `limit` bytes.
    package func contents(limit: Int, path: String) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count: Int
            do throws(SystemError) {
                let offset = Int64(bytes.count)
                count = try chunk.withMutableBytes { (buffer) throws(SystemError) in try read(into: buffer, at: offset)
                }
            } catch {
                throw SystemError("read", path: path, code: error.code)
            }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else { throw SystemError("read", path: path, code: EFBIG) }
            bytes.append(contentsOf: chunk[..<count])
        }
    }
}
