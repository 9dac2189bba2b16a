import Digests
import Shared
import Store
import Synchronization
import Testing

/// Stores at the far end: what was put, by name.
final class FarEnd: Sendable {
    let id: StoreID
    private let state = Mutex<(objects: [String: [UInt8]], manifest: Manifest?)>(([:], nil))
    init(_ id: String) { self.id = StoreID(id) }

    /// One that holds what `other` holds now.
    convenience init(copying other: FarEnd) {
        self.init(other.id.rawValue)
        let held = other.state.withLock { $0 }
        state.withLock { $0 = held }
    }

    var objects: [String: [UInt8]] { state.withLock { $0.objects } }
    var manifest: Manifest? { state.withLock { $0.manifest } }

    /// An object is final: the same name is the same bytes.
    func put(_ name: String, _ bytes: [UInt8]) {
        state.withLock { state in
            if let old = state.objects[name] { #expect(old == bytes, "\(name) was changed") }
            state.objects[name] = bytes
        }
    }

    func delete(_ name: String) { state.withLock { $0.objects[name] = nil } }
    func put(_ manifest: Manifest) { state.withLock { $0.manifest = manifest } }

    /// What a reader gets from the manifest alone.
    func content(of stream: StreamName = .main, generation: Int = 1) throws -> [UInt8] {
        let manifest = try #require(self.manifest)
        let segments = stream == .main ? manifest.segments : manifest.streams[stream.rawValue]?.segments ?? []
        var bytes: [UInt8] = []
        for segment in segments where segment.generation == generation {
            bytes += try #require(objects[segment.path], "\(segment.path) is listed and not there")
        }
        return bytes
    }
}

extension Store {
    func deliver(to end: FarEnd, most: Int = .max, faults: (any FaultHook)? = nil) async throws {
        var count = 0
        while count < most, let next = try nextDeliveries(to: end.id, limit: 1).first {
            guard try await claim(next.id, for: end.id) else { continue }
            let bytes = try #require(try object(next.id), "\(next.id) is not in the spool")
            end.put(next.record.objectPath, bytes)
            faults?.reach(.deliverPut)
            try await record(receiptFor: next.id, at: end.id)
            count += 1
        }
    }

    func publish(to end: FarEnd, faults: (any FaultHook)? = nil) async throws {
        for session in try publishable(to: end.id) {
            let basis = try manifestBasis(of: session, at: end.id)
            let manifest = basis.manifest
            let text = try JSONText.encode(manifest)
            try await keep(text, for: basis)
            end.put(manifest)
            faults?.reach(.manifestPut)
            try await recordManifest(basis, digest: RunningDigest.digest(of: text))
        }
    }
}

extension ManifestBasis {
    var manifest: Manifest {
        var manifest = Manifest(
            sid: session.rawValue, createdAt: RFC3339.text(createdAt), updatedAt: RFC3339.text(at))
        manifest.writer = writer
        manifest.epoch = epoch
        manifest.session = facts
        manifest.superseded = superseded
        manifest.gaps = gaps
        var chains: [String: [String: Digest256]] = [:]
        for stream in streams {
            for (generation, chain) in stream.chains {
                chains[stream.stream.stream.rawValue, default: [:]]["\(generation)"] = chain
            }
            if stream.stream.stream == .main {
                manifest.activeSeq = stream.activeSeq
                manifest.segments = stream.segments
                manifest.checkpoints = stream.checkpoints
            } else {
                manifest.streams[stream.stream.stream.rawValue] = ManifestStream(
                    kind: stream.kind, agentID: stream.agentID, activeSeq: stream.activeSeq,
                    segments: stream.segments, checkpoints: stream.checkpoints)
            }
        }
        manifest.chain = ManifestChain(streams: chains, fold: RunningDigest().digest())
        return manifest
    }
}
