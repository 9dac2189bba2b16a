package import Shared

/// What surrounds a command: the words it was called with, where it writes, and how it finds the daemon.
package struct Context {
    package let invocation: Invocation
    package let console: any Console
    package let environment: [String: String]
    package let directory: String
    package let process: Int32
    package let now: WallTime

    package var json: Bool { invocation.has("json") }
    package var quiet: Bool { invocation.has("quiet") }

    /// Columns that a text has to fit in; `nil`: it goes to no terminal.
    package var width: Int? { console.isTerminal ? console.width : nil }

    package var paint: Paint {
        Paint(isOn: console.isTerminal && !invocation.has("no-color") && (environment["NO_COLOR"] ?? "").isEmpty)
    }

    /// `--socket`, `$UPLOADERD_SOCKET`, else where this user's daemon has it.
    package func socketPath() throws(ClientError) -> String {
        if let path = invocation.value("socket") ?? environment["UPLOADERD_SOCKET"], !path.isEmpty { return path }
        do throws(ConfigurationProblem) {
            return try Directories.located(environment: environment, processID: process).controlSocket
        } catch {
            throw ClientError(
                .usage, "it is not known where the daemon's socket is: \(error.message)",
                hint: "give it with --socket or $UPLOADERD_SOCKET")
        }
    }

    /// Connects, and says so when the two sides are of different versions.
    package func connect() throws(ClientError) -> DaemonConnection {
        let daemon = try DaemonConnection(to: try socketPath())
        if daemon.info.version != Product.version, !quiet {
            let theirs = TerminalText.escaped(daemon.info.version)
            console.note(
                "uploaderctl: this is version \(Product.version), the daemon is \(theirs); restart it after an update\n"
            )
        }
        return daemon
    }

    /// One object on a line. On a terminal, what could steer it is written as `\u….`, which is the same JSON.
    package func writeJSON(_ value: some Encodable) throws(ClientError) {
        let text: String
        do {
            text = String(decoding: try JSONText.encode(value), as: UTF8.self)
        } catch {
            throw ClientError(.failed, "could not write the answer as JSON", cause: "\(error)")
        }
        try console.write((console.isTerminal ? TerminalText.escapedJSON(text) : text) + "\n")
    }

    /// A sentence for people: not with `--quiet`, and not among JSON.
    package func say(_ text: String) throws(ClientError) {
        if !quiet, !json { try console.write(text + "\n") }
    }

    /// A path as it was typed, from the root. `..` stays: what it is depends on links, which the daemon may see differently.
    package func absolutePath(_ text: String) -> String {
        let whole = text.hasPrefix("/") ? text : "\(directory)/\(text)"
        return "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// The session id that the command was given.
    package func session() throws(ClientError) -> SessionID {
        let text = invocation.operands.first ?? ""
        guard let sid = SessionID(text) else {
            throw ClientError(
                .usage, "“\(text)” is no session id", hint: "uploaderctl sessions lists those that are known here")
        }
        return sid
    }
}
