import Shared

extension Command {
    static let sessions = Command(
        "sessions", "the sessions that are known here, the one written last on top",
        options: [
            Option("agent", "AGENT", "only of this agent", choices: Agent.allCases.map(\.rawValue)),
            Option("since", "TIME", "only with a line since then: 2h, 3d, 2026-11-20"),
            Option("at-risk", nil, "only those of which a required destination does not have all"),
            Option("private", nil, "only those of which nothing leaves"),
            Option("remote", nil, "what the stores have instead, of all machines"),
            Option("dest", "DESTINATION", "with --remote: only of this one"),
        ]
    ) { (context) throws(ClientError) in
        if context.invocation.has("remote") { return try remoteSessions(context) }
        if context.invocation.has("dest") { throw ClientError(.usage, "--dest goes with --remote") }
        let filter = try filter(context)
        var sessions: [SessionItem] = []
        let daemon = try context.connect()
        try daemon.ask(.listSessions(filter), for: "sessions") { (reply) throws(ClientError) in
            if context.json {
                for session in reply.parameters["sessions"]?.elements ?? [] { try context.writeJSON(session) }
            } else {
                let page: SessionPage = try daemon.decoded(reply)
                sessions += page.sessions
            }
        }
        if context.json { return .done }
        if context.quiet {
            for session in sessions { try context.console.write(TerminalText.escaped(session.sid.rawValue) + "\n") }
            return .done
        }
        try context.console.write(
            SessionTable.text(sessions, now: context.now, width: context.width, paint: context.paint))
        return .done
    }

    static func filter(_ context: Context) throws(ClientError) -> SessionFilter {
        var filter = SessionFilter(
            atRisk: context.invocation.has("at-risk"), isPrivate: context.invocation.has("private"))
        if let name = context.invocation.value("agent") {
            guard let agent = Agent(rawValue: name) else {
                throw ClientError(
                    .usage, "there is no agent “\(name)”",
                    hint: "one of: \(Agent.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            filter.agent = agent
        }
        if let text = context.invocation.value("since") {
            guard let time = Amounts.time(text, now: context.now) else {
                throw ClientError(
                    .usage, "“\(text)” is no time", hint: "such as 90s, 10min, 2h, 3d, 2026-11-20, 2026-11-20T08:00:00Z"
                )
            }
            filter.since = time
        }
        return filter
    }

    static let show = Command(
        "show", "one session: streams, generations, segments, checkpoints, deliveries",
        operands: [Operand("SESSION", .session)]
    ) { (context) throws(ClientError) in
        let sid = try context.session()
        var whole = SessionDetail(session: nil, streams: [], checkpoints: [], segments: [])
        let daemon = try context.connect()
        try daemon.ask(.describeSession(sid), for: "show") { (reply) throws(ClientError) in
            let part: SessionDetail = try daemon.decoded(reply)
            whole.session = whole.session ?? part.session
            whole.streams += part.streams
            whole.checkpoints += part.checkpoints
            whole.segments += part.segments
            whole.writers += part.writers
        }
        if context.json {
            try context.writeJSON(whole)
        } else if !context.quiet {
            try context.console.write(
                SessionScreen.text(whole, now: context.now, width: context.width, paint: context.paint))
        }
        return .done
    }
}
