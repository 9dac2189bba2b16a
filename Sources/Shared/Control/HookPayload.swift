/// What an agent gives to its hook, read as an event. Hostile: only the few members that are needed are looked at.
///
/// Claude Code, on standard input:
///
///     {"session_id":"…","transcript_path":"/home/u/.claude/projects/-p/….jsonl","cwd":"/p",
///      "hook_event_name":"SessionEnd","reason":"logout"}
///
/// `hook_event_name` is SessionStart, SessionEnd, UserPromptSubmit, or another, which says that the session goes on; `reason` is
/// clear, logout, prompt_input_exit or other. Codex' hooks have the same members. Codex' `notify` has its own, in the program's last argument:
///
///     {"type":"agent-turn-complete","thread-id":"…","turn-id":"…","cwd":"/p","input-messages":[…],"last-assistant-message":"…"}
package enum HookPayload {
    /// What is longer is not looked at.
    package static let longest = 16 << 20

    /// - Parameters:
    ///   - home: for a path that begins with `~/`.
    ///   - process: the agent's.
    /// - Returns: `nil` for anything that tells of no session.
    package static func event(
        of text: [UInt8], home: String?, process: AgentProcess?, at now: WallTime
    ) -> CapturedEvent? {
        let members: Members
        do throws(JSONFault) {
            members = try Members(text)
        } catch {
            return nil  // Who sent it is not to be told, and nobody else is there.
        }
        if let type = members.text("type"), let id = members.text("thread-id").flatMap({ SessionID($0) }) {
            // Further types may come; each tells of a session that is there.
            return type.isEmpty
                ? nil : CapturedEvent(.turn, agent: .codex, sid: id, at: now, process: process)
        }
        guard let sid = members.text("session_id").flatMap({ SessionID($0) }) else { return nil }
        let path = members.text("transcript_path").flatMap { PathText.absolute($0, home: home) }
            .flatMap { CapturedEvent.isPath($0) ? $0 : nil }
        let kind: CapturedEvent.Kind =
            switch members.text("hook_event_name") {
            case "SessionStart": .start
            case "SessionEnd": .end
            case "UserPromptSubmit": .prompt
            case nil, .some: .turn
            }
        var event = CapturedEvent(kind, agent: agent(of: path), sid: sid, at: now, path: path, process: process)
        if kind == .end { event.reason = CapturedEvent.cleanReason(members.text("reason") ?? "other") }
        if kind == .start || kind == .end, text.count <= CapturedEvent.longestPayload {
            event.payload = members.whole
        }
        return event
    }

    /// Whose a transcript is, by its name.
    package static func agent(of path: String?) -> Agent {
        let name = path.map { $0[($0.lastIndex(of: "/") ?? $0.startIndex)...].dropFirst() } ?? ""
        return name.hasPrefix("rollout-") ? .codex : .claude
    }

    private struct Members {
        let outline: JSONOutline
        let range: Range<Int>
        let members: [JSONOutline.Member]

        init(_ text: [UInt8]) throws(JSONFault) {
            outline = JSONOutline(text)
            range = try outline.whole()
            members = try outline.members(of: range)
        }

        /// The first member of that name, where it is a text.
        func text(_ name: String) -> String? {
            guard let member = members.first(where: { outline.bytes[$0.rawName].elementsEqual(name.utf8) }) else {
                return nil
            }
            do throws(JSONFault) {
                return try outline.value(at: member.value).text
            } catch {
                return nil  // As if it were absent.
            }
        }

        /// `nil` for what this program could not write as it is.
        var whole: JSONValue? {
            do throws(JSONFault) {
                return try outline.value(at: range)
            } catch {
                return nil
            }
        }
    }
}
