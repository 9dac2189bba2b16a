import Digests
import Shared

/// The digest over a generation as one store has it, while its segments are read back from the first line on.
struct ChainWalk {
    private var generation = 0
    private var digest: RunningDigest?

    /// What the segment's bytes are to be added to; `nil`: something before it could not be read, or is not ours.
    mutating func beginning(of record: SegmentRecord) -> RunningDigest? {
        if record.generation != generation {
            generation = record.generation
            digest = record.firstLine == 1 && record.sourceOffset == 0 ? RunningDigest() : nil
        }
        return digest
    }

    /// - Parameter read: with the segment's bytes; `nil`: they could not all be read.
    /// - Returns: whether the record tells another digest.
    mutating func goOn(behind record: SegmentRecord, with read: RunningDigest?) -> Bool {
        digest = read
        guard let read, record.chain != SegmentRecord.unknownChain else { return false }
        return read.digest() != record.chain
    }
}
