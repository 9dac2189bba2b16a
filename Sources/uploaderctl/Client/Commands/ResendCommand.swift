import Shared

extension Command {
    /// Exit code 5 when something is left to be done.
    static let resend = Command(
        "resend", "delivers a session again; --redact: removes what today's rules find from what was delivered",
        operands: [Operand("SESSION", .session, isRequired: false)],
        options: [
            Option("dest", "DEST", "only in this destination"),
            Option("redact", nil, "by today's rules, in every destination; the old objects are deleted"),
            Option("all", nil, "with --redact: every session"),
            Option("yes", nil, "with --redact: without asking"),
            Option("timeout", "DURATION", "how long to wait until it is done: 30s, 5m; it goes on afterwards"),
        ]
    ) { (context) throws(ClientError) in
        let request = try ResendRequest(context)
        let limit = try context.duration("timeout")
        if case .redacted(let sid) = request.kind {
            let what = sid.map { "session \(TerminalText.escaped($0.rawValue))" } ?? "every session"
            try context.confirm(
                "Rewrite what was delivered of \(what) by today's rules, and delete the old objects in every destination? "
                    + "This cannot be undone.")
        }
        let (last, isLate): (ResendReply, Bool) = try context.await(.resend(request), for: "resend", limit: limit) {
            "waiting for \($0.joined(separator: ", "))"
        }
        if context.json { try context.writeJSON(last) }
        try context.say(request.sentence(of: last))
        guard isLate || !last.left.isEmpty || !last.failed.isEmpty else { return .done }
        if !context.json {
            for left in last.left {
                let later = left.willGo ? "; it goes on there when that is over" : ""
                context.console.note(
                    "uploaderctl: not done in \(TerminalText.escaped("\(left.destination): \(left.reason)\(later)"))\n")
            }
            for sentence in last.failed { context.console.note("uploaderctl: \(TerminalText.escaped(sentence))\n") }
            if isLate { context.console.note("uploaderctl: it goes on\n") }
        }
        return .partlyDone
    }
}

extension ResendRequest {
    /// - Throws: `usage` for options that contradict each other.
    fileprivate init(_ context: Context) throws(ClientError) {
        let invocation = context.invocation
        let isAll = invocation.has("all")
        let hasSession = invocation.operands.first != nil
        guard invocation.has("redact") else {
            if isAll { throw ClientError(.usage, "--all needs --redact") }
            guard hasSession else { throw ClientError(.usage, "resend needs a session") }
            self.init(.again(try context.session(), destination: invocation.value("dest")))
            return
        }
        if invocation.value("dest") != nil {
            throw ClientError(.usage, "--redact is for every destination: nowhere is an old object to stay")
        }
        guard isAll != hasSession else {
            throw ClientError(.usage, "resend --redact needs a session, or --all")
        }
        self.init(.redacted(isAll ? nil : try context.session()))
    }

    fileprivate func sentence(of reply: ResendReply) -> String {
        switch kind {
        case .again(let sid, _):
            let read = reply.unchanged > 0 ? "; \(reply.unchanged) were read where they are" : ""
            return "session \(TerminalText.escaped(sid.rawValue)) is delivered again: \(reply.segments) objects\(read)"
        case .redacted(let sid):
            let what =
                sid.map { "session \(TerminalText.escaped($0.rawValue))" } ?? "\(reply.sessions) sessions"
            return
                "\(what) by today's rules: \(reply.segments) objects were made anew, \(reply.unchanged) stay as they are"
        }
    }
}
