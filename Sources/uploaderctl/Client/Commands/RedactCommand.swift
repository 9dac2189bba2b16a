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
        return try program.list(["--redact", path], context) { (found: [FoundSecret]) throws(ClientError) in
            try show(found, in: path, context)
            return .done
        }
    }

    private static func show(_ found: [FoundSecret], in path: String, _ context: Context) throws(ClientError) {
        if context.json {
            for secret in found { try context.writeJSON(secret) }
            return
        }
        if found.isEmpty { return try context.say("\(TerminalText.escaped(path)): nothing would be removed") }
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
        try context.console.write(table.text(width: context.width, paint: context.paint))
    }
}
