import Shared

extension Command {
    static let audit = Command(
        "audit", "what was sent, kept here, refused, redacted and deleted",
        options: [
            Option("since", "TIME", "only what happened since then, too: 2h, 3d, 2026-11-20"),
            Option("dest", "DESTINATION", "only what concerns it"),
            Option("sid", "SESSION", "only of this session"),
            Option("export", "FORMAT", "as another program's logs", choices: ["agnes"]),
            Option("log", "LOG", "with --export: this log alone", choices: AgnesLog.allCases.map(\.rawValue)),
        ]
    ) { (context) throws(ClientError) in
        let request = try request(context)
        let export = try export(context)
        var entries: [AuditEntry] = []
        var refusals: [AuditRefusal] = []
        let daemon = try context.connect()
        try daemon.ask(.audit(request), for: "audit") { (reply) throws(ClientError) in
            let page: AuditPage = try daemon.decoded(reply)
            if context.json, export == nil {
                for entry in page.entries { try context.writeJSON(entry) }
                for refusal in page.refusals { try context.writeJSON(refusal) }
            }
            entries += page.entries
            refusals += page.refusals
        }
        if let logs = export {
            for log in logs {
                // As head(1) tells files apart.
                if logs.count > 1 { try context.console.write("==> \(log.fileName) <==\n") }
                for line in log.lines(entries) { try context.writeLine(line) }
            }
        } else if context.json {
            try context.writeJSON(["summary": AuditSummary(entries)])
        } else if !context.quiet {
            try context.console.write(
                AuditText.text(entries, refusals, now: context.now, width: context.width, paint: context.paint))
        }
        return .done
    }

    private static func request(_ context: Context) throws(ClientError) -> AuditRequest {
        var request = AuditRequest(destination: context.invocation.value("dest"))
        if let text = context.invocation.value("sid") {
            guard let sid = SessionID(text) else {
                throw ClientError(
                    .usage, "“\(text)” is no session id", hint: "uploaderctl sessions lists those that are known here")
            }
            request.sid = sid
        }
        if let text = context.invocation.value("since") {
            guard let time = Amounts.time(text, now: context.now) else {
                throw ClientError(
                    .usage, "“\(text)” is no time", hint: "such as 90s, 10min, 2h, 3d, 2026-11-20, 2026-11-20T08:00:00Z"
                )
            }
            request.since = time
        }
        return request
    }

    /// - Returns: `nil`: it is not to be exported.
    private static func export(_ context: Context) throws(ClientError) -> [AgnesLog]? {
        let name = context.invocation.value("log")
        guard let format = context.invocation.value("export") else {
            if name != nil { throw ClientError(.usage, "--log goes with --export", hint: "--export agnes") }
            return nil
        }
        guard format == "agnes" else {
            throw ClientError(.usage, "there is no format “\(format)”", hint: "one of: agnes")
        }
        guard let name else { return AgnesLog.allCases }
        guard let log = AgnesLog(rawValue: name) else {
            throw ClientError(
                .usage, "there is no log “\(name)”",
                hint: "one of: \(AgnesLog.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return [log]
    }
}

extension Context {
    /// A line of a format of another program's: as it is, but for a terminal.
    fileprivate func writeLine(_ line: String) throws(ClientError) {
        let shown =
            console.isTerminal
            ? line.split(separator: "\t", omittingEmptySubsequences: false).map { TerminalText.escaped(String($0)) }
                .joined(separator: "\t") : line
        try console.write(shown + "\n")
    }
}
