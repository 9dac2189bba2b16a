package import Digests
package import Shared

/// A segment that will not change: what it is, and its object's bytes.
///
/// Made only in this room, from redacted lines: whoever holds one holds nothing raw.
package struct SealedSegment: Sendable {
    package let record: SegmentRecord
    /// The checkpoint at its end, if it was cut for one.
    package let checkpoint: CheckpointRecord?
    package let object: SegmentObject
    /// Where the stream's next segment begins; `nil` for a merged one. After a partial one it is the same line again.
    package let next: SegmentStart?

    /// The chain's state for the cursor; empty for a merged one, which moves no cursor.
    package var chainState: [UInt8] { next?.chain.state ?? [] }

    init(record: SegmentRecord, checkpoint: CheckpointRecord?, object: SegmentObject, next: SegmentStart?) {
        self.record = record
        self.checkpoint = checkpoint
        self.object = object
        self.next = next
    }
}

/// Where a segment's object is.
package enum SegmentObject: Sendable {
    case bytes([UInt8])
    /// Streamed by a `LongLineWriter` into a temporary file of the store.
    case spooled(SpoolTemporaryID)
}

/// Names a temporary file of the store that an object was streamed into.
package struct SpoolTemporaryID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(_ rawValue: String) { self.rawValue = rawValue }
    package var description: String { rawValue }
}

/// The place in a stream at which a segment begins.
package struct SegmentStart: Sendable {
    package var stream: StreamKey
    package var generation: Int
    package var seq: Int
    /// 1-based in the generation.
    package var firstLine: Int
    package var sourceOffset: Int64
    /// Over the generation's stored bytes before this segment.
    package var chain: RunningDigest

    package init(
        stream: StreamKey, generation: Int, seq: Int, firstLine: Int, sourceOffset: Int64,
        chain: RunningDigest = RunningDigest()
    ) {
        self.stream = stream
        self.generation = generation
        self.seq = seq
        self.firstLine = firstLine
        self.sourceOffset = sourceOffset
        self.chain = chain
    }

    /// - Returns: `nil` when the chain has to be rebuilt first, by reading back what the generation's segments hold.
    package init?(continuing cursor: StreamCursor) {
        let chain: RunningDigest
        if cursor.line == 0, cursor.chainState.isEmpty {
            chain = RunningDigest()
        } else if let kept = RunningDigest(state: cursor.chainState) {
            chain = kept
        } else {
            return nil
        }
        self.init(
            stream: cursor.stream, generation: cursor.generation, seq: cursor.nextSeq, firstLine: cursor.line + 1,
            sourceOffset: cursor.offset, chain: chain)
    }
}
