/// One watched root, or one watched file.
package struct WatchConfiguration: Hashable, Sendable {
    package var agent: Agent
    /// Absolute; need not exist yet.
    package var root: String
    /// Globs under `root`.
    package var include: [String]
    package var exclude: [String]
    /// Only this name directly under `root` is watched (`--file`); `include` and `exclude` do not count then.
    package var file: String?
    /// The session id of that file; `nil`: from its name.
    package var sid: SessionID?
    /// Nobody asked for it: a known agent's root that is waited for without a complaint while it is missing.
    package var isDefault: Bool
    /// A flag names it: then `--once` has not done what it was to do while it is missing.
    package var isNamed = false

    package init(
        agent: Agent, root: String, include: [String]? = nil, exclude: [String] = [], file: String? = nil,
        sid: SessionID? = nil, isDefault: Bool = false
    ) {
        self.agent = agent
        self.root = root
        self.include = include ?? agent.defaultInclude
        self.exclude = exclude
        self.file = file
        self.sid = sid
        self.isDefault = isDefault
    }
}

extension Agent {
    /// The agents whose sessions this version can take; the file may name the others, and hears that they are not.
    package static let available: [Agent] = [.claude, .codex, .copilot, .pi, .generic]

    /// The globs of an agent's session files under its root, which may hold other files of the agent's: with `~/.codex`
    /// itself as the root, `history.jsonl` is none.
    package var defaultInclude: [String] {
        switch self {
        case .claude, .pi, .generic: ["**/*.jsonl"]
        case .codex: ["**/rollout-*.jsonl"]
        case .copilot: ["*/events.jsonl", "*.jsonl"]
        case .gemini: ["*/chats/**/*.jsonl"]
        }
    }

    /// Where the agent keeps its sessions, whether they exist or not.
    ///
    /// - Parameter home: absolute, without a closing slash.
    /// - Returns: `[]` for `generic`, which has no place of its own. A variable that names no absolute path is ignored.
    package func defaultRoots(home: String, environment: [String: String]) -> [String] {
        let home = home == "/" ? "" : home
        func folder(_ variable: String, _ usual: String) -> String {
            environment[variable].flatMap { PathText.absolute($0, home: home) } ?? "\(home)/\(usual)"
        }
        switch self {
        case .claude: return ["\(folder("CLAUDE_CONFIG_DIR", ".claude"))/projects"]
        case .codex:
            let base = folder("CODEX_HOME", ".codex")
            return ["\(base)/sessions", "\(base)/archived_sessions"]
        case .gemini: return ["\(home)/.gemini/tmp"]
        case .copilot: return ["\(home)/.copilot/session-state"]
        case .pi: return ["\(home)/.pi/agent/sessions"]
        case .generic: return []
        }
    }
}

/// Paths as people write them in configuration.
package enum PathText {
    /// The absolute path, without closing or double slashes and `.` components; a leading `~/` is the home.
    ///
    /// Nothing else is expanded, and `..` is left to the kernel, as a link may stand before it.
    ///
    /// - Returns: `nil` for a relative path, an empty one, and one with a NUL.
    package static func absolute(_ text: String, home: String?) -> String? {
        var path = text
        if text == "~" || text.hasPrefix("~/") {
            guard let home else { return nil }
            path = home + text.dropFirst()
        }
        guard path.hasPrefix("/"), !path.utf8.contains(0) else { return nil }
        let parts = path.split(separator: "/").filter { $0 != "." }
        return "/" + parts.joined(separator: "/")
    }

    /// The path of `inner` below `outer`: `nil` when it is not below it. Both absolute as `absolute` returns them.
    package static func relative(_ inner: String, to outer: String) -> String? {
        let prefix = outer == "/" ? "/" : outer + "/"
        guard inner.hasPrefix(prefix), inner.utf8.count > prefix.utf8.count else { return nil }
        return String(inner.dropFirst(prefix.count))
    }
}
