import Digests
package import Shared

/// What a source is called in the store: whose session, and which stream of it.
package struct SourceName: Hashable, Sendable {
    package var sid: SessionID
    package var stream: StreamName
    package var kind: SourceKind
    /// The sub-agent's own id, as the agent writes it.
    package var agentID: String?
    /// The session that started this one, where the path tells.
    package var parentSID: SessionID?

    package init(
        sid: SessionID, stream: StreamName = .main, kind: SourceKind = .transcript, agentID: String? = nil,
        parentSID: SessionID? = nil
    ) {
        self.sid = sid
        self.stream = stream
        self.kind = kind
        self.agentID = agentID
        self.parentSID = parentSID
    }

    package var key: StreamKey { StreamKey(session: sid, stream: stream) }

    /// The name of the second live file of one stream (the same session id in two directories, or in two agents):
    /// `<name>~<8 hexadecimal digits>`, the first of the SHA-256 of the agent's name, a NUL and the absolute path.
    ///
    /// - Parameter number: of the files that were at that path one after the other and are elsewhere now, as rotated ones
    ///   are: from the second on another NUL and the number follow.
    package func distinguished(by path: SourcePath, _ number: Int = 1) -> SourceName {
        var digest = RunningDigest()
        let suffix = number > 1 ? "\0\(number)" : ""
        Array("\(path.agent.rawValue)\0\(path.absolute)\(suffix)".utf8).withUnsafeBytes { digest.update($0) }
        let mark = "~\(digest.digest().hex.prefix(8))"
        var other = self
        // A name that leaves no room for the mark is cut; the mark still tells the two apart.
        other.stream = StreamName(stream.rawValue + mark) ?? StreamName("streams/\(mark)") ?? stream
        return other
    }
}

/// `kind` of a stream in a manifest.
package enum SourceKind: String, Codable, Sendable, CaseIterable {
    case transcript, agent
    case workflowJournal = "workflow_journal"
}
