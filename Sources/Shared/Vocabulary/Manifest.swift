/// `manifest.json`: what of a session is safe, and where. A superset of agent-uploader's version 1.
///
/// Unknown fields of the manifest, of its segments and of its streams survive a rewrite.
package struct Manifest: Hashable, Sendable, Codable {
    package static let layout = 1
    /// Names of features that a reader must know; what we understand.
    package static let understood: Set<String> = []

    package var version = 1
    package var layout: Int?
    package var requires: [String] = []
    package var sid: String
    package var writer: String?
    package var epoch: Int = 0
    /// RFC 3339.
    package var createdAt: String
    package var updatedAt: String
    package var activeSeq: Int = 1
    package var segments: [ManifestSegment] = []
    package var checkpoints: [ManifestCheckpoint] = []
    package var streams: [String: ManifestStream] = [:]
    package var gaps: [JSONValue] = []
    package var superseded: [SupersededObject] = []
    package var session: SessionFacts?
    package var continues: JSONValue?
    package var chain: ManifestChain?
    package var extra: [String: JSONValue] = [:]

    package init(sid: String, createdAt: String, updatedAt: String) {
        self.sid = sid
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        layout = Manifest.layout
    }

    /// What it needs that this version does not know; `nil`: nothing.
    package var unknownNeeds: String? { ManifestNeeds(sid: sid, layout: layout, requires: requires).unknown }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case version, layout, requires, sid, writer, epoch, segments, checkpoints, streams, gaps, superseded, session
        case continues, chain
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case activeSeq = "active_seq"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        version = try values.decodeIfPresent(Int.self, forKey: .version) ?? 1
        layout = try values.decodeIfPresent(Int.self, forKey: .layout)
        requires = try values.decodeIfPresent([String].self, forKey: .requires) ?? []
        sid = try values.decode(String.self, forKey: .sid)
        writer = try values.decodeIfPresent(String.self, forKey: .writer)
        epoch = try values.decodeIfPresent(Int.self, forKey: .epoch, in: Plausible.place) ?? 0
        createdAt = try values.decodeIfPresent(String.self, forKey: .createdAt) ?? ""
        updatedAt = try values.decodeIfPresent(String.self, forKey: .updatedAt) ?? ""
        activeSeq = try values.decodeIfPresent(Int.self, forKey: .activeSeq, in: Plausible.place) ?? 1
        segments = try values.decodeIfPresent([ManifestSegment].self, forKey: .segments) ?? []
        checkpoints = try values.decodeIfPresent([ManifestCheckpoint].self, forKey: .checkpoints) ?? []
        streams = try values.decodeIfPresent([String: ManifestStream].self, forKey: .streams) ?? [:]
        gaps = try values.decodeIfPresent([JSONValue].self, forKey: .gaps) ?? []
        superseded = try values.decodeIfPresent([SupersededObject].self, forKey: .superseded) ?? []
        session = try values.decodeIfPresent(SessionFacts.self, forKey: .session)
        continues = try values.decodeIfPresent(JSONValue.self, forKey: .continues)
        chain = try values.decodeIfPresent(ManifestChain.self, forKey: .chain)
        extra = try UnknownFields.read(from: decoder, except: Manifest.known)
    }

    private static let known = Set(CodingKeys.allCases.map(\.rawValue))

    package func encode(to encoder: any Encoder) throws {
        try UnknownFields.write(extra, to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(version, forKey: .version)
        try values.encodeIfPresent(layout, forKey: .layout)
        try values.encode(requires, forKey: .requires)
        try values.encode(sid, forKey: .sid)
        try values.encodeIfPresent(writer, forKey: .writer)
        try values.encode(epoch, forKey: .epoch)
        try values.encode(createdAt, forKey: .createdAt)
        try values.encode(updatedAt, forKey: .updatedAt)
        try values.encode(activeSeq, forKey: .activeSeq)
        try values.encode(segments, forKey: .segments)
        try values.encode(checkpoints, forKey: .checkpoints)
        if !streams.isEmpty { try values.encode(streams, forKey: .streams) }
        if !gaps.isEmpty { try values.encode(gaps, forKey: .gaps) }
        if !superseded.isEmpty { try values.encode(superseded, forKey: .superseded) }
        try values.encodeIfPresent(session, forKey: .session)
        try values.encodeIfPresent(continues, forKey: .continues)
        try values.encodeIfPresent(chain, forKey: .chain)
    }
}

