package import Shared

/// Whether rules that somebody wrote can be used: said before anything is redacted with them, all at once.
package enum RuleCheck {
    /// - Returns: one problem for each rule and each allowed expression that cannot be used, in order; `[]`: all can.
    package static func problems(of configuration: RedactionConfiguration) -> [RedactionProblem] {
        var problems: [RedactionProblem] = []
        for (place, rule) in configuration.rules.enumerated() where !rule.pattern.isEmpty {
            if let error = error(in: rule.pattern) {
                problems.append(RedactionProblem(.rule(place), error.message, hint: error.hint))
            }
        }
        for expression in configuration.allow {
            if let error = error(in: expression) {
                problems.append(
                    RedactionProblem(
                        .allow, "in \"\(TerminalText.escaped(expression))\": \(error.message)", hint: error.hint))
            }
        }
        return problems
    }

    /// Of a match, in bytes: so far must a rule see around what is given out of a long line; see `LineWindows`.
    static let mostWidth = LineWindows.held / 2

    /// - Returns: `nil` when it can be used.
    private static func error(in expression: String) -> RedactionError? {
        do throws(RedactionError) {
            let width = try RuleDatabase.width(of: expression)
            guard width <= mostWidth else {
                throw RedactionError(
                    .badRule, "what it matches can have \(width) bytes, and at most \(mostWidth) are possible",
                    hint: "give its repeats smaller limits")
            }
            let finder = SpanFinder(expression)
            try finder.prepare()
            try requireTame(finder, expression)
            return nil
        } catch {
            return error
        }
    }

    /// Tries it on what makes expressions with repeats in repeats run away: many of one character, and then one that fits
    /// nothing.
    private static func requireTame(_ finder: SpanFinder, _ expression: String) throws(RedactionError) {
        let workspace = try SpanFinder.Workspace()
        let own = Set(expression.utf8.filter { ASCII.isLetter($0) || ASCII.isDigit($0) })
        for byte in own.union(Array("aA0_- ".utf8)).sorted() {
            // What the expression names comes last, so that no search ends early because one of its characters is nowhere.
            let text = [UInt8](repeating: byte, count: 4096) + [0x0A] + Array(expression.utf8)
            if case .failed = finder.match(in: text, text.count, beginningIn: 0...4095, workspace) {
                throw RedactionError(
                    .badRule,
                    "it can run away: a line of many '\(Character(Unicode.Scalar(byte)))' takes it past its limits",
                    hint: "take repeats out of repeats: (a{1,9}){1,9} is a{1,81}")
            }
        }
    }
}

extension RuleSet {
    /// What a configuration says is to be looked for; its rules were checked: see `RuleCheck`.
    package init(_ configuration: RedactionConfiguration) {
        guard configuration.enabled else {
            self = .none
            return
        }
        let standard = configuration.defaultRules ? RuleSet.standard : .none
        // A user's own name for something is the better one.
        let own = configuration.rules.map { rule in
            RedactionRule(
                rule.name, type: rule.type, rule.pattern, field: rule.field,
                keywords: rule.keywords.map { $0.lowercased() },
                source: "", examples: [], nearMisses: [])
        }
        self.init(rules: own + standard.rules, fields: standard.fields, allowed: configuration.allow)
    }
}
