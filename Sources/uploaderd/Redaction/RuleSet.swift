import Digests
import Shared

/// All that decides what a line becomes. A value: a reload makes another.
package struct RuleSet: Hashable, Sendable {
    /// The first of those that find the same bytes names what they are.
    package let rules: [RedactionRule]
    /// JSON fields whose values are secrets, lower case, without `_` and `-`; one that begins with `*` is the end of names.
    package let fields: [String]
    /// Secrets that are none: expressions, each of which must match all of one.
    package let allowed: [String]

    package init(rules: [RedactionRule], fields: [String], allowed: [String] = []) {
        self.rules = rules
        self.fields = fields
        self.allowed = allowed
    }

    /// Every line passes as it is.
    package static let none = RuleSet(rules: [], fields: [])

    package var isNone: Bool { rules.isEmpty && fields.isEmpty }

    /// The rules that every configuration begins with, the particular before the general.
    package static let standard = RuleSet(
        rules: RedactionRule.cloud + RedactionRule.models + RedactionRule.codeHosts + RedactionRule.messaging
            + RedactionRule.payments + RedactionRule.operations + RedactionRule.packages + RedactionRule.services
            + RedactionRule.keyed + RedactionRule.structural + RedactionRule.assignedSecrets + RedactionRule.passwords
            + RedactionRule.commands + RedactionRule.encoded,
        fields: SensitiveFields.standard)

    /// Changes with anything that decides what a line becomes: the first 16 digits of a SHA-256, or `none`.
    package var digest: String {
        guard !isNone else { return "none" }
        var running = RunningDigest()
        // Raised when the same rules begin to find other things.
        for text in ["uploaderd redaction 8"] + rules.flatMap(\.deciding) + ["fields"] + fields + ["allowed"] + allowed
        {
            // With its length, so that no two lists of texts are the same bytes.
            Array("\(text.utf8.count):\(text)\n".utf8).withUnsafeBytes { running.update($0) }
        }
        return String(running.digest().hex.prefix(16))
    }
}

extension RedactionRule {
    /// What of it the digest is about: not its examples.
    fileprivate var deciding: [String] {
        [
            id, type, expression, trigger ?? expression, field, "\(entropy)", "\(isMixed)", extent.rawValue,
            "\(keywords.count)",
        ] + keywords
    }
}
