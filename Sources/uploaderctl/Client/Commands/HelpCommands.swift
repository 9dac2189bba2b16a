import Shared

extension Command {
    static let help = Command(
        "help", "what there is, or what one command takes",
        operands: [Operand("COMMAND", .command, isRequired: false), Operand("WORD", .word([]), isRequired: false)]
    ) { (context) throws(ClientError) in
        if context.json {
            for command in Command.all {
                try context.writeJSON(["name": command.name, "summary": command.summary, "usage": command.usage])
            }
            return .done
        }
        guard !context.invocation.operands.isEmpty else {
            try context.console.write(Help.text())
            return .done
        }
        let command = try Invocation(context.invocation.operands + ["--help"]).command
        try context.console.write(command.map { Help.text(of: $0) } ?? Help.text())
        return .done
    }

    static let completions = Command(
        "completions", "a script that completes commands, options and session ids in your shell",
        operands: [Operand("SHELL", .word(Completions.Shell.allCases.map(\.rawValue)))]
    ) { (context) throws(ClientError) in
        let name = context.invocation.operands[0]
        guard let shell = Completions.Shell(rawValue: name) else {
            throw ClientError(
                .usage, "there are no completions for “\(name)”",
                hint: "one of: \(Completions.Shell.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let script = Completions.script(for: shell, commands: Command.all)
        if context.json {
            try context.writeJSON(["shell": name, "script": script])
        } else {
            try context.console.write(script)
        }
        return .done
    }
}
