/// JSON fields whose value is a secret whatever it looks like, by their names.
enum SensitiveFields {
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

    /// Finds the end of each such name: its quote, and the colon behind it. `nil`: there are no such fields.
    static func expression(of set: RuleSet) -> String? {
        let names = set.fields.map(loosened) + set.rules.map(\.field).filter { !$0.isEmpty }.map(escaped)
        return names.isEmpty ? nil : "\"(?:" + names.joined(separator: "|") + ")\"[ \\t]{0,8}:"
    }

    /// The name as it is compared.
    static func folded(_ name: some Collection<UInt8>) -> String {
        let letters = name.lazy.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }.map(ASCII.lowered)
        return String(decoding: Array(letters), as: UTF8.self)
    }

    /// Of which names are put together: where one ends, `_` or `-` may stand.
    private static let words = [
        "api", "auth", "access", "refresh", "id", "session", "bearer", "secret", "aws", "client", "private",
        "encryption", "signing", "webhook", "proxy", "x", "db", "database", "user", "admin", "root", "connection",
    ]

    /// `apikey` as an expression for `api_key`, `api-key`, `apiKey`.
    private static func loosened(_ name: String) -> String {
        var rest = name[...]
        var text = ""
        while let word = words.first(where: { rest.hasPrefix($0) && rest.count > $0.count }) {
            text += word + "[_\\-]?"
            rest = rest.dropFirst(word.count)
        }
        return text + rest
    }

    private static func escaped(_ name: String) -> String {
        String(name.flatMap { $0.isLetter || $0.isNumber || $0 == "_" ? [$0] : ["\\", $0] })
    }
}
