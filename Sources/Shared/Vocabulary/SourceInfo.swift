/// The file behind a stream: which agent's, below which watched root, and what it is to its session.
package struct SourceInfo: Hashable, Sendable, Codable {
    package var agent: Agent
    /// Absolute.
    package var root: String
    /// Below `root`.
    package var relativePath: String
    /// `main`, `agent`, `workflow` …; `kind` of a stream in a manifest.
    package var kind: String
    /// The agent's own id of the sub-agent whose lines these are; `agent_id` of a stream in a manifest.
    package var agentID: String?

    package init(agent: Agent, root: String, relativePath: String, kind: String, agentID: String? = nil) {
        self.agent = agent
        self.root = root
        self.relativePath = relativePath
        self.kind = kind
        self.agentID = agentID
    }

    enum CodingKeys: String, CodingKey {
        case agent, root, kind
        case relativePath = "path"
        case agentID = "agent_id"
    }
}
