import CLinux
import Glibc

/// What inotify(7) says happened to an entry of a watched directory, or to the directory itself.
package struct InotifyEvent: Sendable {
    /// -1 for an overflow.
    package var watch: Int32
    package var mask: InotifyMask
    /// The entry's name; `nil` when the directory itself is meant. Bytes that are no UTF-8 are repaired.
    package var name: String?
    /// Pairs IN_MOVED_FROM with IN_MOVED_TO.
    package var cookie: UInt32
}

package struct InotifyMask: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let modified = InotifyMask(rawValue: UInt32(IN_MODIFY))
    package static let created = InotifyMask(rawValue: UInt32(IN_CREATE))
    package static let deleted = InotifyMask(rawValue: UInt32(IN_DELETE))
    package static let movedFrom = InotifyMask(rawValue: UInt32(IN_MOVED_FROM))
    package static let movedTo = InotifyMask(rawValue: UInt32(IN_MOVED_TO))
    package static let closedAfterWriting = InotifyMask(rawValue: UInt32(IN_CLOSE_WRITE))
    package static let attributes = InotifyMask(rawValue: UInt32(IN_ATTRIB))
    package static let selfDeleted = InotifyMask(rawValue: UInt32(IN_DELETE_SELF))
    package static let selfMoved = InotifyMask(rawValue: UInt32(IN_MOVE_SELF))
    package static let isDirectory = InotifyMask(rawValue: UInt32(IN_ISDIR))
    package static let ignored = InotifyMask(rawValue: UInt32(IN_IGNORED))
    package static let overflow = InotifyMask(rawValue: UInt32(IN_Q_OVERFLOW))
    package static let unmounted = InotifyMask(rawValue: UInt32(IN_UNMOUNT))
    package static let onlyDirectory = InotifyMask(rawValue: UInt32(IN_ONLYDIR))
}

/// One inotify queue. Adding and removing watches may be done from any thread; draining belongs to one.
package struct Inotify: ~Copyable, Sendable {
    /// For `EventLoop.watch`.
    package let descriptor: Descriptor

    /// - Throws: EMFILE when fs.inotify.max_user_instances is reached.
    package init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try checked("inotify_init1") { inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)) })
    }

    /// Watches the directory that is open, whatever its name has become.
    ///
    /// - Returns: the watch descriptor; the same one again for the same directory.
    /// - Throws: ENOSPC when fs.inotify.max_user_watches is reached.
    package func add(_ directory: borrowing Descriptor, _ mask: InotifyMask) throws(SystemError) -> Int32 {
        let path = "/proc/self/fd/\(directory.number)"
        return try checked("inotify_add_watch") { inotify_add_watch(descriptor.number, path, mask.rawValue) }
    }

    /// A watch that is gone already is not an error.
    package func remove(_ watch: Int32) { _ = inotify_rm_watch(descriptor.number, watch) }

    /// Hands queued events to `body`, in order, until there are none, or until there were very many: whoever makes them
    /// faster than they are read must not keep the caller for ever.
    ///
    /// - Returns: whether there may be more.
    package func drain(_ body: (InotifyEvent) -> Void) throws(SystemError) -> Bool {
        try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { (buffer) throws(SystemError) in
            for _ in 0..<8 {
                let count: Int
                do throws(SystemError) {
                    count = try descriptor.read(into: buffer)
                } catch {
                    if error.wouldBlock { return false }
                    throw error
                }
                if count == 0 { return false }
                var offset = 0
                let header = MemoryLayout<inotify_event>.size
                while offset + header <= count {
                    let raw = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    let bytes = UnsafeRawBufferPointer(
                        rebasing: buffer[(offset + header)..<(offset + header + Int(raw.len))])
                    let name = raw.len == 0 ? nil : String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                    body(
                        InotifyEvent(
                            watch: raw.wd, mask: InotifyMask(rawValue: raw.mask), name: name, cookie: raw.cookie))
                    offset += header + Int(raw.len)
                }
            }
            return true
        }
    }
}
