/// One kind of secret: what it looks like, where that is published, and what it is not.
///
/// The expression is in the syntax that Vectorscan and PCRE2 share: no look-around, no back-references, every repeat with a
/// longest length, so that a match has one, too. What its first group matched is the secret, or begins it: see `Extent`; without a
/// group all of it is.
/// It sees a line as `EscapedText` shows it: quotes, line breaks and other characters without their JSON escapes, at every
/// depth of nesting.
package struct RedactionRule: Hashable, Sendable {
    /// Unique: `github-token`.
    package let id: String
    /// Stands in the marker and in `redactions`: `github_token`.
    package let type: String
    /// Empty: the rule is about a field alone.
    package let expression: String
    /// What says that a line is worth a look, where that is not the whole expression: its beginning.
    package let trigger: String?
    /// A JSON field, whatever its case: its value is the secret, or what the expression finds in it. Empty: any place.
    package let field: String
    /// One of them must be in the line, whatever its case. Empty: none need be.
    package let keywords: [String]
    /// In bits a character, of the secret; less is no secret. 0: not asked.
    package let entropy: Double
    /// Whether the secret must be mixed of letters and digits, or of small letters and capitals: words and numbers are not.
    package let isMixed: Bool
    /// How far the secret goes.
    let extent: Extent
    /// Where the format is published. Empty for a user's own rule.
    package let source: String
    /// Texts in which it must be found. `{hex:32}` stands for 32 hexadecimal digits drawn at random, so that no scanner of a
    /// code host finds a secret here; `SampleText` in the tests has the names.
    package let examples: [String]
    /// Texts in which it must not be found.
    package let nearMisses: [String]

    package init(
        _ id: String, type: String? = nil, _ expression: String, trigger: String? = nil, field: String = "",
        keywords: [String] = [], entropy: Double = 0, isMixed: Bool = false, extent: Extent = .matched, source: String,
        examples: [String],
        nearMisses: [String]
    ) {
        self.id = id
        self.type = type ?? id.replacingDashes
        self.expression = expression
        self.trigger = trigger
        self.field = field
        self.keywords = keywords
        self.entropy = entropy
        self.isMixed = isMixed
        self.extent = extent
        self.source = source
        self.examples = examples
        self.nearMisses = nearMisses
    }
}

extension RedactionRule {
    /// Where a secret ends.
    package enum Extent: String, Sendable {
        /// With the group that matched.
        case matched
        /// As `AssignedValue` says of a value that may have a quote before it.
        case assigned
        /// The same of one that has a user and a colon before it, and the quote before them.
        case behindUser
        /// With the last line of a private key: see `PrefixedKey`. What matched is the label of its first one.
        case lines
        /// It begins with the first line of a private key; what matched is the label of its last one.
        case linesBefore
    }

    /// A secret of this form that is assigned to a name that has one of these words in it, in code, JSON, YAML, TOML, an
    /// environment, a header or a table. Its trigger is `assignment(to:)`.
    ///
    /// - Parameters:
    ///   - words: an alternation, whatever its case.
    ///   - secret: the form of the secret.
    static func assigned(to words: String, _ secret: String) -> String {
        #"(?i:\b(?:"# + words + #")[\w.\-]{0,24}["'\]]{0,2}[ \t]{0,40}(?:=>|:=|[:=,|])[ \t]{0,40}["'(]{0,2})("# + secret
            + #")(?:[^\w\-]|$)"#
    }

    /// The beginning of what `assigned(to:)` finds: the name, and what assigns, or blanks that align columns.
    static func assignment(to words: String) -> String {
        #"(?i:\b(?:"# + words + #")[\w.\-]{0,24}["'\]]{0,2}(?:[ \t]{0,3}(?:=>|:=|[:=,|])|[ \t]{4}))"#
    }
}

extension String {
    fileprivate var replacingDashes: String { String(map { $0 == "-" ? "_" : $0 }) }
}
