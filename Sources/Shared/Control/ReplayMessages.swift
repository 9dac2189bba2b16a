/// Lines by number, from 1, both included.
package struct LineRange: Hashable, Sendable {
    package var first: Int
    /// `nil`: to the end.
    package var last: Int?

    package init(first: Int, last: Int?) {
        self.first = first
        self.last = last
    }

    /// Reads `A:B`, `A:` and `:B`.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].isEmpty ? 1 : Int(parts[0]), first >= 1 else { return nil }
        let last = parts[1].isEmpty ? nil : Int(parts[1])
        guard parts[1].isEmpty || last != nil, (last ?? first) >= first else { return nil }
        self.init(first: first, last: last)
    }
}

/// Which checkpoint a replay ends at.
package enum CheckpointChoice: Hashable, Sendable {
    case latest
    case id(String)

    package init(_ text: String) { self = text == "latest" ? .latest : .id(text) }

    package var text: String {
        switch self {
        case .latest: "latest"
        case .id(let id): id
        }
    }
}

/// Which lines of which session, from where.
package struct ReplayRequest: Hashable, Sendable {
    package var sid: SessionID
    package var toCheckpoint: CheckpointChoice?
    package var lines: LineRange?
    package var stream: StreamName
    /// `nil`: the last one.
    package var generation: Int?
    /// A destination's name; `nil`: wherever the lines are.
    package var from: String?
    package var follow: Bool
    package var maxLines: Int?

    package init(
        sid: SessionID, toCheckpoint: CheckpointChoice? = nil, lines: LineRange? = nil, stream: StreamName = .main,
        generation: Int? = nil, from: String? = nil, follow: Bool = false, maxLines: Int? = nil
    ) {
        self.sid = sid
        self.toCheckpoint = toCheckpoint
        self.lines = lines
        self.stream = stream
        self.generation = generation
        self.from = from
        self.follow = follow
        self.maxLines = maxLines
    }
}

/// One reply to Replay: a chunk, or the totals.
package struct ReplayReply: Hashable, Sendable, Codable {
    /// Of a chunk, in bytes: as text, with all that is around it, it fits a reply.
    package static let longestChunk = 128 << 10

    package var stream: StreamName?
    package var generation: Int?
    /// Of the chunk, in bytes from the beginning of the generation.
    package var offset: Int64?
    package var dataBase64: String?
    package var endOfLine: Bool?
    package var totalLines: Int?
    package var totalBytes: Int64?
    /// What may have more lines and could not be read, a sentence each.
    package var unread: [String]?

    package init(totals: ReplayTotals, unread: [String] = []) {
        totalLines = totals.lines
        totalBytes = totals.bytes
        self.unread = unread.isEmpty ? nil : unread
    }

    package init(stream: StreamName, generation: Int, offset: Int64, bytes: UnsafeRawBufferPointer) {
        self.stream = stream
        self.generation = generation
        self.offset = offset
        dataBase64 = Base64.text(of: bytes)
        endOfLine = bytes.last == UInt8(ascii: "\n")
    }

    enum CodingKeys: String, CodingKey {
        case stream, generation, offset, unread
        case dataBase64 = "data_base64"
        case endOfLine = "end_of_line"
        case totalLines = "total_lines"
        case totalBytes = "total_bytes"
    }
}

/// What a replay has passed on. A last line without its end counts as a line.
package struct ReplayTotals: Hashable, Sendable {
    package var lines: Int
    package var bytes: Int64

    package init(lines: Int = 0, bytes: Int64 = 0) {
        self.lines = lines
        self.bytes = bytes
    }
}
