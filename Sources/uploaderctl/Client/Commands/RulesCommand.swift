import Shared

extension Command {
    /// Needs no daemon: the daemon's program lists them, by the daemon's own configuration.
    static let rules = Command(
        "rules",
        "which secrets are looked for: every rule, where its form is published, and examples; no daemon needed",
        operands: [Operand("RULE", .word([]), isRequired: false)]
    ) { (context) throws(ClientError) in
        let program = try DaemonProgram.found(environment: context.environment)
        return try program.list(["--rules"], context) { (rules: [RuleMessage]) throws(ClientError) in
            guard let id = context.invocation.operands.first else { return try list(rules, context) }
            guard let rule = rules.first(where: { $0.id == id }) else {
                let nearest = NearestName.suggestion(for: id, among: rules.map(\.id))
                throw ClientError(
                    .no, "there is no rule \(TerminalText.escaped(id))",
                    hint: nearest.map { "did you mean \($0)?" } ?? "`uploaderctl rules` lists them")
            }
            if context.json { try context.writeJSON(rule) } else { try context.console.write(text(of: rule)) }
            return .done
        }
    }

    private static func list(_ rules: [RuleMessage], _ context: Context) throws(ClientError) -> ExitCode {
        if context.json {
            for rule in rules { try context.writeJSON(rule) }
            return .done
        }
        if rules.isEmpty { try context.say("nothing is looked for: the configuration has no redaction rules") }
        var table = TextTable([.init("RULE"), .init("TYPE"), .init("FROM", fit: .cutEnd)])
        for rule in rules { table.add([rule.id, rule.type, rule.source ?? "your configuration"]) }
        if !rules.isEmpty {
            try context.console.write(table.text(width: context.width, paint: context.paint))
        }
        return .done
    }

    /// All of one rule, a line for each thing.
    private static func text(of rule: RuleMessage) -> String {
        var lines = [("rule", rule.id), ("marker", "[REDACTED:\(rule.type)]")]
        lines.append(("from", rule.source ?? "your configuration"))
        if let expression = rule.expression { lines.append(("expression", expression)) }
        lines += (rule.fields ?? []).map { ("field", $0) }
        lines += (rule.keywords ?? []).map { ("keyword", $0) }
        lines += rule.examples.map { ("finds", $0) } + rule.nearMisses.map { ("not", $0) }
        return lines.map { name, value in
            name + String(repeating: " ", count: 12 - name.count) + TerminalText.escaped(value) + "\n"
        }.joined()
    }
}
