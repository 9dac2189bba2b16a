import Digests
import Shared
import Store

/// A manifest from what the catalog says. Pure: the same basis gives the same bytes.
enum ManifestBuilder {
    static func manifest(_ basis: ManifestBasis) -> Manifest {
        var manifest = Manifest(
            sid: basis.session.rawValue, createdAt: RFC3339.text(basis.createdAt), updatedAt: RFC3339.text(basis.at))
        manifest.writer = basis.writer
        manifest.epoch = basis.epoch
        manifest.session = basis.facts
        manifest.continues = basis.continues
        manifest.extra = basis.extra
        manifest.gaps = basis.gaps
        manifest.superseded = basis.superseded
        for stream in basis.streams {
            if stream.stream.stream == .main {
                manifest.segments = stream.segments
                manifest.checkpoints = stream.checkpoints
                manifest.activeSeq = stream.activeSeq
            } else {
                manifest.streams[stream.stream.stream.rawValue] = ManifestStream(
                    kind: stream.kind, agentID: stream.agentID, activeSeq: stream.activeSeq,
                    segments: stream.segments, checkpoints: stream.checkpoints)
            }
        }
        manifest.chain = chain(basis.streams)
        return manifest
    }

    /// - Returns: `nil` when no generation's digest is known.
    static func chain(_ streams: [StreamBasis]) -> ManifestChain? {
        var digests: [String: [String: Digest256]] = [:]
        var fold = RunningDigest()
        for stream in streams.sorted(by: { $0.stream.stream < $1.stream.stream }) {
            let name = stream.stream.stream.rawValue
            for (generation, digest) in stream.chains.sorted(by: { $0.key < $1.key }) {
                digests[name, default: [:]]["\(generation)"] = digest
                Array("\(name) \(generation) \(digest.hex)\n".utf8).withBytes { fold.update($0) }
            }
        }
        return digests.isEmpty ? nil : ManifestChain(streams: digests, fold: fold.digest())
    }
}
