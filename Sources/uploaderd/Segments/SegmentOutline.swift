package import Shared

/// What a reader must know of a segment: its record, or what little a foreign manifest says.
package struct SegmentOutline: Hashable, Sendable {
    /// For errors: the object's path.
    package var name: String
    package var codec: Codec
    /// 1-based in the generation.
    package var firstLine: Int
    package var lines: Int
    /// Where its members begin; empty: one member, or not known.
    package var members: [MemberIndex]
    /// `nil`: not promised, so not checked.
    package var bytes: Int64?
    package var storedBytes: Int64?
    package var checksum: Digest256?
    package var objectChecksum: Digest256?
    /// The digest of the rules that its lines have passed; `nil`: none.
    package var rules: String?

    package init(_ record: SegmentRecord) {
        name = record.objectPath
        codec = record.codec
        firstLine = record.firstLine
        lines = record.lines
        members = record.members
        bytes = record.bytes
        storedBytes = record.storedBytes
        checksum = record.checksum
        objectChecksum = record.objectChecksum
        rules = record.rules
    }

    /// An entry of a manifest, ours or agent-uploader's.
    ///
    /// - Parameter firstLine: for entries that do not say: one more than the lines of the entries before.
    package init(_ entry: ManifestSegment, firstLine: Int) {
        name = entry.path
        codec = entry.codec ?? (entry.path.hasSuffix(".gz") ? .gzip : entry.path.hasSuffix(".zst") ? .zstd : .none)
        self.firstLine = entry.firstLine ?? firstLine
        lines = entry.lines
        members = entry.members ?? []
        // Sizes without digests come from a program that also uploads while it writes: they bind nobody.
        bytes = entry.checksum == nil ? nil : entry.bytesUncompressed
        storedBytes = entry.objectChecksum == nil ? nil : entry.bytesStored
        checksum = entry.checksum
        objectChecksum = entry.objectChecksum
        rules = entry.rules
    }

    package var lastLine: Int { firstLine + lines - 1 }

    /// The part of the object, and where it begins in the uncompressed bytes, that is needed for these lines.
    package func parts(for wanted: ClosedRange<Int>) -> (object: Range<Int64>, uncompressed: Range<Int64>, line: Int)? {
        guard wanted.overlaps(firstLine...max(firstLine, lastLine)), let storedBytes, let bytes else { return nil }
        let first = members.last { $0.firstLine <= wanted.lowerBound }
        let end = members.first { $0.firstLine > wanted.upperBound }
        let from = first?.objectOffset ?? 0
        let begin = first?.uncompressedOffset ?? 0
        let to = end?.objectOffset ?? storedBytes
        let stop = end?.uncompressedOffset ?? bytes
        // A hostile manifest can say anything.
        guard from >= 0, from <= to, begin >= 0, begin <= stop else { return nil }
        return (from..<to, begin..<stop, first?.firstLine ?? firstLine)
    }
}
