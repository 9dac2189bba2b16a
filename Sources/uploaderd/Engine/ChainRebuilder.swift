import Digests
import Segments
import Shared
import Store

/// Reads back what a generation's segments hold, to go on with the digest over them: after the catalog was rebuilt from
/// manifests, which tell the digest but not its state.
struct ChainRebuilder: Sendable {
    let store: Store
    let objects: ObjectFinder

    /// - Returns: also what was read, in order.
    /// - Throws: `StoreError`: `stale` when something of it was replaced meanwhile.
    func state(of cursor: StreamCursor) async throws -> (digest: RunningDigest, of: [SegmentID]) {
        var last = RunningDigest()
        var read: [SegmentID] = []
        try await each(of: cursor.stream, generation: cursor.generation, before: cursor.offset) { id, digest in
            last = digest
            read.append(id)
        } beginning: {
            last = $0
        }
        return (last, read)
    }

    /// The digest behind each of a generation's segments.
    func digests(of stream: StreamKey, generation: Int) async throws -> [(id: SegmentID, digest: Digest256)] {
        var found: [(id: SegmentID, digest: Digest256)] = []
        try await each(of: stream, generation: generation, before: .max) { id, digest in
            found.append((id, digest.digest()))
        }
        return found
    }

    private func each(
        of stream: StreamKey, generation: Int, before end: Int64,
        _ body: (SegmentID, RunningDigest) -> Void, beginning: (RunningDigest) -> Void = { _ in }
    ) async throws {
        var chain = generation == 1 ? try await foreignDigest(of: stream) : RunningDigest()
        beginning(chain)
        for segment in try await store.segments(of: stream, generation: generation)
        where !segment.record.partial && segment.record.sourceOffset < end {
            do {
                let (outline, bytes) = try await objects.exactly(segment)
                var reader = try MemberReader(outline, object: bytes)
                while let piece = try reader.next() { chain.update(piece) }
            } catch {
                guard try await store.isReplaced(segment.id) else { throw error }
                throw StoreError(.stale, "segment \(segment.record.objectPath) was replaced while it was read")
            }
            body(segment.id, chain)
            await Task.yield()
        }
    }

    /// The digest over what another program uploaded of the stream before us.
    func foreignDigest(of stream: StreamKey) async throws -> RunningDigest {
        var digest = RunningDigest()
        for part in try await ReplayService(store: store, objects: objects).foreignParts(of: stream) {
            var reader = try MemberReader(part.outline, object: try await part.bytes())
            while let piece = try reader.next() { digest.update(piece) }
        }
        return digest
    }
}
