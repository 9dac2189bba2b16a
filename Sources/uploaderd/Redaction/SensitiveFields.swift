/// JSON fields whose value is a secret whatever it looks like, by their names.
enum SensitiveFields {
    /// As if they were a rule, the last of all.
    static let id = "sensitive-field"
    static let type = "sensitive_field"

    /// Lower case, without `_` and `-`. Names that carry other things as often (`key`, `auth`, `session`) are not here; what
    /// they hold is found by its own form.
    static let standard = [
        "password", "passwd", "passphrase", "secret", "apikey", "apisecret", "apitoken", "token", "authtoken",
        "accesstoken", "refreshtoken", "idtoken", "sessiontoken", "bearertoken", "accesskey", "secretkey",
        "secretaccesskey", "awssecretaccesskey", "awssessiontoken", "clientsecret", "privatekey", "encryptionkey",
        "signingkey", "signingsecret", "webhooksecret", "credential", "credentials", "authorization",
        "proxyauthorization", "xapikey", "xauthtoken", "dbpassword", "databasepassword", "userpassword",
        "adminpassword", "rootpassword", "connectionstring",
    ]

    /// Fields of which a number or a short text is a secret, too.
    static func isPassword(_ name: String) -> Bool {
        name.hasSuffix("password") || name == "passwd" || name == "passphrase"
    }

    /// Of which names are put together: where one ends, `_` or `-` may stand.
    private static let words = [
        "api", "auth", "access", "refresh", "id", "session", "bearer", "secret", "aws", "client", "private",
        "encryption", "signing", "webhook", "proxy", "x", "db", "database", "user", "admin", "root", "connection",
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

    /// As an expression that says nothing but the name in its quotes: such a one costs the scan least.
    static func expressions(of name: String) -> [String] { spellings(of: name).map { "\"\($0)\"" } }

    /// The same of a name that a user's rule has, letter by letter.
    static func expression(ofOwn name: String) -> String { "\"\(escaped(name))\"" }

    private static func escaped(_ name: String) -> String {
        String(name.flatMap { $0.isLetter || $0.isNumber || $0 == "_" ? [$0] : ["\\", $0] })
    }
}
