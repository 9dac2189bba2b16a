import Digests
import Segments
import Shared
import Store

/// Reads back what a generation's segments hold, to go on with the digest over them: after the catalog was rebuilt from
/// manifests, which tell the digest but not its state.
struct ChainRebuilder: Sendable {
    let store: Store
    let objects: ObjectFinder

    func state(of cursor: StreamCursor) async throws -> RunningDigest {
        let isFirst = cursor.generation == 1
        var chain = isFirst ? try await foreignDigest(of: cursor.stream) : RunningDigest()
        for segment in try await store.segments(of: cursor.stream, generation: cursor.generation)
        where !segment.record.partial && segment.record.sourceOffset < cursor.offset {
            let (outline, bytes) = try await objects.exactly(segment)
            var reader = try MemberReader(outline, object: bytes)
            while let piece = try reader.next() { chain.update(piece) }
            await Task.yield()
        }
        return chain
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
