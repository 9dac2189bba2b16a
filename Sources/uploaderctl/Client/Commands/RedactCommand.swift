import Shared

extension Command {
    /// Needs no daemon: the daemon's program looks at the file, with the daemon's own configuration.
    static let redact = Command(
        "redact", "what would be removed from a file, and by which rule; nothing is sent, no daemon needed",
        operands: [Operand("FILE", .path)]
    ) { (context) throws(ClientError) in
        let file = context.invocation.operands.first ?? ""
        let path = file.hasPrefix("/") ? file : "\(context.directory)/\(file)"
        let program = try DaemonProgram.found(environment: context.environment)
        let result = try program.output(of: ["--redact", path])
        guard result.exit == 0 else {
            try context.console.write(result.output)
            return ExitCode(rawValue: result.exit) ?? .failed
        }
        let found = try secrets(in: result.output)
        if context.json {
            for secret in found { try context.writeJSON(secret) }
            return .done
        }
        if found.isEmpty {
            try context.say("\(TerminalText.escaped(path)): nothing would be removed")
            return .done
        }
        var table = TextTable([
            .init("LINE", number: true), .init("OFFSET", number: true), .init("BYTES", number: true), .init("RULE"),
            .init("TYPE"), .init("BEGINS"),
        ])
        for secret in found {
            table.add([
                "\(secret.line)", "\(secret.offset)", "\(secret.bytes)", secret.rule ?? "-",
                secret.type ?? "line withheld: \(secret.withheld ?? "")", secret.begins ?? "",
            ])
        }
        let width = context.console.isTerminal ? context.console.width : nil
        try context.console.write(table.text(width: width, paint: context.paint))
        return .done
    }

    private static func secrets(in output: String) throws(ClientError) -> [FoundSecret] {
        do throws(JSONMismatch) {
            var found: [FoundSecret] = []
            for line in output.split(separator: "\n") {
                found.append(try JSONText.decode(FoundSecret.self, from: line.utf8))
            }
            return found
        } catch {
            throw ClientError(
                .failed, "the program uploaderd answered something else than what it would remove",
                hint: "install both programs together: make install PREFIX=…", cause: error.description)
        }
    }
}
