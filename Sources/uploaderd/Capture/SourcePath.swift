package import Shared

/// Where a source is: a file below a watched root.
package struct SourcePath: Hashable, Sendable, CustomStringConvertible {
    package var agent: Agent
    /// Absolute, as configured.
    package var root: String
    /// Below `root`; no leading slash, no `.` or `..`.
    package var relativePath: String

    package init(agent: Agent, root: String, relativePath: String) {
        self.agent = agent
        self.root = root
        self.relativePath = relativePath
    }

    package var absolute: String { root == "/" ? "/\(relativePath)" : "\(root)/\(relativePath)" }

    /// The file's, without its folders.
    package var name: Substring { relativePath.split(separator: "/").last ?? "" }

    package var description: String { absolute }

    package static func == (a: SourcePath, b: SourcePath) -> Bool {
        a.agent == b.agent && String.sameBytes(a.relativePath, b.relativePath) && String.sameBytes(a.root, b.root)
    }
}

/// A source as a scan saw it.
package struct FoundSource: Hashable, Sendable {
    package var path: SourcePath
    /// In bytes.
    package var size: Int64
    /// When its bytes may have changed last, in nanoseconds since 1970.
    package var modified: Int64
    package var identity: FileIdentity
    /// `size` is of the compressed file.
    package var isPacked: Bool

    package init(path: SourcePath, size: Int64, modified: Int64, identity: FileIdentity, isPacked: Bool = false) {
        self.isPacked = isPacked
        self.path = path
        self.size = size
        self.modified = modified
        self.identity = identity
    }
}
