package import Shared

/// All that a session's manifest at one store says, as the catalog had it at one moment.
///
/// Given to `keep` before the manifest is put there and to `recordManifest` after.
package struct ManifestBasis: Sendable {
    package var session: SessionID
    package var store: StoreID
    /// Our id in this session's manifest.
    package var writer: String
    /// Of the manifest that is made from this; grows with every put.
    package var epoch: Int
    package var createdAt: WallTime
    /// The moment of the basis: `updated_at`, and `at` of what is superseded by it.
    package var at: WallTime
    package var facts: SessionFacts
    package var continues: JSONValue?
    /// Fields that a newer version wrote.
    package var extra: [String: JSONValue]
    /// Main first, then by name.
    package var streams: [StreamBasis]
    package var gaps: [JSONValue]
    /// Objects at this store that are not listed any more, because what replaced them is.
    package var superseded: [SupersededObject]
    /// Why this is no manifest that may be put: what the rows say of each other and cannot be.
    package var contradiction: String?

    /// Counts the changes that this basis contains.
    var revision: Int64
    var sessionRow: Int64
    var storeRow: Int64
    /// Listed for the first time.
    var newlyListed: [SegmentID]
    /// Superseded since the last manifest there.
    var newlySuperseded: [SegmentID]
    /// Paths of others, of which there are no rows.
    var newlyReplaced: [String] = []

    /// Bytes of source files that the listed segments cover.
    package var extent: Int64 {
        streams.reduce(0) { $0 + $1.segments.reduce(0) { $0 + ($1.sourceBytes ?? $1.bytesUncompressed) } }
    }
}

/// A stream in a manifest's basis.
package struct StreamBasis: Sendable {
    package var stream: StreamKey
    package var kind: String
    package var agentID: String?
    package var activeSeq: Int
    /// What the manifest lists: the contiguous prefix that the store has, of ours and of another program before us.
    package var segments: [ManifestSegment]
    package var checkpoints: [ManifestCheckpoint]
    /// Checkpoints whose objects are to be put before the manifest.
    package var newCheckpoints: [CheckpointRecord]
    /// The digest of each generation's bytes as far as they are listed; a generation for which it is not known is left
    /// out.
    package var chains: [Int: Digest256]
}

/// A manifest that was kept and not yet recorded.
struct KeptManifest {
    var size: Int64
    var modified: Int64
    var extent: Int64
}
