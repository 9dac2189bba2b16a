/// The rules of a set, one by one, as they are asked after the scan.
final class RuleFinders: Sendable {
    /// What is asked of each match, at hand without copying the rule.
    final class Rule: Sendable {
        let finder: SpanFinder
        let keywords: [String]
        /// Lower case; empty: it is about any place.
        let field: [UInt8]
        /// The value of its field is the secret, whatever it is.
        let isOfWholeField: Bool
        let entropy: Double
        let isMixed: Bool

        fileprivate init(_ rule: RedactionRule) {
            finder = SpanFinder(rule.expression)
            keywords = rule.keywords
            field = rule.field.utf8.map(ASCII.lowered)
            isOfWholeField = rule.expression.isEmpty
            entropy = rule.entropy
            isMixed = rule.isMixed
        }
    }

    let rules: [Rule]
    /// The places of those that are about a field.
    let ofFields: [Int]
    /// Sensitive by their name: see `SensitiveFields.folded`.
    let fields: Set<String>
    /// Each matches all of a text, or nothing.
    let allowed: [SpanFinder]

    init(_ set: RuleSet) {
        rules = set.rules.map { Rule($0) }
        ofFields = set.rules.indices.filter { !set.rules[$0].field.isEmpty }
        fields = Set(set.fields)
        allowed = set.allowed.map { SpanFinder("(?:\($0))\\z") }
    }
}
