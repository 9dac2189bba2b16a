import Shared

extension Command {
    static let importQueue = Command(
        "import-queue",
        "takes over agnes' queue, its private list first, or the sessions in agent-uploader's spool",
        operands: [Operand("FILE|DIR", .path)]
    ) { (context) throws(ClientError) in
        let path = context.absolutePath(context.invocation.operands.first ?? "")
        if let spool = try AgentUploaderSpool(reading: path) { return try importSpool(spool, context) }
        let files = try AgnesFiles(reading: path)
        let daemon = try context.connect()
        // First of all: what is private is not to be looked at for a moment.
        try makePrivate(files.privates, daemon)
        var total = ImportQueueReply()
        for (origin, sessions) in [
            (ImportQueueRequest.Origin.uploaded, files.uploaded), (.queue, files.queued), (.failed, files.failed),
        ] {
            for start in stride(from: 0, to: sessions.count, by: part) {
                let request = ImportQueueRequest(origin, Array(sessions[start..<min(start + part, sessions.count)]))
                total.add(try daemon.ask(.importQueue(request), for: "import-queue"))
            }
        }
        if context.json {
            try context.writeJSON(
                Imported(total, privates: files.privates.count, passedOver: files.passedOver))
        } else {
            try context.say(
                "\(Amounts.count(total.watched, "session")) below watched roots, \(total.taken) elsewhere taken, "
                    + "\(total.missing) with no file any more, \(files.privates.count) private")
            if total.noted > 0 {
                try context.say(
                    "\(Amounts.count(total.noted, "upload")) to agnes' server noted. Your stores do not have them by that: "
                        + "what of them lies below a watched root is taken, and nothing else")
            }
            if files.passedOver > 0 { try context.say("\(Amounts.count(files.passedOver, "line")) passed over") }
            for sentence in total.notTaken { context.console.note("uploaderctl: \(TerminalText.escaped(sentence))\n") }
        }
        return total.notTaken.isEmpty ? .done : .partlyDone
    }

    /// A request has at most 1 MiB, a line 8 KiB.
    private static let part = 100

    private static func makePrivate(_ sessions: [SessionID], _ daemon: DaemonConnection) throws(ClientError) {
        for sid in sessions {
            do throws(ClientError) {
                let _: AddPrivateReply = try daemon.ask(.addPrivate(sid), for: "import-queue")
            } catch {
                throw ClientError(
                    .refused, "session \(sid) is private, and could not be made so here; nothing was imported",
                    hint: "an uploaderd that can keep sessions private is needed: uploaderctl version",
                    cause: error.sentence)
            }
        }
    }

    private struct Imported: Encodable {
        var watched: Int
        var taken: Int
        var missing: Int
        var noted: Int
        var privates: Int
        var passedOver: Int
        var notTaken: [String]

        init(_ reply: ImportQueueReply, privates: Int, passedOver: Int) {
            watched = reply.watched
            taken = reply.taken
            missing = reply.missing
            noted = reply.noted
            notTaken = reply.notTaken
            self.privates = privates
            self.passedOver = passedOver
        }

        enum CodingKeys: String, CodingKey {
            case watched, taken, missing, noted
            case privates = "private"
            case passedOver = "passed_over"
            case notTaken = "not_taken"
        }
    }
}
