import LinuxSystem
import Shared

/// The folders of a directory store: made when they are needed, and swept of what killed processes left half-written.
struct StoreFolders {
    /// What every temporary file's name begins with; it is no object.
    static let temporary = ".tmp-"
    /// Of a file that another machine may be writing, whose lock is not seen everywhere.
    private static let longestPut: Duration = .seconds(24 * 3600)

    /// Tells this machine's temporary files from another's in a folder that both write.
    private let owner: String
    private let time: any TimeSource
    /// Those that are known to be there, durably.
    private var known: Set<String> = []

    init(owner: String, time: any TimeSource) {
        self.owner = owner
        self.time = time
    }

    /// - Parameter folder: absolute; made with mode 0700, and durable, with all that lead to it.
    mutating func make(_ folder: String) throws(SystemError) {
        if known.contains(folder) {
            // A user may have emptied the store meanwhile; looking is cheaper than being wrong.
            if try Files.status(folder) != nil { return }
            known = []
        }
        try Files.makeDirectories(folder)
        try sweep(folder)
        if known.count > 4096 { known = [] }
        known.insert(folder)
    }

    /// Removes what killed processes left half-written in a folder: of this machine what nobody holds a lock on, of others
    /// what is old, too.
    ///
    /// Done where the first object of a life is put: that is where a put was cut off, for it is tried again. Walking the
    /// whole store at each start would cost more than leftovers do.
    private func sweep(_ folder: String) throws(SystemError) {
        for entry in try Files.list(folder) where entry.name.hasPrefix(Self.temporary) {
            let path = "\(folder)/\(entry.name)"
            do throws(SystemError) {
                let file = try Descriptor.open(path, [.readOnly, .noFollow, .nonBlocking])
                let age = time.wall.nanoseconds - (try file.status().modified)
                let isOurs = entry.name.hasPrefix("\(Self.temporary)\(owner)-")
                if isOurs || age > Self.longestPut.nanoseconds, try file.lock() { try Files.unlink(path) }
            } catch {
                // Safe: it is no object and no reader looks at it; another may be just removing it.
            }
        }
    }
}
