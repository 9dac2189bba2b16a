import Shared

/// Where each agent's lines keep what we want to know.
extension FirstLines {
    /// Bookkeeping lines come first and carry neither directory nor time; several branches and versions in one file are
    /// normal, the first counts here.
    mutating func claude(_ line: JSONGlance, _ learnt: inout SessionFacts) {
        let members = line.members([
            "type", "cwd", "gitBranch", "version", "timestamp", "sessionId", "agentId", "message", "isMeta",
            "isSidechain", "customTitle", "aiTitle", "summary", "leafUuid",
        ])
        learnt.cwd = members[1]?.text()
        if let branch = members[2]?.text(), !branch.isEmpty {
            learnt.git = .object(["branch": .string(branch)])
            learnt.branches = [branch]
        }
        learnt.agentVersion = members[3]?.text()
        learnt.startedAt = time(members[4])
        if sessionID == nil { sessionID = members[5]?.text().flatMap { SessionID($0) } }
        if agentID == nil { agentID = members[6]?.text() }
        switch members[0]?.text() {
        case "user" where members[8]?.isTrue != true && members[9]?.isTrue != true:
            setPrompt(Self.words(members[7]?["content"]), &learnt)
        case "assistant":
            if let model = members[7]?["model"]?.text(), model != "<synthetic>" { learnt.model = model }
        case "custom-title": setTitle(members[10]?.text(), rank: 4)
        case "ai-title": setTitle(members[11]?.text(), rank: 3)
        // Most summaries point by leafUuid to another session: they are not this one's.
        case "summary" where members[13]?.text() == nil:
            learnt.summary = members[12]?.text(limit: 2048)
            setTitle(learnt.summary, rank: 2)
        default: break
        }
    }

    /// Only the first `session_meta` is this file's: the next are its parent's, replayed.
    mutating func codex(_ line: JSONGlance, _ learnt: inout SessionFacts) {
        let members = line.members(["type", "payload", "timestamp"])
        guard let payload = members[1] else { return }
        switch members[0]?.text() {
        case "session_meta" where sessionID == nil:
            let meta = payload.members([
                "id", "cwd", "cli_version", "timestamp", "git", "parent_thread_id", "source",
            ])
            sessionID = meta[0]?.text().flatMap { SessionID($0) }
            learnt.cwd = meta[1]?.text()
            learnt.agentVersion = meta[2]?.text()
            learnt.startedAt = time(meta[3]) ?? time(members[2])
            let git = meta[4]?.members(["repository_url", "branch", "commit_hash"]).map { $0?.text() } ?? []
            learnt.git = Self.git(zip(["repo_url", "branch", "commit_sha"], git))
            if git.count == 3, let branch = git[1] { learnt.branches = [branch] }
            learnt.parentSID =
                (meta[5]?.text() ?? meta[6]?[["subagent", "thread_spawn", "parent_thread_id"]]?.text())
                .flatMap { SessionID($0) }
        case "turn_context":
            learnt.model = payload["model"]?.text()
            if cwd == nil { learnt.cwd = payload["cwd"]?.text() }
        case "event_msg":
            let event = payload.members(["type", "message", "thread_name"])
            switch event[0]?.text() {
            case "user_message": setPrompt(event[1]?.text(limit: 8192), &learnt)
            case "thread_name_updated": setTitle(event[2]?.text(), rank: 4)
            default: break
            }
        default: break
        }
    }

    mutating func copilot(_ line: JSONGlance, _ learnt: inout SessionFacts) {
        let members = line.members(["type", "data", "timestamp"])
        learnt.startedAt = time(members[2])
        guard let data = members[1] else { return }
        switch members[0]?.text() {
        case "session.start":
            let start = data.members(["sessionId", "copilotVersion", "startTime", "selectedModel", "context"])
            sessionID = sessionID ?? start[0]?.text().flatMap { SessionID($0) }
            learnt.agentVersion = start[1]?.text()
            learnt.startedAt = time(start[2]) ?? learnt.startedAt
            learnt.model = start[3]?.text()
            let context = start[4]?.members(["cwd", "repository", "branch", "headCommit"]).map { $0?.text() } ?? []
            guard context.count == 4 else { return }
            learnt.cwd = context[0]
            learnt.git = Self.git(zip(["repository", "branch", "commit_sha"], context.dropFirst()))
            if let branch = context[2] { learnt.branches = [branch] }
        case "session.model_change": learnt.model = data["newModel"]?.text()
        case "user.message": setPrompt(Self.words(data["content"]), &learnt)
        default: break
        }
    }

    mutating func pi(_ line: JSONGlance, _ learnt: inout SessionFacts) {
        let members = line.members(["type", "id", "cwd", "timestamp", "message", "modelId", "model", "name"])
        learnt.startedAt = time(members[3])
        switch members[0]?.text() {
        case "session":
            sessionID = sessionID ?? members[1]?.text().flatMap { SessionID($0) }
            learnt.cwd = members[2]?.text()
        case "model_change": learnt.model = members[5]?.text() ?? members[6]?.text()
        case "session_info": setTitle(members[7]?.text(), rank: 4)
        case "message" where members[4]?["role"]?.text() == "user":
            setPrompt(Self.words(members[4]?["content"]), &learnt)
        default: break
        }
    }

    mutating func gemini(_ line: JSONGlance, _ learnt: inout SessionFacts) {
        let members = line.members(["sessionId", "startTime", "directories", "type", "content", "model", "timestamp"])
        sessionID = sessionID ?? members[0]?.text().flatMap { SessionID($0) }
        learnt.startedAt = time(members[1]) ?? time(members[6])
        learnt.cwd = members[2]?.elements(limit: 1).first?.text()
        learnt.model = members[5]?.text()
        if members[3]?.text() == "user" { setPrompt(Self.words(members[4]), &learnt) }
    }

    mutating func generic(_ line: JSONGlance, _ learnt: inout SessionFacts) {
        let members = line.members(["cwd", "timestamp"])
        learnt.cwd = members[0]?.text()
        learnt.startedAt = time(members[1])
    }

    /// A member that is a time, as it is written.
    private func time(_ value: JSONGlance?) -> String? {
        value?.text(limit: 64).flatMap { RFC3339.parse($0) == nil ? nil : $0 }
    }

    private static func git(_ pairs: some Sequence<(String, String?)>) -> JSONValue? {
        var known: [String: JSONValue] = [:]
        for (name, value) in pairs { if let value, !value.isEmpty { known[name] = .string(value) } }
        return known.isEmpty ? nil : .object(known)
    }
}
