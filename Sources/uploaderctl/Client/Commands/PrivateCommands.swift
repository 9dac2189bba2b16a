import Shared

extension Command {
    private static let optionalSession = Operand("SESSION", .session, isRequired: false)

    /// Exit code 5 when `--timeout` has passed and something is still on its way.
    static let privateAdd = Command(
        "private add", "nothing more of the session leaves this machine; inside Claude Code: of this one",
        operands: [optionalSession],
        options: [
            Option(
                "timeout", "DURATION", "how long to wait for what is on its way: 30s, 5m; without it, until it is over")
        ]
    ) { (context) throws(ClientError) in
        let sid = try context.sessionMeant()
        let limit = try context.duration("timeout")
        let (last, isLate): (AddPrivateReply, Bool) = try context.await(
            .addPrivate(sid), for: "private add", limit: limit
        ) { isOnItsWay(sid, to: $0) }
        if isLate {
            throw ClientError(
                .partlyDone,
                TerminalText.escaped(
                    "the session is private and nothing more begins, but \(isOnItsWay(sid, to: last.waitingFor))"),
                hint: "ask again: it is over when uploaderctl private add answers")
        }
        if context.json { try context.writeJSON(last) }
        try context.say(
            last.changed
                ? "session \(TerminalText.escaped(sid.rawValue)) is private: nothing more of it leaves"
                : "session \(TerminalText.escaped(sid.rawValue)) was private already")
        return .done
    }

    private static func isOnItsWay(_ sid: SessionID, to destinations: [String]) -> String {
        "something of session \(sid) is on its way to \(destinations.joined(separator: ", ")) yet"
    }

    static let privateRemove = Command(
        "private remove", "the session is delivered again, with what it had meanwhile", operands: [optionalSession]
    ) { (context) throws(ClientError) in
        let sid = try context.sessionMeant()
        let reply: RemovePrivateReply = try context.connect().ask(.removePrivate(sid), for: "private remove")
        if context.json { try context.writeJSON(reply) }
        let name = TerminalText.escaped(sid.rawValue)
        try context.say(reply.changed ? "session \(name) is delivered again" : "session \(name) was not private")
        return .done
    }

    static let privateList = Command("private list", "the sessions of which nothing leaves") {
        (context) throws(ClientError) in
        var sessions: [PrivateSession] = []
        let daemon = try context.connect()
        try daemon.ask(.listPrivate(after: nil), for: "private list") { (reply) throws(ClientError) in
            let page: PrivatePage = try daemon.decoded(reply)
            if context.json { for session in page.sessions { try context.writeJSON(session) } }
            sessions += page.sessions
        }
        if context.json { return .done }
        if context.quiet {
            for session in sessions { try context.console.write(TerminalText.escaped(session.sid.rawValue) + "\n") }
            return .done
        }
        guard !sessions.isEmpty else {
            try context.console.write("No session is private.\n")
            return .done
        }
        var table = TextTable([.init("SESSION"), .init("STANDING"), .init("SINCE")])
        for session in sessions { table.add([session.sid.rawValue, session.standing.rawValue, session.since]) }
        try context.console.write(table.text(width: context.width, paint: context.paint))
        return .done
    }
}

extension Context {
    /// The session that the command names, else the one that it runs in.
    func sessionMeant() throws(ClientError) -> SessionID {
        guard invocation.operands.isEmpty else { return try session() }
        guard let text = environment["CLAUDE_CODE_SESSION_ID"], let sid = SessionID(text) else {
            throw ClientError(
                .usage, "it is not known which session is meant",
                hint: "name it; only inside Claude Code ($CLAUDE_CODE_SESSION_ID) it need not be named")
        }
        return sid
    }

    func duration(_ option: String) throws(ClientError) -> Duration? {
        guard let text = invocation.value(option) else { return nil }
        guard let limit = DurationText.duration(text) else {
            throw ClientError(.usage, "“\(text)” is no duration", hint: "write it as 500ms, 30s or 2m30s")
        }
        return limit
    }
}
