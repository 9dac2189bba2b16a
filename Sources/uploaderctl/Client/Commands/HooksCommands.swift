import Glibc
import LinuxSystem
import Shared

extension Command {
    private static let agent = Operand("AGENT", .word(HookedAgent.allCases.map(\.rawValue)), isRequired: false)
    private static let place = Option(
        "state-dir", "DIR", "the daemon's state directory, if it has another than the usual one")

    static let hooksInstall = Command(
        "hooks install", "has agents tell of their sessions as they begin and end: one marked entry in their settings",
        operands: [agent], options: [place]
    ) { (context) throws(ClientError) in
        try eachAgent(context) { (agent, settings, file) throws(ClientError) in
            let new =
                try file.text.map { (text) throws(ClientError) in try settings.installed(in: text) } ?? settings.fresh
            guard new != file.text else { return "\(file.path): the hooks of \(agent.title) are there already" }
            try file.replace(with: new)
            return "\(file.path): \(agent.title) tells of its sessions from its next start on"
        }
    }

    static let hooksRemove = Command(
        "hooks remove", "takes these entries out again; everything else in the settings stays as it is",
        operands: [agent], options: [place]
    ) { (context) throws(ClientError) in
        try eachAgent(context) { (agent, settings, file) throws(ClientError) in
            guard let text = file.text else { return "\(file.path): there is no such file" }
            let new = text == settings.fresh ? nil : try settings.removed(from: text)
            guard new != text else { return "\(file.path): there are no hooks of ours" }
            try file.replace(with: new)
            return "\(file.path): the hooks of \(agent.title) are removed"
        }
    }

    static let hooksShow = Command(
        "hooks show", "what is in the agents' settings for us", operands: [agent], options: [place]
    ) { (context) throws(ClientError) in
        var table = TextTable([.init("AGENT"), .init("EVENT"), .init("STATE"), .init("COMMAND")])
        for agent in try agents(context) {
            let settings = agent.settings(try command(context))
            let file = try SettingsFile(agent.path(context.environment))
            let states = try naming(file) { () throws(ClientError) in
                try settings.states(in: file.text ?? settings.nothing)
            }
            for state in states {
                if context.json {
                    try context.writeJSON(ShownHook(agent: agent.rawValue, file: file.path, state: state))
                }
                table.add([agent.rawValue, state.event, state.standing.rawValue, state.command ?? ""])
            }
        }
        if !context.json { try context.console.write(table.text(width: context.width, paint: context.paint)) }
        return .done
    }

    private struct ShownHook: Encodable {
        var agent: String
        var file: String
        var event: String
        var standing: HookState.Standing
        var command: String?

        init(agent: String, file: String, state: HookState) {
            self.agent = agent
            self.file = file
            event = state.event
            standing = state.standing
            command = state.command
        }
    }

    /// Does it for each agent that is asked for, and says what was done; the first that fails ends it.
    private static func eachAgent(
        _ context: Context,
        _ body: (HookedAgent, any AgentSettings, SettingsFile) throws(ClientError) -> String
    ) throws(ClientError) -> ExitCode {
        let command = try command(context)
        for agent in try agents(context) {
            let file = try SettingsFile(agent.path(context.environment))
            let said = try naming(file) { () throws(ClientError) in try body(agent, agent.settings(command), file) }
            try context.say(TerminalText.escaped(said))
        }
        return .done
    }

    /// An error of the text says of which file it is.
    private static func naming<Value>(
        _ file: SettingsFile, _ body: () throws(ClientError) -> Value
    ) throws(ClientError) -> Value {
        do throws(ClientError) {
            return try body()
        } catch {
            guard !error.message.contains(file.path) else { throw error }
            var error = error
            error.message = "\(file.path): \(error.message)"
            throw error
        }
    }

    /// Those that were named, else those whose directory is there.
    private static func agents(_ context: Context) throws(ClientError) -> [HookedAgent] {
        if let name = context.invocation.operands.first {
            guard let agent = HookedAgent(rawValue: name) else {
                throw ClientError(.usage, "“\(name)” is no agent with hooks", hint: "it is claude or codex")
            }
            return [agent]
        }
        var found: [HookedAgent] = []
        for agent in HookedAgent.allCases {
            let folder = Files.parent(of: try agent.path(context.environment))
            do throws(SystemError) {
                if try Files.status(folder, followLinks: true)?.kind == .directory { found.append(agent) }
            } catch {
                throw ClientError(.failed, "could not look at \(folder)", cause: error.reason)
            }
        }
        guard !found.isEmpty else {
            throw ClientError(
                .no, "neither Claude Code nor Codex has a directory here",
                hint: "start the agent once, or name it: uploaderctl hooks install claude")
        }
        return found
    }

    private static func command(_ context: Context) throws(ClientError) -> HookCommand {
        guard let program = Process.programPath else {
            throw ClientError(.failed, "it is not known where uploaderctl lies", hint: "/proc has to be mounted")
        }
        var words = [program, "capture"]
        for option in ["state-dir", "socket"] {
            if let value = context.invocation.value(option) { words += ["--\(option)", context.absolutePath(value)] }
        }
        return HookCommand(words)
    }
}

/// An agent whose settings we know.
enum HookedAgent: String, CaseIterable {
    case claude, codex

    var title: String {
        switch self {
        case .claude: "Claude Code"
        case .codex: "Codex"
        }
    }

    func settings(_ command: HookCommand) -> any AgentSettings {
        switch self {
        case .claude: ClaudeSettings(command)
        case .codex: CodexSettings(command)
        }
    }

    func path(_ environment: [String: String]) throws(ClientError) -> String {
        let (variable, folder, name) =
            switch self {
            case .claude: ("CLAUDE_CONFIG_DIR", ".claude", "settings.json")
            case .codex: ("CODEX_HOME", ".codex", "config.toml")
            }
        let home = Directories.home(environment)
        if let named = environment[variable].flatMap({ PathText.absolute($0, home: home) }) {
            return "\(named)/\(name)"
        }
        guard let home else {
            throw ClientError(
                .usage, "the home directory is not known, so neither are the settings of \(title)",
                hint: "set HOME to an absolute path, or \(variable)")
        }
        return "\(home == "/" ? "" : home)/\(folder)/\(name)"
    }
}
