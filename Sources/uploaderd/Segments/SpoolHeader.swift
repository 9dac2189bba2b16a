private import Digests
package import Shared

/// The beginning of a file in the spool: all that recovery needs when the catalog is gone.
///
///     bytes   0–7    "UPSPOOL1"
///             8–11   length of the JSON with its padding, little-endian
///            12–15   the first four bytes of the SHA-256 of the JSON with its padding
///            16–     {"checkpoint":…,"cursor":…,"facts":…,"record":…,"replaces":…,"replacesSecrets":…,"source":…}, then spaces, so that the
///                    whole header is a multiple of 512 bytes
///     then           the object: exactly `record.storedBytes` bytes, to the end of the file
///
/// A header of 1,024 bytes has 1,008 bytes of JSON and begins `55 50 53 50 4f 4f 4c 31 f0 03 00 00`. The padding lets the
/// header of a long line, whose object is streamed before it is known, be written into the room kept for it.
///
/// A file is valid if and only if the magic, the length and the digest fit, the JSON decodes, its numbers are such that sums
/// over them do not overflow, the file is as long as header and object together, and the object's SHA-256 is
/// `record.objectChecksum`. The last two are the reader's to check.
package struct SpoolHeader: Hashable, Sendable, Codable {
    package var record: SegmentRecord
    package var checkpoint: CheckpointRecord?
    /// After this segment.
    package var cursor: StreamCursor
    package var source: SourceInfo
    /// What was learnt of the session with it.
    package var facts: SessionFacts?
    /// By store id, the paths of objects that may be there, whose lines this segment holds, and that no manifest has named:
    /// without the catalog nothing else would ever say that they may go.
    package var replaces: [String: [String]]?
    /// They hold what newer rules remove: they go at once.
    package var replacesSecrets: Bool?

    package init(
        record: SegmentRecord, checkpoint: CheckpointRecord?, cursor: StreamCursor, source: SourceInfo,
        facts: SessionFacts? = nil, replaces: [String: [String]] = [:], replacesSecrets: Bool = false
    ) {
        self.record = record
        self.checkpoint = checkpoint
        self.cursor = cursor
        self.source = source
        self.facts = facts
        self.replaces = replaces.isEmpty ? nil : replaces
        self.replacesSecrets = replaces.isEmpty || !replacesSecrets ? nil : true
    }

    /// Magic, length and digest: what must be read first.
    package static let prefixLength = 16
    /// The room to keep before an object that is streamed.
    package static let roomForStreamed = 64 << 10

    private static let magic = Array("UPSPOOL1".utf8)
    private static let unit = 512
    private static let longest = 16 << 20

    /// - Parameter room: the exact length to pad to, a multiple of 512; `nil`: the shortest that fits.
    package func encoded(room: Int? = nil) throws(SegmentError) -> [UInt8] {
        let json: [UInt8]
        do {
            json = try JSONText.encode(self)
        } catch {
            throw SegmentError(.unsupported, "the header of segment \(record.seq) has no JSON form", cause: error)
        }
        let least = SpoolHeader.prefixLength + json.count
        let length = room ?? (least + SpoolHeader.unit - 1) / SpoolHeader.unit * SpoolHeader.unit
        guard least <= length, length <= SpoolHeader.longest else {
            throw SegmentError(.headerTooLarge, "a spool header of \(least) bytes does not fit in \(length)")
        }
        let padded = json + [UInt8](repeating: 0x20, count: length - least)
        var bytes = SpoolHeader.magic
        withUnsafeBytes(of: UInt32(padded.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: RunningDigest.digest(of: padded).bytes.prefix(4))
        return bytes + padded
    }

    /// The whole header's length, from its first 16 bytes.
    package static func length(from prefix: [UInt8], of name: String) throws(SegmentError) -> Int {
        guard prefix.count >= prefixLength, prefix.starts(with: magic) else {
            throw .damaged(name, at: 0, "it does not begin with \"UPSPOOL1\"")
        }
        let length = prefixLength + Int(prefix[8..<12].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        guard length <= longest else { throw .damaged(name, at: 8, "a header of \(length) bytes") }
        return length
    }

    /// - Parameters:
    ///   - bytes: from the file's first byte, at least the whole header.
    ///   - name: of the file, for the error.
    package init(from bytes: [UInt8], of name: String) throws(SegmentError) {
        let length = try SpoolHeader.length(from: bytes, of: name)
        guard bytes.count >= length else { throw .damaged(name, at: Int64(bytes.count), "the header is cut off") }
        let json = Array(bytes[SpoolHeader.prefixLength..<length])
        guard RunningDigest.digest(of: json).bytes.prefix(4).elementsEqual(bytes[12..<16]) else {
            throw .damaged(name, at: 12, "the header does not match its digest")
        }
        do {
            self = try JSONText.decode(SpoolHeader.self, from: json)
        } catch {
            throw SegmentError(.damaged, "the header of \(name) cannot be read", cause: error)
        }
        if let implausible { throw .damaged(name, at: Int64(SpoolHeader.prefixLength), implausible) }
    }
}
