import Shared

extension Command {
    /// Exit code 5 when something is left that could not be deleted now.
    static let forget = Command(
        "forget", "deletes what was delivered of the session, everywhere, and delivers nothing of it again: for good",
        operands: [Operand("SESSION", .session)],
        options: [
            Option("yes", nil, "without asking"),
            Option("timeout", "DURATION", "how long to wait until it is deleted: 30s, 5m; it goes on afterwards"),
        ]
    ) { (context) throws(ClientError) in
        let sid = try context.session()
        let limit = try context.duration("timeout")
        let name = TerminalText.escaped(sid.rawValue)
        try context.confirm(
            "Delete session \(name) in every destination, for all machines? The agent's own file stays. This cannot be undone."
        )
        let (last, isLate): (ForgetReply, Bool) = try context.await(.forget(sid), for: "forget", limit: limit) {
            "deleting in \($0.joined(separator: ", "))"
        }
        if context.json { try context.writeJSON(last) }
        let places =
            last.deleted.isEmpty ? "nowhere yet" : "in \(TerminalText.escaped(last.deleted.joined(separator: ", ")))"
        try context.say("session \(name) is forgotten; deleted \(places)")
        guard isLate || !last.left.isEmpty else { return .done }
        if !context.json {
            for left in last.left {
                let later = left.willGo ? "; it is deleted there when that is over" : ""
                context.console.note(
                    "uploaderctl: not deleted in \(TerminalText.escaped("\(left.destination): \(left.reason)\(later)"))\n"
                )
            }
            if isLate { context.console.note("uploaderctl: it is being deleted yet\n") }
            context.console.note("  uploaderctl status says what is left\n")
        }
        return .partlyDone
    }
}

extension Context {
    /// Asks on a terminal; elsewhere nobody could answer, and `--yes` has to be given.
    ///
    /// - Throws: `refused`.
    func confirm(_ question: String) throws(ClientError) {
        if invocation.has("yes") { return }
        guard let answer = console.answer(to: "\(question) [y/N] ") else {
            throw ClientError(.refused, "it is not done unasked", hint: "give --yes where nobody can be asked")
        }
        guard ["y", "yes"].contains(answer.lowercased()) else { throw ClientError(.refused, "nothing was done") }
    }
}
