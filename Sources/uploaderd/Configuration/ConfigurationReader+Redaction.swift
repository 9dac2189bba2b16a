import Shared

/// The table `[redaction]`, and the rules in it.
extension ConfigurationReader {
    /// Reads the table, and has its rules checked: what is wrong with them is refused where each pattern comes from.
    mutating func redaction(_ root: inout SettingsScope) -> RedactionConfiguration {
        var redaction = RedactionConfiguration()
        var scope = settings.table("redaction", in: &root)
        redaction.enabled = settings.value("enabled", in: &scope, .truth, else: redaction.enabled)
        redaction.defaultRules = settings.value("default_rules", in: &scope, .truth, else: redaction.defaultRules)
        redaction.allow = settings.value(
            "allow", in: &scope, .list(example: "\"acme_0{32}\"", of: .entry), else: redaction.allow)
        var origins: [ConfigurationOrigin] = []
        for var table in settings.tables("rule", in: &scope) {
            guard let rule = self.rule(&table, beside: redaction.rules) else { continue }
            redaction.rules.append(rule)
            origins.append(
                settings.origin(of: table.path("pattern")).precedence == 0
                    ? table.origin : settings.origin(of: table.path("pattern")))
        }
        settings.close(scope)
        for problem in ruleCheck(redaction) {
            switch problem.subject {
            case .rule(let place):
                settings.refuse(
                    origins[place], "redaction.rule[\(place + 1)].pattern", problem.message, hint: problem.hint)
            case .allow:
                settings.refuse(
                    settings.origin(of: "redaction.allow"), "redaction.allow", problem.message, hint: problem.hint)
            }
        }
        return redaction
    }

    /// - Returns: `nil` when it has no name; other faults are refused, and the rule is checked on.
    private mutating func rule(
        _ table: inout SettingsScope, beside others: [RedactionRuleConfiguration]
    ) -> RedactionRuleConfiguration? {
        let name = settings.required("name", in: &table, .name(longest: 64), example: "\"acme\"")
        let type = settings.value("type", in: &table, .name(longest: 64), else: name ?? "secret")
        let pattern = settings.value("pattern", in: &table, .line(longest: 4096), else: "")
        let keywords = settings.value("keywords", in: &table, .list(example: "\"acme_\"", of: .entry), else: [])
        let field = settings.value("field", in: &table, .line(longest: 256), else: "")
        settings.close(table)
        if pattern.isEmpty, field.isEmpty {
            settings.refuse(
                table.origin, table.name, "the rule has neither a pattern nor a field",
                hint: "add pattern = '…', or the name of a JSON field as field = \"…\"")
        }
        if field.contains("\"") || field.contains("\\") {
            settings.refuse(
                settings.origin(of: table.path("field")), table.path("field"),
                "the name of a field holds a quote or a backslash",
                hint: "use pattern for what such a name cannot say")
        }
        guard let name else { return nil }
        if others.contains(where: { $0.name == name }) {
            settings.refuse(
                table.origin, table.name, "there are two rules of the name \"\(name)\"", hint: "rename one of them")
        }
        return RedactionRuleConfiguration(name: name, pattern: pattern, type: type, keywords: keywords, field: field)
    }
}
