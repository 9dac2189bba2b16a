/// What is known about a session besides its lines; `session` in a manifest.
package struct SessionFacts: Hashable, Sendable, Codable {
    package var agent: Agent?
    package var agentVersion: String?
    package var cwd: String?
    package var cwds: [String]?
    package var git: JSONValue?
    package var branches: [String]?
    package var title: String?
    package var firstUserMessage: String?
    package var summary: String?
    package var model: String?
    package var models: [String]?
    /// RFC 3339.
    package var startedAt: String?
    package var lastAt: String?
    package var endedAt: String?
    package var endReason: String?
    package var parentSID: SessionID?
    package var links: [JSONValue]?
    /// The label of the machine, from the configuration.
    package var host: String?
    /// The application-specific machine id: machine-id(5).
    package var machine: String?
    package var user: String?
    package var sourcePath: String?

    package init(agent: Agent? = nil) { self.agent = agent }

    package enum CodingKeys: String, CodingKey {
        case agent, cwd, cwds, git, branches, title, summary, model, models, links, host, machine, user
        case agentVersion = "agent_version"
        case firstUserMessage = "first_user_message"
        case startedAt = "started_at"
        case lastAt = "last_at"
        case endedAt = "ended_at"
        case endReason = "end_reason"
        case parentSID = "parent_sid"
        case sourcePath = "source_path"
    }

    /// These facts with those of `newer` laid over them: what `newer` knows wins, what only we know stays.
    package func merged(with newer: SessionFacts) -> SessionFacts {
        var all = self
        all.agent = newer.agent ?? agent
        all.agentVersion = newer.agentVersion ?? agentVersion
        all.cwd = newer.cwd ?? cwd
        all.cwds = newer.cwds ?? cwds
        all.git = newer.git ?? git
        all.branches = newer.branches ?? branches
        all.title = newer.title ?? title
        all.firstUserMessage = newer.firstUserMessage ?? firstUserMessage
        all.summary = newer.summary ?? summary
        all.model = newer.model ?? model
        all.models = newer.models ?? models
        all.startedAt = newer.startedAt ?? startedAt
        all.lastAt = newer.lastAt ?? lastAt
        all.endedAt = newer.endedAt ?? endedAt
        all.endReason = newer.endReason ?? endReason
        all.parentSID = newer.parentSID ?? parentSID
        all.links = newer.links ?? links
        all.host = newer.host ?? host
        all.machine = newer.machine ?? machine
        all.user = newer.user ?? user
        all.sourcePath = newer.sourcePath ?? sourcePath
        return all
    }
}
