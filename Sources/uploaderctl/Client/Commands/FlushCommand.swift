import Glibc
import LinuxSystem
import Shared

extension Command {
    /// Exit code 5 when it was to wait and something is still on its way.
    static let flush = Command(
        "flush", "seals what is open, so that it is delivered now",
        operands: [Operand("SESSION|PATH", .sessionOrPath, isRequired: false)],
        options: [Option("wait", nil, "until all of it is in every required destination")]
    ) { (context) throws(ClientError) in
        let waits = context.invocation.has("wait")
        let request = FlushRequest(try scope(context), wait: waits)
        let daemon = try context.connect()
        let showsProgress = waits && context.console.errorIsTerminal && !context.quiet && !context.json
        var last: FlushReply?
        let hear = { (reply: ReceivedReply) throws(ClientError) in
            let state: FlushReply = try daemon.decoded(reply)
            last = state
            if showsProgress, reply.continues { context.console.note("\r\(progress(state))\u{1B}[K") }
        }
        if let file = try opened(request.scope) {
            try daemon.ask(.flush(request), for: "flush", passing: file, hear)
        } else {
            try daemon.ask(.flush(request), for: "flush", hear)
        }
        if showsProgress { context.console.note("\r\u{1B}[K") }
        guard let result = last else { throw ClientError(.failed, "the daemon did not say how the flush ended") }
        if context.json { try context.writeJSON(result) }
        try context.say("\(Amounts.count(result.sealed, "segment")) sealed, \(progress(result))")
        guard waits, result.queued + result.unresolved > 0 || !result.held.isEmpty else { return .done }
        if !context.json {
            let held = result.held.isEmpty ? "" : "; held: \(result.held.joined(separator: ", "))"
            context.console.note(
                "uploaderctl: not all of it is delivered\(TerminalText.escaped(held))\n  uploaderctl status says why\n")
        }
        return .partlyDone
    }

    private static func progress(_ state: FlushReply) -> String {
        if state.queued > 0 {
            return "\(Amounts.count(state.queued, "segment")) on the way, \(Amounts.size(state.queuedBytes))"
        }
        if state.unresolved > 0 {
            return "\(Amounts.count(state.unresolved, "file")) not taken: a store does not answer"
        }
        return state.held.isEmpty ? "all delivered" : "nothing on the way"
    }

    /// A path is what begins like one, or is a file here; anything else is a session.
    private static func scope(_ context: Context) throws(ClientError) -> FlushRequest.Scope {
        guard let text = context.invocation.operands.first else { return .everything }
        let looksLikePath = ["/", "./", "../"].contains { text.hasPrefix($0) }
        let whole = text.hasPrefix("/") ? text : "\(context.directory)/\(text)"
        // Not `..`: what that is depends on links, which the daemon may see differently.
        let path = "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        if looksLikePath || isFile(path) { return .file(path) }
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
            guard kind == .regular else {
                throw SystemError("open", path: path, code: kind == .directory ? EISDIR : EINVAL)
            }
            return try Descriptor.open(path, [.readOnly, .nonBlocking])
        } catch {
            throw ClientError(
                .usage, "\(path) cannot be taken", hint: "name a regular file that you can read", cause: error.reason)
        }
    }

    private static func isFile(_ path: String) -> Bool {
        // What cannot be looked at is no file that could be taken: then it is a session's name, which the daemon knows.
        ((try? Files.status(path, followLinks: true)) ?? nil)?.kind == .regular
    }
}
