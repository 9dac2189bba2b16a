/// Bytes of an object, as codetether points to what it has put away:
///
///     {"bucket": "sessions", "key": "sessions/6f1c…/history.jsonl", "byte_range": [128, 4096]}
///
/// The range begins with its first number and ends before the second; without it, or with null, it is all of the object.
package struct PointerHandle: Hashable, Sendable {
    package struct ByteRange: Hashable, Sendable {
        package var start: Int64
        package var end: Int64

        package init(_ start: Int64, _ end: Int64) {
            self.start = start
            self.end = end
        }

        /// `nil`: empty, or the wrong way round.
        package var bytes: Range<Int64>? { start < end ? start..<end : nil }
    }

    package var bucket: String
    package var key: String
    package var byteRange: ByteRange?

    package init(bucket: String, key: String, byteRange: ByteRange? = nil) {
        self.bucket = bucket
        self.key = key
        self.byteRange = byteRange
    }

    /// - Returns: `nil` for what is no pointer.
    package init?(_ value: JSONValue) {
        guard case .object(let members) = value, members.keys.allSatisfy(["bucket", "key", "byte_range"].contains),
            let bucket = value["bucket"]?.text, let key = value["key"]?.text, !bucket.isEmpty, !key.isEmpty
        else { return nil }
        self.init(bucket: bucket, key: key)
        switch value["byte_range"] {
        case nil, .null: break
        case .array(let ends):
            guard ends.count == 2, let start = ends[0].int, let end = ends[1].int, start >= 0, end >= 0 else {
                return nil
            }
            byteRange = ByteRange(start, end)
        default: return nil
        }
    }

    package var value: JSONValue {
        var members: [String: JSONValue] = ["bucket": .string(bucket), "key": .string(key)]
        if let byteRange { members["byte_range"] = .array([.integer(byteRange.start), .integer(byteRange.end)]) }
        return .object(members)
    }
}

/// One reply to Resolve: a chunk, or how many bytes there were.
package struct ResolveReply: Hashable, Sendable, Codable {
    /// Of the chunk, in bytes from the beginning of the object.
    package var offset: Int64?
    package var dataBase64: String?
    package var totalBytes: Int64?

    package init(totalBytes: Int64) { self.totalBytes = totalBytes }

    package init(offset: Int64, bytes: UnsafeRawBufferPointer) {
        self.offset = offset
        dataBase64 = Base64.text(of: bytes)
    }

    enum CodingKeys: String, CodingKey {
        case offset
        case dataBase64 = "data_base64"
        case totalBytes = "total_bytes"
    }
}
