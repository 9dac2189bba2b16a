/// A redaction rule in force, as `uploaderd --rules` says it and `uploaderctl rules` shows it:
///
///     {"examples":["npm_{alnum:36}"],"expression":"\\bnpm_[A-Za-z0-9]{36}\\b","id":"npm-token","near_misses":["npm_{alnum:12}"],
///      "own":false,"source":"docs.npmjs.com/about-access-tokens","type":"npm_token"}
///
/// `{alnum:36}` in examples and near misses stands for 36 such characters drawn at random, `{uuid}` for a random UUID.
package struct RuleMessage: Codable, Hashable, Sendable {
    package var id: String
    /// As it stands in the marker.
    package var type: String
    /// It is from the user's own configuration.
    package var own: Bool
    /// Where the format is published; not of the user's own.
    package var source: String?
    /// Not of rules about fields alone.
    package var expression: String?
    /// JSON fields whose values it is about, whatever their case, without `_` and `-` where they are the standard ones.
    package var fields: [String]?
    /// One of them must be in the line.
    package var keywords: [String]?
    package var examples: [String]
    package var nearMisses: [String]

    package enum CodingKeys: String, CodingKey {
        case id, type, own, source, expression, fields, keywords, examples
        case nearMisses = "near_misses"
    }

    package init(
        id: String, type: String, own: Bool, source: String?, expression: String? = nil, fields: [String]? = nil,
        keywords: [String]? = nil, examples: [String], nearMisses: [String]
    ) {
        self.id = id
        self.type = type
        self.own = own
        self.source = source
        self.expression = expression
        self.fields = fields
        self.keywords = keywords
        self.examples = examples
        self.nearMisses = nearMisses
    }
}
