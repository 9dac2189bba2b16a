import LinuxSystem

extension SourcePath {
    /// Whether the file was placed by `uploaderctl restore`, and nobody has written to it since.
    ///
    /// - Parameter roots: one that came open was named by somebody who wants it taken.
    package func isRestored(in roots: RootDirectories) throws(CaptureError) -> Bool {
        guard roots.passed?.path != self else { return false }
        let directory = try roots.directory(root)
        do throws(SystemError) {
            let place = try Descriptor.open(beneath: directory.descriptor, relativePath, [.pathOnly])
            guard try place.status().kind == .regular else { return false }
            return try RestoredMark.holds(on: try place.reopened([.readOnly, .nonBlocking]))
        } catch {
            // A compressed one has another name.
            if error.isNotFound { return false }
            throw CaptureError("open", absolute, error)
        }
    }
}
