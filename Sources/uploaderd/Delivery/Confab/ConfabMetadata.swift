import Shared

/// What a chunk of a transcript tells of its session, learnt from its first lines as they are sent: redacted. Pure.
struct ConfabMetadata: Encodable {
    private(set) var git: JSONValue?
    private(set) var summary: String?
    private(set) var firstUserMessage: String?
    private(set) var rollout: JSONValue?
    private(set) var latestAt: String?
    private(set) var createdAt: String?
    private(set) var model: String?

    private var latest: WallTime?
    private static let longestSummary = 2048
    private static let longestMessage = 4096

    /// Names of the keys above only.
    private enum CodingKeys: String, CodingKey {
        case summary, model
        case git = "git_info"
        case firstUserMessage = "first_user_message"
        case rollout = "codex_rollout"
        case latestAt = "latest_message_at"
        case createdAt = "created_at"
    }

    /// - Parameter facts: what is known besides.
    init(_ chunk: ConfabChunk, _ facts: SessionFacts) {
        git = facts.git
        for bytes in chunk.samples {
            guard let line = try? JSONText.decode(JSONValue.self, from: bytes), case .object = line else { continue }
            note(line, isOfBeginning: chunk.firstLine == 1)
        }
        if chunk.firstLine == 1, facts.agent == .codex { noteRollout(chunk, facts) }
    }

    private mutating func note(_ line: JSONValue, isOfBeginning: Bool) {
        if let text = line["timestamp"]?.text, let time = RFC3339.parse(text) {
            if isOfBeginning, latest == nil { createdAt = RFC3339.text(time) }
            latest = max(latest ?? time, time)
            latestAt = latest.map { RFC3339.text($0) }
        }
        let payload = line["payload"]
        switch line["type"]?.text {
        case "user" where line["isMeta"]?.truth != true: note(message: Self.words(line["message"]?["content"]))
        case "event_msg" where payload?["type"]?.text == "user_message": note(message: payload?["message"]?.text)
        case "assistant":
            if let name = line["message"]?["model"]?.text, name != "<synthetic>" { model = name }
        case "turn_context": model = payload?["model"]?.text ?? model
        // One with a leaf is another session's.
        case "summary" where line["leafUuid"]?.text == nil:
            summary = line["summary"]?.text.map { ConfabText.cut($0, Self.longestSummary) } ?? summary
        default: break
        }
    }

    private mutating func note(message: String?) {
        guard firstUserMessage == nil, let message else { return }
        let flat = ConfabText.cut(ConfabText.flat(message), Self.longestMessage, ending: "...")
        if !flat.isEmpty { firstUserMessage = flat }
    }

    private static func words(_ content: JSONValue?) -> String? {
        content?.text ?? content?.elements?.first { $0["type"]?.text == "text" }?["text"]?.text
    }

    private mutating func noteRollout(_ chunk: ConfabChunk, _ facts: SessionFacts) {
        guard let first = chunk.samples.first, let line = try? JSONText.decode(JSONValue.self, from: first),
            line["type"]?.text == "session_meta", let meta = line["payload"]
        else { return }
        let spawn = meta["source"]?["subagent"]?["thread_spawn"]
        var told: [String: JSONValue] = [:]
        told["thread_uuid"] = meta["id"]
        told["parent_thread_uuid"] = meta["parent_thread_id"] ?? spawn?["parent_thread_id"]
        told["rollout_path"] = facts.sourcePath.map { .string($0) }
        told["cwd"] = meta["cwd"]
        told["model"] = (model ?? facts.model).map { .string($0) }
        told["source"] = meta["source"]?.text.map { .string($0) }
        told["thread_source"] = meta["thread_source"]
        for name in ["agent_path", "agent_role", "agent_nickname"] { told[name] = meta[name] ?? spawn?[name] }
        rollout = .object(told)
    }

    /// - Returns: `nil`: there is nothing to tell.
    var text: [UInt8]? {
        guard let text = try? JSONText.encode(self), text.count > 2 else { return nil }
        return text
    }
}
