import Glibc
import LinuxSystem
package import Shared

/// The whole program but its `main`: words in, words and an exit code out.
package struct ControlTool {
    private let console: any Console
    private let environment: [String: String]
    private let directory: String
    private let now: WallTime

    package init(console: any Console, environment: [String: String], directory: String, now: WallTime) {
        self.console = console
        self.environment = environment
        self.directory = directory
        self.now = now
    }

    /// - Parameter words: without the program's name.
    package func run(_ words: [String]) -> ExitCode {
        do throws(ClientError) {
            return try runThrowing(words)
        } catch {
            if error.isOutputClosed { return .done }
            tell(error, json: words.prefix { $0 != "--" }.contains("--json"))
            return error.code
        }
    }

    private func runThrowing(_ words: [String]) throws(ClientError) -> ExitCode {
        let invocation = try Invocation(words)
        let context = Context(
            invocation: invocation, console: console, environment: environment, directory: directory,
            process: Process.id, now: now)
        if invocation.has("help") {
            try console.write(invocation.command.map { Help.text(of: $0) } ?? Help.text())
            return .done
        }
        if invocation.has("version") {
            try console.write("uploaderctl \(Product.version)\n")
            return .done
        }
        guard let command = invocation.command else {
            console.note(Help.text())
            return .usage
        }
        return try command.run(context)
    }

    private func tell(_ error: ClientError, json: Bool) {
        if json {
            let report = ErrorReport(
                error: error.sentence, hint: error.hint, exit: error.code.rawValue,
                problems: error.problems.isEmpty ? nil : error.problems)
            if let text = try? JSONText.encode(report) {  // without JSON the plain words follow
                console.note(TerminalText.escapedJSON(String(decoding: text, as: UTF8.self)) + "\n")
                return
            }
        }
        console.note(ErrorText.text(of: error))
    }
}

private struct ErrorReport: Encodable {
    var error: String
    var hint: String?
    var exit: Int32
    var problems: [ProblemMessage]?
}

extension ControlTool {
    /// The program as it runs in a shell.
    package static func main(_ words: [String]) -> Int32 {
        Process.fillStandardStreams()
        // A reader that has had enough is told by EPIPE, so that nothing is left half done.
        signal(SIGPIPE, SIG_IGN)
        // A limit on files' sizes is an error of the write: setrlimit(2), RLIMIT_FSIZE.
        signal(SIGXFSZ, SIG_IGN)
        var environment: [String: String] = [:]
        let names = [
            "UPLOADERD_SOCKET", "CLAUDE_CODE_SESSION_ID", "NO_COLOR", "PATH", "HOME", "XDG_RUNTIME_DIR",
            "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME",
        ]
        for name in names {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = WallTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
        if words.first == "capture", !words.contains("--help"), !words.contains("-h") {
            return HookCall.main(Array(words.dropFirst()), environment: environment, now: now)
        }
        let directory = getcwd(nil, 0).map { text in
            defer { free(text) }
            return String(cString: text)
        }
        let tool = ControlTool(
            console: StandardConsole(), environment: environment, directory: directory ?? "/", now: now)
        return tool.run(words).rawValue
    }
}
