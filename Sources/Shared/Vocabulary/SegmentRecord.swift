/// 32 bytes of SHA-256 (FIPS 180-4) or of a keyed digest made with it, as text `sha256:<64 hex digits>`.
package struct Digest256: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    package let hex: String

    /// - Returns: `nil` unless there are exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        hex = String(decoding: text, as: UTF8.self)
    }

    /// Reads `sha256:…` or the bare digits.
    package init?(_ text: String) {
        let digits = text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text
        guard digits.utf8.count == 64,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        hex = digits
    }

    package var description: String { "sha256:\(hex)" }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let digest = Digest256(text) else {
            throw JSONMismatch(decoder.codingPath, expected: "a digest, sha256: and 64 hexadecimal digits,")
        }
        self = digest
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Where a member begins; a triple `[first_line, uncompressed_offset, object_offset]` in a manifest.
package struct MemberIndex: Hashable, Sendable, Codable {
    /// 1-based in the generation.
    package var firstLine: Int
    /// In bytes from the segment's first uncompressed byte.
    package var uncompressedOffset: Int64
    /// In bytes from the object's first byte.
    package var objectOffset: Int64

    package init(firstLine: Int, uncompressedOffset: Int64, objectOffset: Int64) {
        self.firstLine = firstLine
        self.uncompressedOffset = uncompressedOffset
        self.objectOffset = objectOffset
    }

    package init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        firstLine = try container.decode(Int.self, in: Plausible.place)
        uncompressedOffset = try container.decode(Int64.self, in: Plausible.place)
        objectOffset = try container.decode(Int64.self, in: Plausible.place)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(firstLine)
        try container.encode(uncompressedOffset)
        try container.encode(objectOffset)
    }
}

/// A range of a source and its keyed digest; a pair `[bytes, mac]` in a manifest.
package struct SourcePart: Hashable, Sendable, Codable {
    package var bytes: Int64
    /// As `sourceMAC` of a segment.
    package var mac: Digest256

    package init(bytes: Int64, mac: Digest256) {
        self.bytes = bytes
        self.mac = mac
    }

    package init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        bytes = try container.decode(Int64.self, in: Plausible.amount)
        mac = try container.decode(Digest256.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(bytes)
        try container.encode(mac)
    }
}

