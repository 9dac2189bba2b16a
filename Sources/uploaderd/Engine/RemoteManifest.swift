import Shared

/// What is kept of a manifest that was found in a store: enough for a list.
struct RemoteManifest: Sendable, Hashable, Codable {
    /// Of the session's folder, below the store's prefix.
    var name: String
    /// Where the manifest is.
    var folder: String
    /// Of the object that was read.
    var version: String
    var sid: SessionID
    var facts: SessionFacts
    var streams: [StreamName]
    var lines: Int
    var bytes: Int64
    /// Of the main stream's last generation; of a session without a main stream, of each stream's.
    var currentLines: Int

    /// - Returns: `nil` for an id that is none.
    init?(_ manifest: Manifest, name: String, folder: String, version: String) {
        guard let sid = SessionID(manifest.sid) else { return nil }
        self.name = name
        self.folder = folder
        self.version = version
        self.sid = sid
        facts = manifest.session ?? SessionFacts()
        // A list has no room for them, and a store may have a hundred thousand.
        facts.firstUserMessage = facts.firstUserMessage.map { String($0.prefix(Self.longestText)) }
        facts.summary = facts.summary.map { String($0.prefix(Self.longestText)) }
        streams = manifest.streamNames.filter { !manifest.entries(of: $0).segments.isEmpty }
        let entries = manifest.everySegment.map(\.entry)
        lines = entries.reduce(0) { $0 + $1.lines }
        bytes = entries.reduce(0) { $0 + $1.bytesUncompressed }
        let counted = manifest.segments.isEmpty ? streams : [.main]
        currentLines = counted.reduce(0) { sum, stream in
            let segments = manifest.entries(of: stream).segments
            let last = segments.map { $0.generation ?? 1 }.max()
            return sum + segments.reduce(0) { $0 + (($1.generation ?? 1) == last ? $1.lines : 0) }
        }
    }

    private static let longestText = 500
}

extension RemoteSession {
    /// - Parameter manifests: of one session, its first writer's first.
    init?(_ manifests: [RemoteManifest], destination: String) {
        guard let first = manifests.first else { return nil }
        var facts = first.facts
        var lastAt = facts.lastAt
        for further in manifests.dropFirst() {
            // Whoever wrote last knows best where it is now; how it began the first one knows.
            let isLater = (further.facts.lastAt ?? "") > (lastAt ?? "")
            facts = isLater ? facts.merged(with: further.facts) : further.facts.merged(with: facts)
            lastAt = [lastAt, further.facts.lastAt].compactMap(\.self).max()
        }
        facts.lastAt = lastAt
        facts.startedAt = manifests.compactMap(\.facts.startedAt).min()
        self.init(
            SessionItem(
                sid: first.sid, facts: facts, streams: Set(manifests.flatMap(\.streams)).sorted(),
                lines: manifests.reduce(0) { $0 + $1.lines }, bytes: manifests.reduce(0) { $0 + $1.bytes },
                safeLines: manifests.reduce(0) { $0 + $1.currentLines }, atRisk: false),
            destination: destination, writers: manifests.count)
    }
}
