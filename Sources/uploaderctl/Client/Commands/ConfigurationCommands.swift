import LinuxSystem
import Shared

extension Command {
    static let reload = Command(
        "reload", "reads the configuration again; on any error the old one stays in force"
    ) { (context) throws(ClientError) in
        let reply: ReloadReply = try context.connect().ask(.reload, for: "reload")
        if context.json { try context.writeJSON(reply) }
        let file = reply.file.map { TerminalText.escaped($0) } ?? "no configuration file, the defaults hold"
        let changes =
            reply.changed.isEmpty ? "nothing changed" : "changed: " + reply.changed.joined(separator: ", ")
        try context.say("\(file): \(TerminalText.escaped(changes))")
        return .done
    }

    static let configShow = Command(
        "config show", "the values in force, and where each comes from"
    ) { (context) throws(ClientError) in
        let reply: ConfigurationReply = try context.connect().ask(.showConfiguration, for: "config show")
        if context.json {
            for setting in reply.settings { try context.writeJSON(setting) }
            return .done
        }
        guard !context.quiet else { return .done }
        var table = TextTable([.init("KEY"), .init("VALUE", fit: .cutEnd), .init("FROM", fit: .cutBeginning)])
        for setting in reply.settings { table.add([setting.key, setting.value, setting.origin]) }
        try context.console.write(table.text(width: context.width, paint: context.paint))
        return .done
    }

    /// Needs no daemon: the daemon's program looks at the file, and its words and exit code are passed on.
    static let configCheck = Command(
        "config check", "all that is wrong with a configuration, each with its cure; needs no daemon",
        operands: [Operand("FILE", .path, isRequired: false)]
    ) { (context) throws(ClientError) in
        var words = ["--check"]
        if let file = context.invocation.operands.first {
            let path = context.absolutePath(file)
            try requireFile(path)
            words += ["--config", path]
        }
        let program = try DaemonProgram.found(environment: context.environment)
        let result = try program.output(of: words)
        if context.json {
            let lines = result.output.split(separator: "\n").map(String.init)
            try context.writeJSON(Checked(ok: result.exit == 0, exit: result.exit, lines: lines))
        } else if !context.quiet {
            // Whatever could steer a terminal the check has escaped.
            try context.console.write(result.output)
        }
        return ExitCode(rawValue: result.exit) ?? .failed
    }

    /// The daemon's program would speak of its flag, which nobody has given.
    private static func requireFile(_ path: String) throws(ClientError) {
        // What cannot be looked at is said by who reads it.
        guard case .some(.none) = try? Files.status(path, followLinks: true) else { return }
        throw ClientError(
            .usage, "there is no file \(path)", hint: "without a name the daemon's own configuration is checked")
    }

    private struct Checked: Encodable {
        var ok: Bool
        var exit: Int32
        /// What the check said, line by line.
        var lines: [String]
    }
}
