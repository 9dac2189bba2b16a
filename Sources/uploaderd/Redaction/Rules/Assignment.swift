/// What stands between a name and its value, and what such names are: parts of expressions.
enum Assignment {
    private static let marks = #"(?:=>|:=|\?=|[:=])"#

    /// With any number of blanks that aligns columns. `**Password:** x` and `` `API_KEY`: `x` `` are Markdown's.
    static let plain = #"["'`*\]]{0,2}[ \t]{0,40}\#(marks)[ \t]{0,40}"#

    /// As most write it.
    static let near = #"["'`*\]]{0,2}[ \t]{0,3}\#(marks)[ \t]{0,3}"#

    /// `apiKey: String =`, `APIToken string =`, and the quote of the value.
    static let declaration = #"(?::[ \t]?[&\w<>?.' ]{1,24}|[ \t]string)[ \t]{0,3}=[ \t]{0,3}["'`]"#

    /// `getenv("API_TOKEN", "`, `process.env.API_TOKEN || "`
    static let argument = #"(?:["'],|["'\])]{0,2}[ \t]{0,3}(?:\|\||\?\?))[ \t]{0,3}["'`]"#

    /// A name that is a value itself: `name: API_TOKEN` and `value:` in the next line or field, or in the one after that.
    static let pair =
        #"[\s"',+]{1,60}(?:\w{1,20}["']?[ \t]{0,2}:[ \t]{0,2}["']?\w{0,20}[\s"',+]{1,60})?(?:parameter)?value["']?[ \t]{0,4}[:=][ \t]{0,40}["']?"#

    /// `<apiKey>`, `<string name="api_key">`, `<key>ApiKey</key><string>`
    static let element = #"(?:["']?>|</key>[\s"',+]{0,60}<string>)"#

    // MARK: In triggers, where many repeats cost

    /// Of a plain one that is aligned.
    static let alignment = #"["'`*\]]{0,2}(?:[ \t]{4}|[ \t]{0,3}\#(marks)[ \t]{4})"#

    /// The same, or `value` behind a plain one as most write it.
    static func beginning(_ value: String) -> String {
        #"["'`*\]]{0,2}(?:[ \t]{4}|[ \t]{0,3}\#(marks)(?:[ \t]{4}|[ \t]{0,3}\#(value)))"#
    }

    /// For passwords; so Vectorscan takes it together with `beginning`, in three quarters of the time that both take apart.
    static let beginningOfDeclaration =
        #"(?::[ \t]?[&\w<>?.' ]{1,24}|[ \t]string)(?:[ \t]{4}|[ \t]{0,3}=(?:[ \t]{4}|[ \t]{0,3}["'`]))"#

    // MARK: Names, whatever their case

    static let secretName =
        #"(?:(?:api|access|secret|private|auth|encryption|signing|master|service|account|admin|deploy|storage|subscription|license|hmac|cosmos|preshared)[_\-. ]?key(?:[_\-]?(?:id|base))?|secret|token|credentials?)"#

    /// The commonest of them: with more, Vectorscan takes a fifth more time for a rule that looks for alignment.
    static let commonSecretName =
        #"(?:(?:api|access|secret|private|auth|encryption|signing|master|account|storage)[_\-]?key|secret|token|credentials?)"#

    static let passwordName = "(?:password|passwd|passphrase|pwd|_pass|_pw|sshpass)"

    static let source =
        "OWASP Secrets Management Cheat Sheet: secrets are found by the names that they are assigned to"
}
