import Glibc
package import LinuxSystem
package import Shared

/// A folder of a test's own, in memory where the system has such a place, removed with it.
package final class Scratch: Sendable {
    package let path: String

    package init(_ name: String = "test") throws(SystemError) {
        let memory = "/dev/shm"
        let base = access(memory, W_OK) == 0 ? memory : "/tmp"
        var template = Array("\(base)/uploaderd-\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", path: base, code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Tree.remove(path) }

    package func callAsFunction(_ relativePath: String) -> String { "\(path)/\(relativePath)" }

    /// Writes a whole file, and makes the folders that it needs.
    package func write(_ text: String, to relativePath: String) throws(SystemError) {
        try write(Array(text.utf8), to: relativePath)
    }

    package func write(_ bytes: [UInt8], to relativePath: String) throws(SystemError) {
        try Files.makeDirectories(Files.parent(of: self(relativePath)))
        let file = try Descriptor.open(self(relativePath), [.writeOnly, .create, .truncate])
        try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
    }

    /// Adds to the end of a file, and makes it when it is not there.
    ///
    /// - Parameter wall: the file's time, so that a simulated clock and the file's agree.
    package func append(
        _ bytes: [UInt8], to relativePath: String, at wall: WallTime? = nil
    ) throws(SystemError) {
        try Files.makeDirectories(Files.parent(of: self(relativePath)))
        let file = try Descriptor.open(self(relativePath), [.writeOnly, .create, .append])
        try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
        try file.close()
        if let wall { try setTime(of: relativePath, to: wall) }
    }

    package func setTime(of relativePath: String, to wall: WallTime) throws(SystemError) {
        try Tree.setTime(of: self(relativePath), to: wall)
    }

    package func bytes(_ relativePath: String) throws(SystemError) -> [UInt8] { try Files.readAll(self(relativePath)) }
}

package enum Tree {
    /// What a crash leaves: files as they are now, their times too, without the shared memory of SQLite's write-ahead log.
    package static func copy(_ from: String, to target: String) throws(SystemError) {
        try Files.makeDirectories(target)
        for entry in try Files.list(from) {
            let (source, copy) = ("\(from)/\(entry.name)", "\(target)/\(entry.name)")
            guard let status = try Files.status(source) else { continue }
            switch status.kind {
            case .directory: try Tree.copy(source, to: copy)
            case .regular where !entry.name.hasSuffix("-shm"):
                let file = try Descriptor.open(copy, [.writeOnly, .create, .truncate])
                let bytes = try Files.readAll(source)
                try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
                try setTime(of: copy, to: WallTime(nanoseconds: status.modified))
            default: break
            }
        }
    }

    package static func setTime(of path: String, to wall: WallTime) throws(SystemError) {
        let stamp = timespec(tv_sec: Int(wall.seconds), tv_nsec: Int(wall.nanoseconds - wall.seconds * 1_000_000_000))
        let both = [stamp, stamp]
        guard utimensat(AT_FDCWD, path, both, 0) == 0 else {
            throw SystemError("utimensat", path: path, code: errno)
        }
    }

    /// Paths of all files below, relative, sorted, but for the lock of a spool, which is always there.
    package static func files(_ path: String, below: String = "") throws(SystemError) -> [String] {
        var all: [String] = []
        for entry in try Files.list(path) where entry.name != ".uploaderd.lock" {
            let inner = below.isEmpty ? entry.name : "\(below)/\(entry.name)"
            switch try Files.status("\(path)/\(entry.name)")?.kind {
            case .directory: all += try files("\(path)/\(entry.name)", below: inner)
            default: all.append(inner)
            }
        }
        return all.sorted()
    }

    package static func remove(_ path: String) {
        do throws(SystemError) {
            for entry in try Files.list(path) {
                let inner = "\(path)/\(entry.name)"
                if try Files.status(inner)?.kind == .directory { remove(inner) } else { try Files.unlink(inner) }
            }
            _ = try Files.removeDirectory(path)
        } catch {
            // A leftover in a folder for temporary files is no test's failure.
        }
    }
}
