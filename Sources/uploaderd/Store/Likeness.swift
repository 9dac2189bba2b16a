package import Shared

/// Segments over one range of a source, of a manifest and of the catalog, of which no digest at hand tells whether their bytes
/// are the same.
package struct Doubt: Sendable, Hashable {
    package enum Holder: Sendable, Hashable {
        /// The manifest's segment.
        case entry
        /// A segment that is known here.
        case known(StoredSegment)
    }

    /// Of the manifest.
    package var entry: SegmentRecord
    /// Whose object holds the whole range.
    package var holder: Holder
    /// What it must hold, line for line, in the order of the source.
    package var parts: [SegmentRecord]
}

/// What is known of whether two runs of lines are the same bytes.
enum Likeness {
    case same, differs, unknown
}

/// What tells that entries of one stream of a manifest are the bytes that the catalog has.
struct LikenessEvidence {
    /// Generations of which all that the manifest lists has the digest that the catalog has there.
    private var generations: Set<Int> = []
    /// Paths of entries that were read, and found to be the same.
    private let read: Set<String>

    init(read: Set<String>) { self.read = read }

    /// - Parameter chains: by generation, the digest of all that the manifest lists of it.
    init(
        _ records: [SegmentRecord], chains: [String: Digest256], read: Set<String>, of stream: StreamRow,
        in catalog: Catalog
    ) throws(StoreError) {
        self.read = read
        var ends: [Int: Int64] = [:]
        for record in records {
            ends[record.generation] = max(ends[record.generation] ?? 0, record.sourceOffset + record.sourceBytes)
        }
        for (generation, end) in ends {
            guard let chain = chains["\(generation)"] else { continue }
            let same = try catalog.number(
                """
                SELECT count(*) FROM segments WHERE stream_id = ?1 AND generation = ?2
                AND source_offset + source_bytes = ?3 AND chain = ?4 AND state <> 2
                """, stream.id, generation, end, chain)
            if same > 0 { generations.insert(generation) }
        }
    }

    /// Whether the entry is what the rows hold of its range, or holds what they hold.
    func likeness(of entry: SegmentRecord, to rows: [SegmentRow]) -> Likeness {
        if rows.isEmpty || generations.contains(entry.generation) || read.contains(entry.objectPath) { return .same }
        var isSure = true
        for row in rows {
            guard row.isSameRange(as: entry) else {
                isSure = false
                continue
            }
            guard Self.isSame(entry, row.record) else { return .differs }
        }
        return isSure ? .same : .unknown
    }

    /// Of two over one range. Their stored bytes may differ where a line was withheld from one of them.
    private static func isSame(_ a: SegmentRecord, _ b: SegmentRecord) -> Bool {
        if a.checksum == b.checksum { return true }
        return a.sourceParts == nil && b.sourceParts == nil && a.sourceMAC == b.sourceMAC
    }
}
