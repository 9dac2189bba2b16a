import Shared

extension Command {
    private static let choosing = [
        Option("session", "SESSION", "of this session"), Option("dest", "DEST", "of this destination"),
    ]
    private static let one = Operand("ID", .word([]), isRequired: false)

    static let quarantineList = Command(
        "quarantine list", "what a destination will never take as it is, and why", options: choosing
    ) { (context) throws(ClientError) in
        let request = try context.quarantined()
        var segments: [QuarantineItem] = []
        let daemon = try context.connect()
        try daemon.ask(.listQuarantine(request, after: nil), for: "quarantine list") { (reply) throws(ClientError) in
            let page: QuarantinePage = try daemon.decoded(reply)
            if context.json { for segment in page.segments { try context.writeJSON(segment) } }
            segments += page.segments
        }
        if context.json { return .done }
        if context.quiet {
            for segment in segments { try context.console.write("\(segment.id)\n") }
            return .done
        }
        guard !segments.isEmpty else {
            try context.console.write("Nothing is put aside.\n")
            return .done
        }
        var table = TextTable([
            .init("ID", number: true), .init("DESTINATION"), .init("SESSION"), .init("STREAM"), .init("LINES"),
            .init("BYTES", number: true), .init("SINCE"), .init("REASON", fit: .cutEnd),
        ])
        for item in segments {
            table.add([
                "\(item.id)", item.destination, item.sid.rawValue, item.stream.rawValue,
                "\(item.firstLine)–\(item.firstLine + item.lines - 1)", Amounts.size(item.bytes), item.since,
                item.reason,
            ])
        }
        try context.console.write(table.text(width: context.width, paint: context.paint))
        return .done
    }

    static let quarantineRetry = Command(
        "quarantine retry", "what was put aside is tried again: one, or all that the options choose",
        operands: [one], options: choosing
    ) { (context) throws(ClientError) in
        let request = try context.quarantined()
        let reply: QuarantineCount = try context.connect().ask(.retryQuarantine(request), for: "quarantine retry")
        return try context.tell(reply, "to be tried again")
    }

    static let quarantineDrop = Command(
        "quarantine drop", "the destination never gets it: one, or all that the options choose; for good",
        operands: [one], options: choosing + [Option("yes", nil, "without asking")]
    ) { (context) throws(ClientError) in
        let request = try context.quarantined()
        try context.confirm(
            "Give up what was put aside? What no other destination has, or is to have, is deleted here, too. This cannot be undone."
        )
        let reply: QuarantineCount = try context.connect().ask(.dropQuarantine(request), for: "quarantine drop")
        return try context.tell(reply, "given up")
    }
}

extension Context {
    fileprivate func quarantined() throws(ClientError) -> QuarantineRequest {
        var request = QuarantineRequest(destination: invocation.value("dest"))
        if let text = invocation.operands.first {
            guard let id = Int(text), id > 0 else {
                throw ClientError(
                    .usage, "“\(TerminalText.escaped(text))” is no id", hint: "uploaderctl quarantine list has them")
            }
            request.id = id
        }
        if let text = invocation.value("session") {
            guard let sid = SessionID(text) else {
                throw ClientError(.usage, "“\(TerminalText.escaped(text))” is no session id")
            }
            request.sid = sid
        }
        return request
    }

    /// Exit code 1 when there was nothing of the kind.
    fileprivate func tell(_ reply: QuarantineCount, _ what: String) throws(ClientError) -> ExitCode {
        if json { try writeJSON(reply) }
        let none = "nothing like that is put aside"
        try say(reply.segments == 0 ? none : "\(Amounts.count(reply.segments, "segment")) \(what)")
        return reply.segments == 0 ? .no : .done
    }
}
