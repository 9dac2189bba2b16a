/// Which sessions ListSessions is asked for.
package struct SessionFilter: Hashable, Sendable {
    package var agent: Agent?
    /// Only sessions whose last line is not older.
    package var since: WallTime?
    package var atRisk: Bool
    /// Only sessions that are not open.
    package var isPrivate: Bool
    /// Only sessions whose sid sorts after it.
    package var after: SessionID?

    package init(
        agent: Agent? = nil, since: WallTime? = nil, atRisk: Bool = false, isPrivate: Bool = false,
        after: SessionID? = nil
    ) {
        self.isPrivate = isPrivate
        self.agent = agent
        self.since = since
        self.atRisk = atRisk
        self.after = after
    }
}

/// One session in a list. On the wire its facts lie beside the counts, as in a manifest's `session`.
package struct SessionItem: Hashable, Sendable, Codable {
    package var sid: SessionID
    package var facts: SessionFacts
    package var streams: [StreamName]
    package var lines: Int
    package var bytes: Int64
    package var safeLines: Int
    package var standing: SessionStanding
    package var atRisk: Bool
    package var isPrivate: Bool { standing != .open }

    package init(
        sid: SessionID, facts: SessionFacts, streams: [StreamName], lines: Int, bytes: Int64, safeLines: Int,
        standing: SessionStanding = .open, atRisk: Bool
    ) {
        self.sid = sid
        self.facts = facts
        self.streams = streams
        self.lines = lines
        self.bytes = bytes
        self.safeLines = safeLines
        self.standing = standing
        self.atRisk = atRisk
    }

    enum CodingKeys: String, CodingKey {
        case sid, streams, lines, bytes, standing
        case safeLines = "safe_lines"
        case isPrivate = "private"
        case atRisk = "at_risk"
    }

    package init(from decoder: any Decoder) throws {
        facts = try SessionFacts(from: decoder)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        sid = try values.decode(SessionID.self, forKey: .sid)
        streams = try values.decode([StreamName].self, forKey: .streams)
        lines = try values.decode(Int.self, forKey: .lines)
        bytes = try values.decode(Int64.self, forKey: .bytes)
        safeLines = try values.decode(Int.self, forKey: .safeLines)
        standing = try values.decode(SessionStanding.self, forKey: .standing)
        atRisk = try values.decode(Bool.self, forKey: .atRisk)
    }

    package func encode(to encoder: any Encoder) throws {
        try facts.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(sid, forKey: .sid)
        try values.encode(streams, forKey: .streams)
        try values.encode(lines, forKey: .lines)
        try values.encode(bytes, forKey: .bytes)
        try values.encode(safeLines, forKey: .safeLines)
        try values.encode(isPrivate, forKey: .isPrivate)
        try values.encode(standing, forKey: .standing)
        try values.encode(atRisk, forKey: .atRisk)
    }
}

/// Some sessions in order; `next` is the `after` of the page that follows.
package struct SessionPage: Hashable, Sendable, Codable {
    package var sessions: [SessionItem]
    package var next: SessionID?

    package init(sessions: [SessionItem], next: SessionID? = nil) {
        self.sessions = sessions
        self.next = next
    }
}

/// Everything about one session; of several replies the lists are to be joined.
package struct SessionDetail: Hashable, Sendable, Codable {
    /// In the first reply.
    package var session: SessionItem?
    package var streams: [StreamDetail]
    package var checkpoints: [CheckpointItem]
    package var segments: [SegmentItem]
    /// Who has put something of it in the stores, ourselves first.
    package var writers: [WriterItem]
    /// Checkpoints and segments that did not fit.
    package var leftOut: Int

    package init(
        session: SessionItem?, streams: [StreamDetail], checkpoints: [CheckpointItem], segments: [SegmentItem],
        writers: [WriterItem] = [], leftOut: Int = 0
    ) {
        self.session = session
        self.streams = streams
        self.checkpoints = checkpoints
        self.segments = segments
        self.writers = writers
        self.leftOut = leftOut
    }

    enum CodingKeys: String, CodingKey {
        case session, streams, checkpoints, segments, writers
        case leftOut = "left_out"
    }
}

