import Glibc
import LinuxSystem
import Shared

extension Command {
    /// Exit code 5 when it was to wait and something is still on its way.
    static let flush = Command(
        "flush", "seals what is open, so that it is delivered now",
        operands: [Operand("SESSION|PATH", .sessionOrPath, isRequired: false)],
        options: [
            Option("wait", nil, "until all of it is in every required destination"),
            Option("timeout", "DURATION", "with --wait, how long: 30s, 5m"),
        ]
    ) { (context) throws(ClientError) in
        let waits = context.invocation.has("wait")
        let limit = try limit(context)
        let request = FlushRequest(try scope(context), wait: waits)
        let daemon = try context.connect()
        if let limit { daemon.limitAnswers(to: limit) }
        let showsProgress = waits && context.console.errorIsTerminal && !context.quiet && !context.json
        if showsProgress { context.console.note("taking what is there") }
        var last: FlushReply?
        var isLate = false
        let hear = { (reply: ReceivedReply) throws(ClientError) in
            let state: FlushReply = try daemon.decoded(reply)
            last = state
            if showsProgress, reply.continues { context.console.note("\r\(progress(state))\u{1B}[K") }
        }
        do throws(ClientError) {
            if let file = try opened(request.scope) {
                try daemon.ask(.flush(request), for: "flush", passing: file, hear)
            } else {
                try daemon.ask(.flush(request), for: "flush", hear)
            }
        } catch {
            if showsProgress { context.console.note(clearedLine) }
            // No session is called so: then what lies here under that name was meant.
            if error.code == .no, case .session(let sid) = request.scope {
                try requireNothing(at: sid.rawValue, context)
            }
            if error.code == .no, case .file(let path) = request.scope { try requireFile(path) }
            guard error.code == .partlyDone, last != nil else { throw error }
            isLate = true
        }
        if showsProgress { context.console.note(clearedLine) }
        guard let result = last else { throw ClientError(.failed, "the daemon did not say how the flush ended") }
        if context.json { try context.writeJSON(result) }
        try context.say("\(Amounts.count(result.sealed, "segment")) sealed, \(progress(result))")
        if !context.json {
            for sentence in result.notTaken { context.console.note("uploaderctl: \(TerminalText.escaped(sentence))\n") }
        }
        let isPartly = result.queued + result.unresolved > 0 || !result.held.isEmpty || !result.notTaken.isEmpty
        guard waits, isPartly || isLate else { return .done }
        if !context.json {
            let held = result.held.isEmpty ? "" : "; held: \(result.held.joined(separator: ", "))"
            let late = isLate ? "; waited for: \(result.waitingFor.joined(separator: ", "))" : ""
            context.console.note(
                "uploaderctl: not all of it is delivered\(TerminalText.escaped(held + late))\n"
                    + "  uploaderctl status says why\n")
        }
        return .partlyDone
    }

    /// Where progress stood.
    private static let clearedLine = "\r\u{1B}[K"

    private static func limit(_ context: Context) throws(ClientError) -> Duration? {
        guard let limit = try context.duration("timeout") else { return nil }
        guard context.invocation.has("wait") else {
            throw ClientError(.usage, "--timeout says how long --wait waits", hint: "give --wait, too")
        }
        return limit
    }

    private static func progress(_ state: FlushReply) -> String {
        if state.queued > 0 {
            return "\(Amounts.count(state.queued, "segment")) on the way, \(Amounts.size(state.queuedBytes))"
                + waitingFor(state)
        }
        if state.unresolved > 0 {
            return "\(Amounts.count(state.unresolved, "file")) not taken yet: what a store has of them cannot be read"
        }
        if !state.notTaken.isEmpty { return "\(Amounts.count(state.notTaken.count, "file")) not taken to the end" }
        if !state.waitingFor.isEmpty { return "the manifests are on the way\(waitingFor(state))" }
        return state.held.isEmpty ? "all delivered" : "nothing on the way"
    }

    private static func waitingFor(_ state: FlushReply) -> String {
        let names = TerminalText.escaped(state.waitingFor.joined(separator: ", "))
        return names.isEmpty ? "" : "; waiting for \(names)"
    }

    /// A path is what begins like one, or is a file here; anything else is a session.
    private static func scope(_ context: Context) throws(ClientError) -> FlushRequest.Scope {
        guard let text = context.invocation.operands.first else { return .everything }
        let looksLikePath = ["/", "./", "../"].contains { text.hasPrefix($0) }
        let path = context.absolutePath(text)
        if looksLikePath || kind(of: path) == .regular { return .file(path) }
        if SessionID(text) == nil { try requireNothing(at: text, context) }
        return .session(try context.session())
    }

    /// The file itself goes along: the daemon opens nothing that a caller names, and may not see what we see.
    ///
    /// - Returns: `nil` when there is none to open: below a watched root the daemon knows it all the same.
    private static func opened(_ scope: FlushRequest.Scope) throws(ClientError) -> Descriptor? {
        guard case .file(let path) = scope else { return nil }
        do throws(SystemError) {
            // Asked before it is opened, so that no device is touched and no FIFO waited for.
            guard let kind = try Files.status(path, followLinks: true)?.kind else { return nil }
            guard kind == .regular else { throw irregular(path, kind) }
            return try Descriptor.open(path, [.readOnly, .nonBlocking])
        } catch {
            throw refusal(of: path, error)
        }
    }

    /// What is here under that name is no file that could be taken: else it were meant, and no session.
    private static func requireNothing(at text: String, _ context: Context) throws(ClientError) {
        let path = context.absolutePath(text)
        if let kind = kind(of: path) { throw refusal(of: path, irregular(path, kind)) }
    }

    /// The daemon knows no such path: if there is none, that is why.
    private static func requireFile(_ path: String) throws(ClientError) {
        guard kind(of: path) == nil else { return }
        throw ClientError(.no, "there is no file \(path)", hint: "what was taken of it is flushed by its session's id")
    }

    private static func irregular(_ path: String, _ kind: FileKind) -> SystemError {
        SystemError("open", path: path, code: kind == .directory ? EISDIR : EINVAL)
    }

    private static func refusal(of path: String, _ error: SystemError) -> ClientError {
        ClientError(
            .usage, "\(path) cannot be taken", hint: "name a regular file that you can read", cause: error.reason)
    }

    private static func kind(of path: String) -> FileKind? {
        // What cannot be looked at is no file that could be taken: then it is a session's name, which the daemon knows.
        ((try? Files.status(path, followLinks: true)) ?? nil)?.kind
    }
}
