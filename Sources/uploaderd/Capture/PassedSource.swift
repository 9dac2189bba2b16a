package import LinuxSystem

/// A file that a caller opened and passed along: its path is only what it is called, and is never opened here.
package final class PassedSource: Sendable {
    package let path: SourcePath
    let file: Descriptor

    /// - Parameter file: opened for reading.
    package init(_ file: consuming Descriptor, as path: SourcePath) {
        self.path = path
        self.file = file
    }
}
