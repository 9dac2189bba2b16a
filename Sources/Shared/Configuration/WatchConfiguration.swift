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

    /// The variable by which a user moves the agent's own folder.
    package var folderVariable: String? {
        switch self {
        case .claude: "CLAUDE_CONFIG_DIR"
        case .codex: "CODEX_HOME"
        case .gemini, .copilot, .pi, .generic: nil
        }
    }

    /// Where the agent keeps its sessions, whether they exist or not.
    ///
    /// - Parameter home: absolute, without a closing slash.
    /// - Returns: `[]` for `generic`, which has no place of its own. A variable that names no absolute path is ignored.
    package func defaultRoots(home: String, environment: [String: String]) -> [String] {
        let home = home == "/" ? "" : home
        func folder(_ usual: String) -> String {
            let given = folderVariable.flatMap { environment[$0] }
            return given.flatMap { PathText.absolute($0, home: home) } ?? "\(home)/\(usual)"
        }
        switch self {
        case .claude: return ["\(folder(".claude"))/projects"]
        case .codex:
            let base = folder(".codex")
            return ["\(base)/sessions", "\(base)/archived_sessions"]
        case .gemini: return ["\(home)/.gemini/tmp"]
        case .copilot: return ["\(home)/.copilot/session-state"]
        case .pi: return ["\(home)/.pi/agent/sessions"]
        case .generic: return []
        }
    }
}
