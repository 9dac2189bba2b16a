import CLinux
package import Shared

package enum FileKind: Sendable, Hashable {
    case regular, directory, symlink, fifo, socket, device, other
}

/// What statx(2) says of a file.
package struct FileStatus: Sendable, Hashable {
    package var kind: FileKind
    /// In bytes.
    package var size: Int64
    package var links: Int
    /// Nanoseconds since 1970; anybody may set it to anything, and what lies beyond the years 1677 and 2262 is set to their ends.
    package var modified: Int64
    /// When anything of the file changed last, in nanoseconds since 1970: unlike `modified` nobody can set it back.
    package var changed: Int64
    package var identity: FileIdentity
    /// Permission bits, `0o7777`.
    package var mode: UInt32
    /// The owner's user id.
    package var owner: UInt32

    init(_ raw: clinux_status) {
        // inode(7), "The file type and mode"; the macros do not import.
        kind =
            switch raw.mode & 0o170000 {
            case 0o100000: .regular
            case 0o040000: .directory
            case 0o120000: .symlink
            case 0o010000: .fifo
            case 0o140000: .socket
            case 0o020000, 0o060000: .device
            default: .other
            }
        size = raw.size
        links = Int(raw.links)
        modified = raw.modified_ns
        changed = raw.changed_ns
        identity = FileIdentity(device: raw.device, inode: raw.inode, birth: raw.birth_ns)
        mode = raw.mode & 0o7777
        owner = raw.owner
    }
}

package struct DirectoryEntry: Sendable, Hashable {
    /// Bytes that are no UTF-8 are repaired in `name`; `isExact` then is false, and the file cannot be opened by it.
    package var name: String
    package var isExact: Bool
    /// `nil` where the file system does not say.
    package var kind: FileKind?
}
