/// An entry of `segments[]`: of ours, with everything, or of agent-uploader's, with little.
package struct ManifestSegment: Hashable, Sendable, Codable {
    package var seq: Int
    /// Relative to the folder of the manifest.
    package var path: String
    package var firstTS: Int64?
    package var lastTS: Int64?
    package var lines: Int
    package var bytesUncompressed: Int64
    package var bytesStored: Int64
    package var checksum: Digest256?
    package var objectChecksum: Digest256?
    package var generation: Int?
    package var firstLine: Int?
    package var sourceOffset: Int64?
    package var sourceBytes: Int64?
    package var sourceMAC: Digest256?
    package var sourceParts: [SourcePart]?
    package var codec: Codec?
    package var cut: CutReason?
    package var partial: Bool?
    package var rules: String?
    package var redactions: [String: Int]?
    package var anomalies: [String: Int]?
    package var members: [MemberIndex]?
    package var extra: [String: JSONValue] = [:]

    package init(_ record: SegmentRecord) {
        seq = record.seq
        path = record.objectPath
        firstTS = record.firstTS
        lastTS = record.lastTS
        lines = record.lines
        bytesUncompressed = record.bytes
        bytesStored = record.storedBytes
        checksum = record.checksum
        objectChecksum = record.objectChecksum
        generation = record.generation
        firstLine = record.firstLine
        sourceOffset = record.sourceOffset
        sourceBytes = record.sourceBytes
        sourceMAC = record.sourceMAC
        sourceParts = record.sourceParts
        codec = record.codec
        cut = record.cut
        partial = record.partial ? true : nil
        rules = record.rules
        redactions = record.redactions.isEmpty ? nil : record.redactions
        anomalies = record.anomalies.isEmpty ? nil : record.anomalies
        members = record.members.count > 1 ? record.members : nil
    }

    /// Plain lines of which no more is known than how many they are.
    package init(path: String, lines: Int, generation: Int) {
        seq = generation
        self.path = path
        self.lines = lines
        self.generation = generation
        (bytesUncompressed, bytesStored, firstLine, codec) = (0, 0, 1, Codec.none)
    }

    /// The record, when the entry says all that ours say; `nil` for agent-uploader's. `chain` is not in an entry.
    package func record(of stream: StreamKey, chain: Digest256) -> SegmentRecord? {
        guard let checksum, let objectChecksum, let generation, let firstLine, let sourceOffset, let sourceBytes,
            let sourceMAC, let codec, let cut, let rules
        else { return nil }
        var record = SegmentRecord(
            stream: stream, generation: generation, seq: seq, firstLine: firstLine, lines: lines,
            sourceOffset: sourceOffset, sourceBytes: sourceBytes, sourceMAC: sourceMAC, bytes: bytesUncompressed,
            storedBytes: bytesStored, checksum: checksum, objectChecksum: objectChecksum, chain: chain, codec: codec,
            cut: cut, partial: partial ?? false, rules: rules, redactions: redactions ?? [:],
            anomalies: anomalies ?? [:],
            members: members ?? [MemberIndex(firstLine: firstLine, uncompressedOffset: 0, objectOffset: 0)],
            firstTS: firstTS, lastTS: lastTS)
        record.sourceParts = sourceParts
        return record
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case seq, path, lines, checksum, generation, codec, cut, partial, rules, redactions, anomalies, members
        case firstTS = "first_ts"
        case lastTS = "last_ts"
        case bytesUncompressed = "bytes_uncompressed"
        case bytesStored = "bytes_gzip"
        case objectChecksum = "object_checksum"
        case firstLine = "first_line"
        case sourceOffset = "source_offset"
        case sourceBytes = "source_bytes"
        case sourceMAC = "source_mac"
        case sourceParts = "source_parts"
    }

    /// What agent-uploader's design contract calls the two sizes, besides what its code calls them.
    private enum Alias: String, CodingKey, CaseIterable {
        case bytes
        case gzipBytes = "gzip_bytes"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func alias(_ key: Alias) throws -> Int64? {
            try decoder.container(keyedBy: Alias.self).decodeIfPresent(Int64.self, forKey: key, in: Plausible.amount)
        }
        seq = try values.decode(Int.self, forKey: .seq, in: Plausible.place)
        path = try values.decode(String.self, forKey: .path)
        firstTS = try values.decodeIfPresent(Int64.self, forKey: .firstTS, in: Plausible.time)
        lastTS = try values.decodeIfPresent(Int64.self, forKey: .lastTS, in: Plausible.time)
        lines = try values.decodeIfPresent(Int.self, forKey: .lines, in: Plausible.amount) ?? 0
        bytesUncompressed =
            try values.decodeIfPresent(Int64.self, forKey: .bytesUncompressed, in: Plausible.amount)
            ?? alias(.bytes) ?? 0
        bytesStored =
            try values.decodeIfPresent(Int64.self, forKey: .bytesStored, in: Plausible.amount)
            ?? alias(.gzipBytes) ?? 0
        checksum = try values.decodeIfPresent(Digest256.self, forKey: .checksum)
        objectChecksum = try values.decodeIfPresent(Digest256.self, forKey: .objectChecksum)
        generation = try values.decodeIfPresent(Int.self, forKey: .generation, in: Plausible.place)
        firstLine = try values.decodeIfPresent(Int.self, forKey: .firstLine, in: Plausible.place)
        sourceOffset = try values.decodeIfPresent(Int64.self, forKey: .sourceOffset, in: Plausible.place)
        sourceBytes = try values.decodeIfPresent(Int64.self, forKey: .sourceBytes, in: Plausible.amount)
        sourceMAC = try values.decodeIfPresent(Digest256.self, forKey: .sourceMAC)
        sourceParts = try values.decodeIfPresent([SourcePart].self, forKey: .sourceParts)
        codec = try values.decodeIfPresent(Codec.self, forKey: .codec)
        cut = try values.decodeIfPresent(CutReason.self, forKey: .cut)
        partial = try values.decodeIfPresent(Bool.self, forKey: .partial)
        rules = try values.decodeIfPresent(String.self, forKey: .rules)
        redactions = try values.decodeCountsIfPresent(forKey: .redactions)
        anomalies = try values.decodeCountsIfPresent(forKey: .anomalies)
        members = try values.decodeIfPresent([MemberIndex].self, forKey: .members)
        extra = try UnknownFields.read(from: decoder, except: ManifestSegment.known)
    }

    private static let known = Set(CodingKeys.allCases.map(\.rawValue) + Alias.allCases.map(\.rawValue))

    package func encode(to encoder: any Encoder) throws {
        try UnknownFields.write(extra, to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(seq, forKey: .seq)
        try values.encode(path, forKey: .path)
        try values.encodeIfPresent(firstTS, forKey: .firstTS)
        try values.encodeIfPresent(lastTS, forKey: .lastTS)
        try values.encode(lines, forKey: .lines)
        try values.encode(bytesUncompressed, forKey: .bytesUncompressed)
        try values.encode(bytesStored, forKey: .bytesStored)
        try values.encodeIfPresent(checksum, forKey: .checksum)
        try values.encodeIfPresent(objectChecksum, forKey: .objectChecksum)
        try values.encodeIfPresent(generation, forKey: .generation)
        try values.encodeIfPresent(firstLine, forKey: .firstLine)
        try values.encodeIfPresent(sourceOffset, forKey: .sourceOffset)
        try values.encodeIfPresent(sourceBytes, forKey: .sourceBytes)
        try values.encodeIfPresent(sourceMAC, forKey: .sourceMAC)
        try values.encodeIfPresent(sourceParts, forKey: .sourceParts)
        try values.encodeIfPresent(codec, forKey: .codec)
        try values.encodeIfPresent(cut, forKey: .cut)
        try values.encodeIfPresent(partial, forKey: .partial)
        try values.encodeIfPresent(rules, forKey: .rules)
        try values.encodeIfPresent(redactions, forKey: .redactions)
        try values.encodeIfPresent(anomalies, forKey: .anomalies)
        try values.encodeIfPresent(members, forKey: .members)
    }
}

/// An entry of `checkpoints[]`, and the whole of a checkpoint object.
package struct ManifestCheckpoint: Hashable, Sendable, Codable {
    package var id: String
    package var seq: Int
    package var lineIndex: Int
    package var ts: Int64
    package var generation: Int?
    package var line: Int?
    package var label: String?
    package var git: String?
    package var branch: String?
    package var payload: JSONValue?

    package init(_ record: CheckpointRecord) {
        id = record.id
        seq = record.seq
        lineIndex = record.lineIndex
        ts = record.ts
        generation = record.generation
        line = record.line
        label = record.label
        git = record.git
        branch = record.branch
        // What was kept is JSON that was taken from a line; if it no longer parses the checkpoint stands without it.
        payload = record.payload.flatMap { try? JSONText.decode(JSONValue.self, from: Array($0.utf8)) }
    }

    enum CodingKeys: String, CodingKey {
        case id, seq, ts, generation, line, label, git, branch, payload
        case lineIndex = "line_idx"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decode(String.self, forKey: .id)
        seq = try values.decode(Int.self, forKey: .seq, in: Plausible.place)
        lineIndex = try values.decode(Int.self, forKey: .lineIndex, in: Plausible.place)
        ts = try values.decode(Int64.self, forKey: .ts, in: Plausible.time)
        generation = try values.decodeIfPresent(Int.self, forKey: .generation, in: Plausible.place)
        line = try values.decodeIfPresent(Int.self, forKey: .line, in: Plausible.place)
        label = try values.decodeIfPresent(String.self, forKey: .label)
        git = try values.decodeIfPresent(String.self, forKey: .git)
        branch = try values.decodeIfPresent(String.self, forKey: .branch)
        payload = try values.decodeIfPresent(JSONValue.self, forKey: .payload)
    }
}