/// All that is known of one segment: in its spool header, in the catalog, in the manifest.
package struct SegmentRecord: Hashable, Sendable, Codable {
    package var stream: StreamKey
    package var generation: Int
    /// Per stream, over all generations, from 1.
    package var seq: Int
    /// 1-based in the generation.
    package var firstLine: Int
    package var lines: Int
    /// The range of the source file that the segment covers, in bytes of the file as the agent wrote it.
    package var sourceOffset: Int64
    package var sourceBytes: Int64
    /// HMAC-SHA-256, under this machine's key, of the SHA-256 of the raw source bytes.
    ///
    /// With `sourceParts` it is the last part's.
    package var sourceMAC: Digest256
    /// Only in a merged segment of which some part was redacted, whose raw bytes are gone so that no joint digest can be
    /// made: the ranges at the end of its source, in order, that can still be checked; at most 16.
    package var sourceParts: [SourcePart]?
    /// Uncompressed, after redaction.
    package var bytes: Int64
    /// The object's size, whatever the codec.
    package var storedBytes: Int64
    /// Of the uncompressed bytes.
    package var checksum: Digest256
    /// Of the object.
    package var objectChecksum: Digest256
    /// Of the generation's uncompressed bytes from its start through this segment; `unknownChain` where nobody has read them all.
    package var chain: Digest256
    package var codec: Codec
    package var cut: CutReason
    /// The segment is one line whose end the source does not have (yet).
    package var partial: Bool
    /// Digest of the redaction rules, or `none`.
    package var rules: String
    package var redactions: [String: Int]
    package var anomalies: [String: Int]
    package var members: [MemberIndex]
    /// Unix seconds, from the first and the last line that carry a timestamp.
    package var firstTS: Int64?
    package var lastTS: Int64?

    package init(
        stream: StreamKey, generation: Int, seq: Int, firstLine: Int, lines: Int, sourceOffset: Int64,
        sourceBytes: Int64,
        sourceMAC: Digest256, bytes: Int64, storedBytes: Int64, checksum: Digest256, objectChecksum: Digest256,
        chain: Digest256, codec: Codec, cut: CutReason, partial: Bool, rules: String, redactions: [String: Int],
        anomalies: [String: Int], members: [MemberIndex], firstTS: Int64?, lastTS: Int64?
    ) {
        self.stream = stream
        self.generation = generation
        self.seq = seq
        self.firstLine = firstLine
        self.lines = lines
        self.sourceOffset = sourceOffset
        self.sourceBytes = sourceBytes
        self.sourceMAC = sourceMAC
        self.bytes = bytes
        self.storedBytes = storedBytes
        self.checksum = checksum
        self.objectChecksum = objectChecksum
        self.chain = chain
        self.codec = codec
        self.cut = cut
        self.partial = partial
        self.rules = rules
        self.redactions = redactions
        self.anomalies = anomalies
        self.members = members
        self.firstTS = firstTS
        self.lastTS = lastTS
    }

    /// 1-based in the generation.
    package var lastLine: Int { firstLine - 1 + lines }

    /// Stands where the digest of a generation's bytes so far is not known.
    package static let unknownChain: Digest256 = {
        guard let digest = Digest256(String(repeating: "0", count: 64)) else {
            preconditionFailure("64 digits are a digest")
        }
        return digest
    }()

    /// The object's final name below the stream's folder: `session-000001-3fa94c1d22b07e15.jsonl.gz`.
    package var objectName: String {
        "session-\(SegmentRecord.padded(seq))-\(objectChecksum.hex.prefix(16))\(codec.fileExtension)"
    }

    /// Relative to the session's (or the writer's) folder: `segments/…` for main, `streams/<stream>/…` else.
    package var objectPath: String { "\(SegmentRecord.folder(of: stream.stream))\(objectName)" }

    /// Whether a path from a manifest can be a segment's object: below `segments/` or `streams/…/`, named as
    /// `objectName` says.
    package static func isObjectPath(_ path: String) -> Bool {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.popLast(), let first = parts.first else { return false }
        guard parts == ["segments"] || (first == "streams" && parts.count > 1) else { return false }
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return false }
        let words = name.split(separator: "-", omittingEmptySubsequences: false)
        guard words.count == 3, words[0] == "session", words[1].utf8.count >= 6, words[2].utf8.count > 16 else {
            return false
        }
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "f")
        return words[1].utf8.allSatisfy(digits.contains)
            && words[2].utf8.prefix(16).allSatisfy { digits.contains($0) || letters.contains($0) }
            && Codec.allCases.contains { words[2].dropFirst(16) == $0.fileExtension }
    }

    /// The sequence number in a path that `isObjectPath`; `nil` in another.
    package static func seq(ofObjectPath path: String) -> Int? {
        guard isObjectPath(path), let name = path.split(separator: "/").last else { return nil }
        return Int(name.split(separator: "-")[1])
    }

    /// Six digits, more when there are more.
    package static func padded(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 6 - text.count)) + text
    }

    /// The folder of a stream's segments, with its closing slash.
    package static func folder(of stream: StreamName) -> String {
        stream == .main ? "segments/" : "streams/\(StoreName.escapedPath(stream))/"
    }
}

/// A point of a stream at which the agent compacted its context.
package struct CheckpointRecord: Hashable, Sendable, Codable {
    package var stream: StreamKey
    package var generation: Int
    package var seq: Int
    /// Lines of that segment up to and including the compacted line.
    package var lineIndex: Int
    /// 1-based in the generation: the compacted line itself.
    package var line: Int
    /// Unix seconds: the line's, else the previous line's, else 0; never the clock.
    package var ts: Int64
    package var label: String?
    package var git: String?
    package var branch: String?
    /// The line's detail object, as JSON text.
    package var payload: String?

    package init(
        stream: StreamKey, generation: Int, seq: Int, lineIndex: Int, line: Int, ts: Int64, label: String? = nil,
        git: String? = nil, branch: String? = nil, payload: String? = nil
    ) {
        self.stream = stream
        self.generation = generation
        self.seq = seq
        self.lineIndex = lineIndex
        self.line = line
        self.ts = ts
        self.label = label
        self.git = git
        self.branch = branch
        self.payload = payload
    }

    /// `YYYY-MM-DDTHH-MM-SSZ-s{seq:06}-l{line_idx:06}`.
    package var id: String {
        "\(RFC3339.dashed(seconds: ts))-s\(SegmentRecord.padded(seq))-l\(SegmentRecord.padded(lineIndex))"
    }
}