/// A stream other than main.
package struct ManifestStream: Hashable, Sendable, Codable {
    package var kind: String
    package var agentID: String?
    package var activeSeq: Int
    package var segments: [ManifestSegment]
    package var checkpoints: [ManifestCheckpoint]

    package init(
        kind: String, agentID: String?, activeSeq: Int, segments: [ManifestSegment], checkpoints: [ManifestCheckpoint]
    ) {
        self.kind = kind
        self.agentID = agentID
        self.activeSeq = activeSeq
        self.segments = segments
        self.checkpoints = checkpoints
    }

    enum CodingKeys: String, CodingKey {
        case kind, segments, checkpoints
        case agentID = "agent_id"
        case activeSeq = "active_seq"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        kind = try values.decode(String.self, forKey: .kind)
        agentID = try values.decodeIfPresent(String.self, forKey: .agentID)
        activeSeq = try values.decode(Int.self, forKey: .activeSeq, in: Plausible.place)
        segments = try values.decode([ManifestSegment].self, forKey: .segments)
        checkpoints = try values.decode([ManifestCheckpoint].self, forKey: .checkpoints)
    }
}

/// An object that a merge, a whole line or a stricter redaction replaced; deleted 24 h after `at`.
package struct SupersededObject: Hashable, Sendable, Codable {
    package var path: String
    /// RFC 3339.
    package var at: String
    /// It holds what newer rules remove, and is not kept for a day: without a catalog only this says so.
    package var redacted: Bool?

    package init(path: String, at: String, isRedacted: Bool = false) {
        self.path = path
        self.at = at
        redacted = isRedacted ? true : nil
    }
}

/// Digests of each generation's bytes, and a fold of them: equal chains mean equal sessions, however they are cut.
package struct ManifestChain: Hashable, Sendable, Codable {
    /// Stream → generation → digest of the uncompressed bytes so far.
    package var streams: [String: [String: Digest256]]
    /// SHA-256 over the lines `<stream> <generation> <hex>\n`, sorted by stream, then generation as a number.
    package var fold: Digest256

    package init(streams: [String: [String: Digest256]], fold: Digest256) {
        self.streams = streams
        self.fold = fold
    }
}

/// Fields that a newer version or another program wrote: kept as they are.
enum UnknownFields {
    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    static func read(from decoder: any Decoder, except known: Set<String>) throws -> [String: JSONValue] {
        if let read = decoder as? JSONValueDecoder, case .object(let members) = read.value {
            return members.filter { !known.contains($0.key) }
        }
        let all = try decoder.container(keyedBy: Name.self)
        var extra: [String: JSONValue] = [:]
        for name in all.allKeys where !known.contains(name.stringValue) {
            extra[name.stringValue] = try all.decode(JSONValue.self, forKey: name)
        }
        return extra
    }

    static func write(_ extra: [String: JSONValue], to encoder: any Encoder) throws {
        guard !extra.isEmpty else { return }
        var all = encoder.container(keyedBy: Name.self)
        for (name, value) in extra { try all.encode(value, forKey: Name(stringValue: name)) }
    }
}

/// What tells whether a manifest can be understood at all: of a newer layout everything else may look different.
package struct ManifestNeeds: Hashable, Sendable, Decodable {
    package var sid: String?
    package var layout: Int?
    package var requires: [String]?

    /// For people; `nil`: this version knows all of it.
    package var unknown: String? {
        var needs = Set(requires ?? []).subtracting(Manifest.understood).sorted().map { "the feature \($0.prefix(80))" }
        if let layout, layout > Manifest.layout { needs.insert("layout \(layout)", at: 0) }
        return needs.isEmpty ? nil : needs.joined(separator: ", ")
    }
}
