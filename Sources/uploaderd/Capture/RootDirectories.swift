package import LinuxSystem
import Synchronization

/// A root that is held open: files are opened beneath this very directory, whatever its path becomes.
package final class RootDirectory: Sendable {
    /// As configured.
    package let path: String
    /// Opened with O_PATH: good for opening beneath, for listing and for watching.
    package let descriptor: Descriptor
    package let status: FileStatus

    init(path: String, descriptor: consuming Descriptor) throws(SystemError) {
        self.path = path
        status = try descriptor.status()
        self.descriptor = descriptor
    }
}

/// The roots that are open, shared by the watcher and whoever reads files below them.
///
/// Only configured roots are ever opened: what the catalog or a caller names besides is a name and no more.
package final class RootDirectories: Sendable {
    private let configured: Set<String>
    private let open = Mutex<[String: RootDirectory]>([:])
    /// A source that is read through this descriptor, not through its path.
    let passed: PassedSource?

    package init(of roots: [WatchRoot]) {
        configured = Set(roots.map(\.root))
        passed = nil
    }

    /// The same roots, and a file that came open.
    package init(_ others: RootDirectories, and passed: PassedSource) {
        configured = others.configured
        self.passed = passed
    }

    /// Opens the root at its first use. A symbolic link is followed here and nowhere below.
    ///
    /// Blocks as the file system does; on a lane.
    ///
    /// - Throws: `refused` for a directory that is no configured root.
    package func directory(_ path: String) throws(CaptureError) -> RootDirectory {
        guard configured.contains(path) else {
            throw CaptureError(
                .refused, "\(path) is not watched, so nothing below it is opened",
                hint: "add a [[watch]] with that root")
        }
        if let known = open.withLock({ $0[path] }) { return known }
        do throws(SystemError) {
            let opened = try Self.look(path)
            return open.withLock { open in
                if let known = open[path] { return known }
                open[path] = opened
                return opened
            }
        } catch {
            throw CaptureError("open the root", path, error)
        }
    }

    /// Opens what the path leads to now, without keeping it.
    static func look(_ path: String) throws(SystemError) -> RootDirectory {
        try RootDirectory(path: path, descriptor: try Descriptor.open(path, [.pathOnly, .directory]))
    }

    /// Uses this one from now on.
    func keep(_ root: RootDirectory) { open.withLock { $0[root.path] = root } }

    /// Lets go of a root that was removed or replaced; the next use opens what is there then.
    package func forget(_ path: String) { open.withLock { _ = $0.removeValue(forKey: path) } }
}
