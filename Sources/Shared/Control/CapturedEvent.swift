/// What an agent's hook tells of a session: a line of `queue/events.jsonl`, and the parameter of `Capture`.
///
///     {"agent":"claude","at":"2026-11-22T04:45:00Z","kind":"start","path":"/home/u/.claude/projects/-p/3f.jsonl",
///      "pid":4711,"pid_started":123456,"boot":"1c0e…","sid":"3f"}
///
/// Valid if `sid` is a session id, `at` RFC 3339, `agent` and `kind` are known, and the rest is absent or has its form:
/// docs/formats.md, "The hooks' queue".
package struct CapturedEvent: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A session begins, or goes on.
        case start
        case prompt
        /// The agent has answered.
        case turn
        case end
        /// A line of `sessions.txt`: there is such a session, and when that was said is not known.
        case queued
    }

    package var kind: Kind
    package var agent: Agent
    package var sid: SessionID
    /// In whole seconds, as it is written.
    package let at: WallTime
    /// Of the transcript, absolute.
    package var path: String?
    /// Why the session ended, as `cleanReason` writes it.
    package var reason: String?
    package var process: AgentProcess?
    /// What the hook was given, whole; only of a start and an end.
    package var payload: JSONValue?

    package init(
        _ kind: Kind, agent: Agent, sid: SessionID, at: WallTime, path: String? = nil, reason: String? = nil,
        process: AgentProcess? = nil, payload: JSONValue? = nil
    ) {
        self.kind = kind
        self.agent = agent
        self.sid = sid
        self.at = WallTime(seconds: at.seconds)
        self.path = path
        self.reason = reason
        self.process = process
        self.payload = payload
    }

    /// A longer payload is left out.
    package static let longestPayload = 16 << 10
    /// PATH_MAX: limits.h.
    package static let longestPath = 4096

    /// A word that may stand in a manifest, which is not redacted.
    package static func cleanReason(_ text: String) -> String {
        let isWord = { (byte: UInt8) in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isWord) ? text : "other"
    }

    /// Whether a path can be a transcript's: absolute, and such that a file can have it.
    package static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count <= longestPath && !text.utf8.contains(0)
    }

    /// - Returns: `nil` for anything that is no event.
    package init?(_ value: JSONValue) {
        guard let kind = value["kind"]?.text.flatMap(Kind.init(rawValue:)),
            let agent = value["agent"]?.text.flatMap(Agent.init(rawValue:)),
            let sid = value["sid"]?.text.flatMap({ SessionID($0) }),
            let at = value["at"]?.text.flatMap({ RFC3339.parse($0) })
        else { return nil }
        self.init(kind, agent: agent, sid: sid, at: at)
        if let path = value["path"]?.text {
            guard Self.isPath(path) else { return nil }
            self.path = path
        }
        reason = value["reason"]?.text.map(Self.cleanReason)
        if let pid = value["pid"]?.int, let started = value["pid_started"]?.int, let boot = value["boot"]?.text {
            guard let pid = Int32(exactly: pid), pid > 1, started >= 0, boot.utf8.count <= 64 else { return nil }
            process = AgentProcess(pid: pid, started: started, boot: boot)
        }
        payload = value["payload"]
    }

    package var json: JSONValue {
        var members: [String: JSONValue] = [
            "kind": .string(kind.rawValue), "agent": .string(agent.rawValue), "sid": .string(sid.rawValue),
            "at": .string(RFC3339.text(at)),
        ]
        if let path { members["path"] = .string(path) }
        if let reason { members["reason"] = .string(reason) }
        if let process {
            members["pid"] = .integer(Int64(process.pid))
            members["pid_started"] = .integer(process.started)
            members["boot"] = .string(process.boot)
        }
        if let payload { members["payload"] = payload }
        return .object(members)
    }
}
