import CLinux
import Glibc

extension Descriptor {
    /// Opens a path that may not leave `root`: no symbolic link, no `..`, whatever happens meanwhile.
    ///
    /// Never blocks on a FIFO (O_NONBLOCK); the caller asks `status()` whether the file is what it wants.
    ///
    /// - Throws: `isEscape` for a link or a way out.
    /// - Note: `openat2(2)`, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS.
    package static func open(
        beneath root: borrowing Descriptor, _ relativePath: String, _ flags: OpenFlags
    ) throws(SystemError) -> Descriptor {
        let number = root.number
        let how = UInt64(UInt32(bitPattern: whole(flags)))
        do throws(SystemError) {
            return Descriptor(
                owning: Int32(
                    try shim("openat2", path: relativePath) {
                        clinux_openat2(number, relativePath, how, 0, clinux_beneath)
                    }))
        } catch {
            // A seccomp filter cannot see openat2's arguments, so many refuse the call: systemd's RestrictSUIDSGID=
            // (ENOSYS), older container runtimes (EPERM). Kernels before 5.6 do not have it.
            guard error.code == ENOSYS || error.code == EPERM else { throw error }
            return try walk(beneath: root, relativePath, flags)
        }
    }

    /// The same without openat2: one component after the other, each beneath the one that is held open.
    package static func walk(
        beneath root: borrowing Descriptor, _ relativePath: String, _ flags: OpenFlags
    ) throws(SystemError) -> Descriptor {
        let names = relativePath.split(separator: "/")
        guard !relativePath.hasPrefix("/"), !names.contains("..") else {
            throw SystemError("openat", path: relativePath, code: EXDEV)
        }
        guard let last = names.last else { throw SystemError("openat", path: relativePath, code: ENOENT) }
        var folder = try root.duplicate()
        for name in names.dropLast() {
            folder = try directory(name, in: folder, whole([.pathOnly, .directory]), relativePath)
        }
        if flags.contains(.directory) { return try directory(last, in: folder, whole(flags), relativePath) }
        // O_NOFOLLOW refuses a link by itself here: open(2).
        guard flags.contains(.pathOnly) else { return try entry(last, in: folder, whole(flags), relativePath) }
        return try place(last, in: folder, relativePath)
    }

    /// With O_DIRECTORY a link is refused by itself, but as what is no directory.
    private static func directory(
        _ name: Substring, in folder: borrowing Descriptor, _ flags: Int32, _ path: String
    ) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            return try entry(name, in: folder, flags, path)
        } catch {
            if error.code == ENOTDIR { _ = try place(name, in: folder, path) }
            throw error
        }
    }

    /// With O_PATH a link itself is opened, and then refused.
    private static func place(
        _ name: Substring, in folder: borrowing Descriptor, _ path: String
    ) throws(SystemError) -> Descriptor {
        let found = try entry(name, in: folder, whole([.pathOnly]), path)
        guard try found.status().kind != .symlink else { throw SystemError("openat", path: path, code: ELOOP) }
        return found
    }

    private static func entry(
        _ name: Substring, in folder: borrowing Descriptor, _ flags: Int32, _ path: String
    ) throws(SystemError) -> Descriptor {
        let (number, name) = (folder.number, String(name))
        return Descriptor(
            owning: try shim("openat", path: path) { clinux_openat(number, name, flags | Int32(O_NOFOLLOW), 0) })
    }

    /// O_PATH goes with few flags only: openat2 refuses the others with EINVAL.
    private static func whole(_ flags: OpenFlags) -> Int32 {
        flags.rawValue | O_CLOEXEC | (flags.contains(.pathOnly) ? 0 : O_NONBLOCK)
    }
}
