import Glibc
import LinuxSystem
import Shared

/// The folders of a directory store: opened beneath its root without following a link, made when they are needed, and swept of
/// what killed processes left half-written.
///
/// The root itself may be a link: the user named it. Below it a folder is named by its path from there; `.` is the root.
struct StoreFolders {
    /// What every temporary file's name begins with; it is no object.
    static let temporary = ".tmp-"
    /// Of a file that another machine may be writing, whose lock is not seen everywhere.
    private static let longestPut: Duration = .seconds(24 * 3600)

    private let path: String
    /// Tells this machine's temporary files from another's in a folder that both write.
    private let owner: String
    private let time: any TimeSource
    /// Those that are known to be there, durably; `.` always is.
    private var durable: Set<String> = ["."]
    /// Those of them that were swept in this life.
    private var swept: Set<String> = []

    /// - Parameter path: absolute, of the root.
    init(_ path: String, owner: String, time: any TimeSource) {
        self.path = path
        self.owner = owner
        self.time = time
    }

    /// Opened anew each time: another disk may be mounted there meanwhile.
    func root() throws(SystemError) -> Descriptor { try Descriptor.open(path, [.pathOnly, .directory]) }

    func rootMade() throws(SystemError) -> Descriptor {
        try Files.makeDirectories(path)
        return try root()
    }

    /// - Returns: `nil` when it is not there.
    static func opened(_ folder: String, beneath root: borrowing Descriptor) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return try Descriptor.open(beneath: root, folder, [.readOnly, .directory])
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// Opens a folder; made with mode 0700 where it is not there, and durable, with all that lead to it.
    mutating func made(_ folder: String, beneath root: borrowing Descriptor) throws(SystemError) -> Descriptor {
        let there = try settled(folder, beneath: root)
        if swept.contains(folder) { return there }
        try sweep(there)
        if swept.count > 4096 { (durable, swept) = (["."], []) }
        swept.insert(folder)
        return there
    }

    private mutating func settled(
        _ folder: String, beneath root: borrowing Descriptor
    ) throws(SystemError) -> Descriptor {
        if durable.contains(folder) {
            if let there = try Self.opened(folder, beneath: root) { return there }
            guard folder != "." else { throw SystemError("openat2", path: folder, code: ENOENT) }
            // A user has emptied the store meanwhile.
            (durable, swept) = (["."], [])
        }
        let parent = try settled(Files.parent(of: folder), beneath: root)
        var there = try Self.opened(folder, beneath: root)
        let name = Files.name(of: folder)
        if there == nil { _ = try parent.makeDirectory(name) }
        // Also when it was there: whoever made it may have been stopped before this.
        try parent.sync()
        durable.insert(folder)
        if let there = there.take() { return there }
        return try parent.openEntry(name, [.readOnly, .directory])
    }

    /// The first link on the way from the root to an entry, absolute; `nil`: there is none any more.
    func link(on relativePath: String) -> String? {
        var place = path
        for name in relativePath.split(separator: "/") {
            place += "/\(name)"
            // What cannot be looked at is not named; the error that was met is told in any case.
            if (try? Files.status(place))??.kind == .symlink { return place }
        }
        return nil
    }

    /// Removes what killed processes left half-written in a folder: of this machine what nobody holds a lock on, of others
    /// what is old, too.
    ///
    /// Done where the first object of a life is put: that is where a put was cut off, for it is tried again. Walking the
    /// whole store at each start would cost more than leftovers do.
    func sweep(_ folder: borrowing Descriptor) throws(SystemError) {
        for entry in try folder.entries() where entry.name.hasPrefix(Self.temporary) {
            do throws(SystemError) {
                let file = try folder.openEntry(entry.name, [.readOnly, .nonBlocking])
                let age = time.wall - WallTime(nanoseconds: try file.status().modified)
                let isOurs = entry.name.hasPrefix("\(Self.temporary)\(owner)-")
                if isOurs || age > Self.longestPut, try file.lock() { try folder.unlink(entry.name) }
            } catch {
                // Safe: it is no object and no reader looks at it; another may be just removing it.
            }
        }
    }
}
