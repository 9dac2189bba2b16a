import Shared

/// Exit code 5 when a manifest could not be read, so that lines may be missing; what could be read is given all the same.
extension Command {
    private static let choosing: [Option] = [
        Option("to-checkpoint", "ID", "up to this checkpoint, or latest", choices: ["latest"]),
        Option("stream", "NAME", "another stream than main"),
        Option("generation", "N", "another generation than the last"),
        Option("from", "DESTINATION", "only what this destination has"),
    ]

    static let replay = Command(
        "replay", "the session's lines, to standard output, from wherever they are",
        operands: [Operand("SESSION", .session)],
        options: choosing + [
            Option("lines", "A:B", "only these lines, from 1; A: and :B leave one end open"),
            Option("max-lines", "N", "only the last N of them"),
            Option("follow", nil, "go on as lines come"),
            Option("raw", nil, "to a terminal as they are, without escaping what could steer it"),
        ]
    ) { (context) throws(ClientError) in
        var request = try request(context)
        if let text = context.invocation.value("lines") {
            guard let lines = LineRange(text) else {
                throw ClientError(.usage, "“\(text)” is no range of lines", hint: "such as 1:100, 500: or :20")
            }
            request.lines = lines
        }
        request.maxLines = try number("max-lines", context)
        request.follow = context.invocation.has("follow")
        if request.follow, context.invocation.value("to-checkpoint") != nil {
            throw ClientError(
                .usage, "--follow and --to-checkpoint exclude each other",
                hint: "nothing comes behind a checkpoint that belongs before it")
        }
        let daemon = try context.connect()
        if request.follow { daemon.waitWhileRead(context.console) }
        var unread: [String] = []
        if context.json {
            try daemon.ask(.replay(request), for: "replay") { (reply) throws(ClientError) in
                try context.writeJSON(reply.parameters)
                unread = reply.parameters["unread"]?.elements?.compactMap(\.text) ?? []
            }
        } else if context.console.isTerminal, !context.invocation.has("raw") {
            var escaper = TerminalEscaper()
            (_, unread) = try daemon.pour(request, for: "replay") { (bytes) throws(ClientError) in
                try escaper.escaped(bytes).withBytes { (text) throws(ClientError) in try context.console.write(text) }
            }
            try escaper.end().withBytes { (text) throws(ClientError) in try context.console.write(text) }
        } else {
            (_, unread) = try daemon.pour(request, for: "replay") { (bytes) throws(ClientError) in
                try context.console.write(bytes)
            }
        }
        return told(unread, context)
    }

    static let restore = Command(
        "restore", "the session's lines into a file, whole or not at all",
        operands: [Operand("SESSION", .session)],
        options: [
            Option("to", "PATH", "the file to make"),
            Option("force", nil, "replace the file if it exists"),
        ] + choosing
    ) { (context) throws(ClientError) in
        let request = try request(context)
        guard let path = context.invocation.value("to"), !path.isEmpty else {
            throw ClientError(.usage, "restore needs --to PATH", hint: "uploaderctl help restore")
        }
        guard path != "-" else {
            throw ClientError(
                .usage, "restore makes a file, and “-” is none", hint: "uploaderctl replay writes to standard output")
        }
        let daemon = try context.connect()
        let file = try RestoredFile(path, replacing: context.invocation.has("force"))
        let (totals, unread): (ReplayTotals, [String])
        do throws(ClientError) {
            (totals, unread) = try daemon.pour(request, for: "restore") { (bytes) throws(ClientError) in
                try file.write(bytes)
            }
            try file.place()
        } catch {
            file.abandon()
            throw error
        }
        if context.json {
            try context.writeJSON(Restored(path: path, lines: totals.lines, bytes: totals.bytes))
        }
        try context.say(
            "\(TerminalText.escaped(path)): \(Amounts.count(totals.lines, "line")), \(Amounts.size(totals.bytes))")
        return told(unread, context)
    }

    private static func told(_ unread: [String], _ context: Context) -> ExitCode {
        guard !unread.isEmpty else { return .done }
        for sentence in unread {
            context.console.note("uploaderctl: lines may be missing: \(TerminalText.escaped(sentence))\n")
        }
        context.console.note("  repair or remove that object; --from DESTINATION reads one store alone\n")
        return .partlyDone
    }

    private struct Restored: Encodable {
        var path: String
        var lines: Int
        var bytes: Int64
    }

    /// What replay and restore have in common.
    private static func request(_ context: Context) throws(ClientError) -> ReplayRequest {
        var request = ReplayRequest(sid: try context.session())
        request.toCheckpoint = context.invocation.value("to-checkpoint").map { CheckpointChoice($0) }
        request.from = context.invocation.value("from")
        request.generation = try number("generation", context)
        if let name = context.invocation.value("stream") {
            guard let stream = StreamName(name) else {
                throw ClientError(
                    .usage, "“\(name)” is no name of a stream", hint: "uploaderctl show SESSION lists its streams")
            }
            request.stream = stream
        }
        return request
    }

    private static func number(_ option: String, _ context: Context) throws(ClientError) -> Int? {
        guard let text = context.invocation.value(option) else { return nil }
        guard let number = Int(text), number >= 1 else {
            throw ClientError(.usage, "--\(option) is a whole number from 1, not “\(text)”")
        }
        return number
    }
}