/// One writer of a session, as the manifests in the stores say.
package struct WriterItem: Hashable, Sendable, Codable {
    /// Empty: a program that knows no writers.
    package var writer: String
    package var isOurs: Bool
    /// That have a manifest of it.
    package var destinations: [String]
    /// Of all its streams.
    package var lines: Int
    package var host: String?
    /// The writer that it goes on from, and the line of that one's main stream.
    package var continues: String?
    package var continuesLine: Int?

    package init(
        writer: String, isOurs: Bool, destinations: [String], lines: Int, host: String? = nil,
        continues: String? = nil, continuesLine: Int? = nil
    ) {
        self.writer = writer
        self.isOurs = isOurs
        self.destinations = destinations
        self.lines = lines
        self.host = host
        self.continues = continues
        self.continuesLine = continuesLine
    }

    enum CodingKeys: String, CodingKey {
        case writer, destinations, lines, host, continues
        case isOurs = "ours"
        case continuesLine = "continues_line"
    }
}

package struct StreamDetail: Hashable, Sendable, Codable {
    package var stream: StreamName
    package var kind: String
    package var agentID: String?
    package var sourcePath: String?
    package var generations: [GenerationDetail]

    package init(
        stream: StreamName, kind: String, agentID: String? = nil, sourcePath: String? = nil,
        generations: [GenerationDetail]
    ) {
        self.stream = stream
        self.kind = kind
        self.agentID = agentID
        self.sourcePath = sourcePath
        self.generations = generations
    }

    enum CodingKeys: String, CodingKey {
        case stream, kind, generations
        case agentID = "agent_id"
        case sourcePath = "source_path"
    }
}

package struct GenerationDetail: Hashable, Sendable, Codable {
    package var generation: Int
    package var lines: Int
    package var bytes: Int64
    package var safeLines: Int
    package var segments: Int
    package var sourceOffset: Int64

    package init(generation: Int, lines: Int, bytes: Int64, safeLines: Int, segments: Int, sourceOffset: Int64) {
        self.generation = generation
        self.lines = lines
        self.bytes = bytes
        self.safeLines = safeLines
        self.segments = segments
        self.sourceOffset = sourceOffset
    }

    enum CodingKeys: String, CodingKey {
        case generation, lines, bytes, segments
        case safeLines = "safe_lines"
        case sourceOffset = "source_offset"
    }
}

package struct DeliveryItem: Hashable, Sendable, Codable {
    package var destination: String
    /// RFC 3339.
    package var at: String

    package init(destination: String, at: String) {
        self.destination = destination
        self.at = at
    }
}

package struct SegmentItem: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case spooled, retired, superseded, missing
    }

    package var stream: StreamName
    package var generation: Int
    package var seq: Int
    package var firstLine: Int
    package var lines: Int
    package var bytes: Int64
    package var storedBytes: Int64
    package var checksum: Digest256
    package var path: String
    package var cut: CutReason
    package var partial: Bool
    package var state: State
    package var deliveries: [DeliveryItem]

    package init(_ record: SegmentRecord, state: State, deliveries: [DeliveryItem]) {
        stream = record.stream.stream
        generation = record.generation
        seq = record.seq
        firstLine = record.firstLine
        lines = record.lines
        bytes = record.bytes
        storedBytes = record.storedBytes
        checksum = record.checksum
        path = record.objectPath
        cut = record.cut
        partial = record.partial
        self.state = state
        self.deliveries = deliveries
    }

    enum CodingKeys: String, CodingKey {
        case stream, generation, seq, lines, bytes, checksum, path, cut, partial, state, deliveries
        case firstLine = "first_line"
        case storedBytes = "stored_bytes"
    }
}

package struct CheckpointItem: Hashable, Sendable, Codable {
    package var id: String
    package var stream: StreamName
    package var generation: Int
    package var seq: Int
    package var line: Int
    /// RFC 3339.
    package var at: String
    package var label: String?
    package var git: String?
    package var branch: String?

    package init(_ record: CheckpointRecord) {
        id = record.id
        stream = record.stream.stream
        generation = record.generation
        seq = record.seq
        line = record.line
        at = RFC3339.text(WallTime(seconds: record.ts))
        label = record.label
        git = record.git
        branch = record.branch
    }
}
