import CLinux
import Glibc

package struct OpenFlags: OptionSet, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let readOnly = OpenFlags(rawValue: O_RDONLY)
    package static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    package static let readWrite = OpenFlags(rawValue: O_RDWR)
    package static let create = OpenFlags(rawValue: O_CREAT)
    package static let exclusive = OpenFlags(rawValue: O_EXCL)
    package static let truncate = OpenFlags(rawValue: O_TRUNC)
    package static let append = OpenFlags(rawValue: O_APPEND)
    package static let directory = OpenFlags(rawValue: Int32(O_DIRECTORY))
    package static let noFollow = OpenFlags(rawValue: Int32(O_NOFOLLOW))
    package static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
    package static let pathOnly = OpenFlags(rawValue: Int32(O_PATH))
}

/// One open file. It has one owner, and is closed when that ends.
///
/// Every call repeats after EINTR. Blocks as the file does; on a lane, never on the loop, unless said otherwise.
package struct Descriptor: ~Copyable, Sendable {
    /// Only LinuxSystem looks at it.
    let number: Int32

    init(owning number: Int32) { self.number = number }

    deinit {
        // After EINTR the descriptor is gone all the same: close(2), NOTES. Nobody is left to hear of an error.
        _ = Glibc.close(number)
    }

    /// Opens a path, with O_CLOEXEC.
    ///
    /// The corresponding C function is `open`.
    package static func open(
        _ path: String, _ flags: OpenFlags, mode: UInt32 = 0o600
    ) throws(SystemError) -> Descriptor {
        Descriptor(owning: try shim("open", path: path) { clinux_open(path, flags.rawValue | O_CLOEXEC, mode) })
    }

    /// Takes a descriptor that systemd handed over: sd_listen_fds(3).
    package static func inherited(_ number: Int32) -> Descriptor { Descriptor(owning: number) }

    package consuming func close() throws(SystemError) {
        let number = self.number
        discard self
        if Glibc.close(number) == -1, errno != EINTR { throw SystemError("close", code: errno) }
    }

    package func duplicate() throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked("dup") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }

    /// Reads at `offset`; the file's own offset never moves.
    ///
    /// - Returns: the number of bytes, 0 at the end of the file.
    /// - Note: `pread(2)`.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        try checked("pread") { pread(number, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Fills the whole buffer from `offset`, or stops at the end of the file.
    package func readFully(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = try read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]), at: offset + Int64(done))
            if count == 0 { break }
            done += count
        }
        return done
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try checked("read") { Glibc.read(number, buffer.baseAddress, buffer.count) }
    }

    /// - Returns: how many bytes were taken, maybe fewer than there are.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try checked("write") { Glibc.write(number, bytes.baseAddress, bytes.count) }
    }

    package func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var done = 0
        while done < bytes.count { done += try write(UnsafeRawBufferPointer(rebasing: bytes[done...])) }
    }

    package func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try checked("pwrite") { pwrite(number, rest.baseAddress, rest.count, off_t(offset) + off_t(done)) }
        }
    }

    /// Makes the file's bytes and size durable. A failure is final: the kernel may drop the dirty pages (fsync(2), NOTES).
    package func sync() throws(SystemError) { _ = try checked("fsync") { fsync(number) } }

    package func truncate(to size: Int64) throws(SystemError) {
        _ = try checked("ftruncate") { ftruncate(number, off_t(size)) }
    }

    package func status() throws(SystemError) -> FileStatus {
        var raw = clinux_status()
        _ = try shim("statx") { clinux_statx(number, nil, 0, &raw) }
        return FileStatus(raw)
    }

    /// Sets the permission bits: fchmod(2).
    package func setMode(_ mode: UInt32) throws(SystemError) { _ = try checked("fchmod") { fchmod(number, mode) } }

    /// Takes the lock of flock(2), which ends with the descriptor.
    ///
    /// - Returns: `false` when another process holds it.
    package func lock() throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try shim("flock") { clinux_lock(number) }
            return true
        } catch {
            if error.wouldBlock { return false }
            throw error
        }
    }

    /// Whether any process has the file open for writing; only the file's owner may ask.
    ///
    /// - Note: tries a read lease, fcntl(2) "Leases", which is granted only when there is no writer.
    package func hasWriter() throws(SystemError) -> Bool {
        try shim("fcntl(F_SETLEASE)") { clinux_has_writer(number) } == 1
    }

    /// The entries of an open directory, without `.` and `..`, in the file system's order.
    package func entries() throws(SystemError) -> [DirectoryEntry] {
        // fdopendir takes the descriptor over, and a directory's offset is shared by its duplicates: open it anew.
        let own = try shim("openat") { clinux_openat(number, ".", O_RDONLY | Int32(O_DIRECTORY) | O_CLOEXEC, 0) }
        guard let directory = fdopendir(own) else {
            let code = errno
            _ = Glibc.close(own)
            throw SystemError("fdopendir", code: code)
        }
        defer { closedir(directory) }
        var found: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw SystemError("readdir", code: errno) }
                return found
            }
            guard let text = clinux_direntry_name(entry) else { continue }
            let exact = String(validatingCString: text)
            let name = exact ?? String(cString: text)
            if name == "." || name == ".." { continue }
            let kind: FileKind? =
                switch Int(clinux_direntry_type(entry)) {
                case Int(DT_REG): .regular
                case Int(DT_DIR): .directory
                case Int(DT_LNK): .symlink
                case Int(DT_FIFO): .fifo
                case Int(DT_SOCK): .socket
                case Int(DT_CHR), Int(DT_BLK): .device
                case Int(DT_UNKNOWN): nil
                default: .other
                }
            found.append(DirectoryEntry(name: name, isExact: exact != nil, kind: kind))
        }
    }
}
