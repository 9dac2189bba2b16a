import LinuxSystem
package import Shared

/// A source's file that is held open while nobody reads it: its path leads elsewhere, and it may have got another.
package final class KeptSource: Sendable {
    /// Where it was.
    package let path: SourcePath
    package let identity: FileIdentity
    /// So much of it was read: nobody may have it for less.
    let end: Int64
    let file: Descriptor
    let root: RootDirectory?
    let isPacked: Bool

    init(
        _ file: consuming Descriptor, of path: SourcePath, below root: RootDirectory?, identity: FileIdentity,
        isPacked: Bool, end: Int64
    ) {
        self.path = path
        self.identity = identity
        self.end = end
        self.file = file
        self.root = root
        self.isPacked = isPacked
    }

    /// Whether it has a name anywhere: one that has none is open here and nowhere to be found.
    package var hasName: Bool {
        get throws(CaptureError) {
            do throws(SystemError) {
                return try file.status().links > 0
            } catch {
                throw CaptureError("look at", path.absolute, error)
            }
        }
    }
}
