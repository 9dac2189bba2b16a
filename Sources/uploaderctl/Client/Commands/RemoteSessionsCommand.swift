import Shared

/// `sessions --remote`.
extension Command {
    /// Exit code 5 when something could not be read.
    static func remoteSessions(_ context: Context) throws(ClientError) -> ExitCode {
        let filter = try filter(context)
        if filter.atRisk || filter.isPrivate {
            throw ClientError(
                .usage, "--remote goes with neither --at-risk nor --private: what is in a store is neither")
        }
        let request = RemoteRequest(
            destination: context.invocation.value("dest"), agent: filter.agent, since: filter.since)
        var sessions: [RemoteSession] = []
        var unread: [String] = []
        let daemon = try context.connect()
        daemon.waitWhileRead(context.console)
        try daemon.ask(.listRemoteSessions(request), for: "sessions --remote") { (reply) throws(ClientError) in
            if context.json {
                for session in reply.parameters["sessions"]?.elements ?? [] { try context.writeJSON(session) }
            }
            let page: RemotePage = try daemon.decoded(reply)
            if !context.json { sessions += page.sessions }
            unread += page.unread
        }
        if context.quiet, !context.json {
            for each in sessions {
                try context.console.write(TerminalText.escaped(each.session.sid.rawValue) + "\n")
            }
        } else if !context.json {
            try context.console.write(
                RemoteTable.text(sessions, now: context.now, width: context.width, paint: context.paint))
        }
        for sentence in unread { context.console.note("uploaderctl: \(TerminalText.escaped(sentence))\n") }
        return unread.isEmpty ? .done : .partlyDone
    }
}
