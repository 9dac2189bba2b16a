package import Shared

/// What the path of a file tells about it.
package enum SourceNaming: Hashable, Sendable {
    case named(SourceName)
    /// Only its lines say whose it is (`FirstLines`); `fallback` when they do not.
    case needsFirstLines(fallback: SourceName)
    case notASession
}

/// How each agent places its session files below a root, and what their names mean.
///
/// Claude Code, root `~/.claude/projects`:
///
///     <slug>/<sid>.jsonl                                         main
///     <slug>/<sid>/subagents/agent-<id>.jsonl                    agents/<id>
///     <slug>/<sid>/subagents/workflows/<run>/agent-<id>.jsonl    workflows/<run>/agents/<id>
///     <slug>/<sid>/subagents/workflows/<run>/journal.jsonl       workflows/<run>/journal
///     <slug>/agent-<id>.jsonl                                    agents/<id> of the session that its lines name
///     <slug>/<sid>/tool-results/…                                no session
///
/// Codex, root `~/.codex/sessions` or `~/.codex/archived_sessions` (or `~/.codex` for both):
///
///     …/rollout-<time>-<uuid>.jsonl                              main of <uuid>
///
/// Copilot CLI, root `~/.copilot/session-state`:
///
///     <sid>/events.jsonl, older <sid>.jsonl                      main
///
/// pi, root `~/.pi/agent/sessions`:
///
///     --<path>--/<time>_<uuid>.jsonl                             main of <uuid>
///
/// Gemini CLI, root `~/.gemini/tmp`:
///
///     <project>/chats/<sid>.jsonl                                main
///     <project>/chats/<parent>/<sid>.jsonl                       main, and the parent's session id
///
/// Generic, and whatever lies elsewhere under one of these roots: the UUID nearest the end of the file's name, else the
/// path without `.jsonl`, in which a component that no session id can hold is escaped (`StoreName`). So two files of
/// one root never share a name that holds no UUID.
package struct AgentLayout: Sendable, Hashable {
    package var agent: Agent
    /// What `--sid` said: every file is then this session's main stream.
    package var sid: SessionID?

    package init(agent: Agent, sid: SessionID? = nil) {
        self.agent = agent
        self.sid = sid
    }

    package func name(of relativePath: String) -> SourceNaming {
        if let sid { return .named(SourceName(sid: sid)) }
        let parts = relativePath.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard let last = parts.last else { return .notASession }
        let folders = parts.dropLast()
        let stem = Self.stem(last)
        switch agent {
        case .claude: return claude(Array(folders), stem: stem, whole: parts)
        case .copilot:
            if folders.isEmpty { return .named(SourceName(sid: Self.sid(stem))) }
            return folders.count == 1 && last == "events.jsonl"
                ? .named(SourceName(sid: Self.sid(parts[0]))) : .notASession
        case .gemini:
            guard let chats = folders.lastIndex(of: "chats") else { return generic(parts, stem: stem) }
            let parent = folders[(chats + 1)...].last.map { Self.sid($0) }
            return .named(SourceName(sid: Self.sid(stem), parentSID: parent))
        case .codex:
            return .named(SourceName(sid: Self.sid(Self.uuid(in: stem) ?? stem)))
        case .pi, .generic: return generic(parts, stem: stem)
        }
    }

    private func claude(_ folders: [String], stem: String, whole: [String]) -> SourceNaming {
        let agentID = stem.hasPrefix("agent-") && stem.utf8.count > 6 ? String(stem.dropFirst(6)) : nil
        guard folders.count > 1 else {
            let own = SourceName(sid: Self.sid(stem))
            return agentID == nil ? .named(own) : .needsFirstLines(fallback: own)
        }
        let sid = Self.sid(folders[1])
        let inside = folders.dropFirst(2)
        if inside.first == "tool-results" { return .notASession }
        guard inside.first == "subagents" else { return generic(whole, stem: stem) }
        let deeper = inside.dropFirst()
        let name = agentID ?? stem
        if deeper.first == "workflows", deeper.count > 1 {
            let run = deeper.joined(separator: "/")
            if let agentID {
                return stream("\(run)/agents/\(agentID)", of: sid, kind: .agent, agentID: agentID)
            }
            return stream("\(run)/\(stem)", of: sid, kind: stem == "journal" ? .workflowJournal : .agent, agentID: nil)
        }
        let path = (["agents"] + deeper + [name]).joined(separator: "/")
        return stream(path, of: sid, kind: .agent, agentID: agentID)
    }

    private func stream(_ text: String, of sid: SessionID, kind: SourceKind, agentID: String?) -> SourceNaming {
        // Paths are shorter than a stream's name may be but for absurd ones, whose escaped form is cut and hashed.
        guard let stream = StreamName(text) ?? StreamName("agents/\(StoreName.escaped(text))") else {
            return .notASession
        }
        return .named(SourceName(sid: sid, stream: stream, kind: kind, agentID: agentID))
    }

    private func generic(_ parts: [String], stem: String) -> SourceNaming {
        if let uuid = Self.uuid(in: stem) { return .named(SourceName(sid: Self.sid(uuid))) }
        let path = (parts.dropLast() + [stem]).map { SessionID($0) == nil ? StoreName.escaped($0) : $0 }
        return .named(SourceName(sid: Self.sid(path.joined(separator: "/"))))
    }

    /// The name that the first lines of a file give it, when its path could not.
    package static func resolved(_ fallback: SourceName, by lines: FirstLines) -> SourceName {
        guard let sid = lines.sessionID, let id = lines.agentID ?? agentID(of: fallback),
            let stream = StreamName("agents/\(id)")
        else { return fallback }
        return SourceName(sid: sid, stream: stream, kind: .agent, agentID: id)
    }

    private static func agentID(of name: SourceName) -> String? {
        let text = name.sid.rawValue
        return text.hasPrefix("agent-") ? String(text.dropFirst(6)) : nil
    }

    /// Any text as a session id: as it is where it can be one, else escaped.
    static func sid(_ text: String) -> SessionID {
        if let sid = SessionID(text) { return sid }
        guard let sid = SessionID(StoreName.escaped(text)) else {
            preconditionFailure("an escaped name is a session id")
        }
        return sid
    }

    private static func stem(_ name: String) -> String {
        name.hasSuffix(".jsonl") && name.utf8.count > 6 ? String(name.dropLast(6)) : name
    }

    /// The UUID nearest the end of the text: 8-4-4-4-12 hexadecimal digits.
    static func uuid(in text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 36 else { return nil }
        for start in stride(from: bytes.count - 36, through: 0, by: -1) {
            let window = bytes[start..<start + 36]
            let fits = zip(0..., window).allSatisfy { position, byte in
                switch position {
                case 8, 13, 18, 23: byte == UInt8(ascii: "-")
                default:
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
                }
            }
            if fits { return String(decoding: window, as: UTF8.self) }
        }
        return nil
    }
}
