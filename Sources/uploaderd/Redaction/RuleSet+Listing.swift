package import Shared

extension RuleSet {
    /// What is looked for, in the order in which rules name what several find; sensitive fields behind all of them.
    package var listing: [RuleMessage] {
        var all = rules.map { rule in
            // Only a user's own rule has no source.
            RuleMessage(
                id: rule.id, type: rule.type, own: rule.source.isEmpty, source: rule.source.isEmpty ? nil : rule.source,
                expression: rule.expression.isEmpty ? nil : rule.expression,
                fields: rule.field.isEmpty ? nil : [rule.field], keywords: rule.keywords.isEmpty ? nil : rule.keywords,
                examples: rule.examples, nearMisses: rule.nearMisses)
        }
        if !fields.isEmpty {
            all.append(
                RuleMessage(
                    id: SensitiveFields.id, type: SensitiveFields.type, own: false,
                    source: "OWASP Logging Cheat Sheet, data to exclude; RFC 6749, section 5.1", fields: fields,
                    examples: fields.map { "\"\($0.trimmingStar)\": \"{alnum:20}\"" },
                    nearMisses: fields.map { "\"\($0.trimmingStar)\": \"${SECRET}\"" }))
        }
        return all
    }
}

extension String {
    /// A name that stands for all that end so.
    fileprivate var trimmingStar: String { hasPrefix("*") ? String(dropFirst()) : self }
}
