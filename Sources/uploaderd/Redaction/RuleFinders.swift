/// The rules of a set, one by one, as they are asked after the scan.
final class RuleFinders: Sendable {
    /// What is asked of each match, at hand without copying the rule.
    final class Rule: Sendable {
        let finder: SpanFinder
        let keywords: [String]
        /// It is about the value of a field.
        let isOfField: Bool
        /// The value of its field is the secret, whatever it is.
        let isOfWholeField: Bool
        let entropy: Double
        let isMixed: Bool
        let extent: RedactionRule.Extent

        fileprivate init(_ rule: RedactionRule) {
            finder = SpanFinder(rule.searched)
            keywords = rule.keywords
            isOfField = !rule.field.isEmpty
            isOfWholeField = rule.expression.isEmpty
            entropy = rule.entropy
            isMixed = rule.isMixed
            extent = rule.extent
        }
    }

    let rules: [Rule]
    /// Each matches all of a text, or nothing.
    let allowed: [SpanFinder]

    init(_ set: RuleSet) {
        rules = set.rules.map { Rule($0) }
        allowed = set.allowed.map { SpanFinder("(?:\($0))\\z") }
    }
}
