import Shared

/// Files of the spool that no row needs and that could not be removed, each with what the gauge still counts of it.
struct Leftovers {
    struct File {
        /// Below the spool.
        var path: String
        /// 0: it was never counted.
        var bytes: Int64
        /// Of a seal that failed: the number it has is not given again while it is there.
        var stream: StreamKey?
    }

    /// Those that were tried last stand last.
    private(set) var files: [File] = []

    var isEmpty: Bool { files.isEmpty }
    var count: Int { files.count }

    mutating func add(_ file: File) { files.append(file) }

    /// - Returns: what the gauge counted of it.
    mutating func remove(_ path: String) -> Int64 {
        guard let index = files.firstIndex(where: { $0.path == path }) else { return 0 }
        return files.remove(at: index).bytes
    }

    /// Tries each once, until `most` have failed.
    ///
    /// - Returns: what the gauge counted of those that are gone.
    mutating func retry(most: Int, _ remove: (File) -> Bool) -> Int64 {
        var bytes: Int64 = 0
        var failed: [File] = []
        var tried = 0
        for file in files {
            if failed.count == most { break }
            tried += 1
            if remove(file) { bytes += file.bytes } else { failed.append(file) }
        }
        files = files[tried...] + failed
        return bytes
    }
}
