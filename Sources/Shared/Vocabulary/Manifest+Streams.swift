/// A manifest's streams by name: the main one stands beside the others in it.
extension Manifest {
    package func entries(of stream: StreamName) -> (segments: [ManifestSegment], checkpoints: [ManifestCheckpoint]) {
        if stream == .main { return (segments, checkpoints) }
        let found = streams[stream.rawValue]
        return (found?.segments ?? [], found?.checkpoints ?? [])
    }

    package var streamNames: [StreamName] { [.main] + streams.keys.compactMap { StreamName($0) }.sorted() }

    package var everySegment: [(stream: StreamName, entry: ManifestSegment)] {
        streamNames.flatMap { name in entries(of: name).segments.map { (name, $0) } }
    }

    /// Of all streams and generations.
    package var lines: Int { everySegment.reduce(0) { $0 + $1.entry.lines } }
}
