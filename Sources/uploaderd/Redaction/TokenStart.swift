/// Where a token may begin, in our own rules: at `\b`, and behind what stands for a character elsewhere and ends in a letter or a
/// digit, so that no word begins there.
///
///     \x1b[32mAKIA…    a colour that a program printed as text
///     b'\x00AKIA…'     bytes as Python, C and printf(1) write them
///     ?key%3DAKIA…     percent-encoded, or quoted-printable
///
/// Escapes of JSON are no text by now: see `EscapedText`.
enum TokenStart {
    /// For Vectorscan, which says only that a line is worth a look: a letter that may end such a thing.
    static func scanned(_ expression: String) -> String { replaced(in: expression, by: #"(?:\b|[0-9A-Fa-fmKnrtv])"#) }

    /// For PCRE2. Each look behind has one length, as any engine wants it.
    static func searched(_ expression: String) -> String { replaced(in: expression, by: boundary) }

    private static let boundary =
        #"(?:\b|"#
        + [
            #"\\x[0-9A-Fa-f]{2}"#, #"\\[0-7]{3}"#, #"\\[0-7]{2}"#, #"\\[0aefvbnrt]"#, #"u[0-9A-Fa-f]{4}"#,
            #"\[[mK]"#, #"\[\d[mK]"#, #"\[\d\dm"#, #";\dm"#, #";\d\dm"#, #";\d{3}m"#,
            #"%[0-9A-Fa-f]{2}"#, #"=[0-9A-F]{2}"#,
        ].map { "(?<=\($0))" }.joined(separator: "|") + ")"

    /// Expressions that nearly any letter or one of many words begins stay as they are: the first are as good from the next letter
    /// on, and the others would be looked for far too often.
    private static func replaced(in expression: String, by boundary: String) -> String {
        for (begin, others) in [(#"\b"#, ["[A-Z", "[a-z", "[a-f"]), (#"(?i:\b"#, ["(?:"])]
        where expression.hasPrefix(begin) {
            let form = expression.dropFirst(begin.count)
            if others.contains(where: form.drop(while: { begin == #"\b"# && "(?:".contains($0) }).hasPrefix) { break }
            return begin.dropLast(2) + boundary + form
        }
        return expression
    }
}

extension RedactionRule {
    /// A user's rule is taken at its word.
    private var isOurs: Bool { !source.isEmpty }

    /// What Vectorscan looks for.
    var scanned: String {
        let text = trigger ?? expression
        return isOurs ? TokenStart.scanned(text) : text
    }

    /// What PCRE2 looks for.
    var searched: String { isOurs ? TokenStart.searched(expression) : expression }
}
