/// JSON fields whose value is a secret, by their names.
enum SensitiveFields {
    /// As if they were a rule, the last of all.
    static let id = "sensitive-field"
    static let type = "sensitive_field"

    /// Lower case, without `_` and `-`; `*` stands for any beginning, of which `FieldName` says whether it is one. Names that carry
    /// other things as often (`key`, `auth`, `session`) are not here; what they hold is found by its own form.
    static let standard = [
        "*password", "*passwords", "*passwd", "*passphrase", "*pwd", "*pass", "*secret", "passwordconfirmation",
        "passwordconfirm", "password1", "password2", "apikey", "apitoken", "token", "authtoken", "accesstoken",
        "refreshtoken", "idtoken", "sessiontoken", "bearertoken", "accesskey", "secretkey", "secretaccesskey",
        "awssecretaccesskey", "awssessiontoken", "privatekey", "encryptionkey", "signingkey", "credential",
        "credentials", "authorization", "proxyauthorization", "xapikey", "xauthtoken", "connectionstring",
    ]

    /// What is asked of the value of a field.
    ///
    /// - Returns: `nil` where all of the name must be seen: see `FieldName`.
    static func kind(of name: String) -> FieldKind? {
        if name.hasPrefix("*") { return nil }
        if name.hasPrefix("password") { return .password }
        return common.contains(name) ? .common : .secret
    }

    /// Names that mean other things, too: a word that a model says, what a request is sent with, a key to press.
    private static let common = ["token", "credential", "credentials", "accesskey"]

    /// Of which names are put together: where one ends, `_` or `-` may stand.
    private static let words = [
        "api", "auth", "access", "refresh", "id", "session", "bearer", "secret", "aws", "private", "encryption",
        "signing", "proxy", "x", "connection", "password",
    ]

    /// `api_key`, `api-key` and `apikey` of `apikey`.
    private static func spellings(of name: String) -> [String] {
        var rest = name[...]
        var all = [""]
        while let word = words.first(where: { rest.hasPrefix($0) && rest.count > $0.count }) {
            all = all.flatMap { [$0 + word, $0 + word + "_", $0 + word + "-"] }
            rest = rest.dropFirst(word.count)
        }
        return all.map { $0 + rest }
    }

    /// As an expression that says nothing but the name in its quotes, or its end: such a one costs the scan least.
    static func expressions(of name: String) -> [String] {
        name.hasPrefix("*") ? ["\(name.dropFirst())\""] : spellings(of: name).map { "\"\($0)\"" }
    }

    /// The same of a name that a user's rule has, letter by letter.
    static func expression(ofOwn name: String) -> String { "\"\(escaped(name))\"" }

    private static func escaped(_ name: String) -> String {
        String(name.flatMap { $0.isLetter || $0.isNumber || $0 == "_" ? [$0] : ["\\", $0] })
    }
}
