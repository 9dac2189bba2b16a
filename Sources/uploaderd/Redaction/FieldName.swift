/// The name of a JSON field that ends in a word for a password or a secret: what comes before the word says what it means.
///
///     newPassword PGPASSWORD db.password     a password
///     forgotPassword                         a label more often
///     smtp_pass dbPass                       a password
///     compass                                nothing
struct FieldName {
    /// In lower case, without what may divide its words.
    private let letters: [UInt8]
    /// Whether the last word is divided from what is before it, by a mark or a capital; `true` of a word alone.
    private let isDivided: Bool

    private static let longest = 64

    /// - Parameter end: behind the closing quote.
    /// - Returns: `nil` when it is no name that a program gave: it has blanks, or no end.
    private init?(endingAt end: Int, in text: UnsafeBufferPointer<UInt8>) {
        var begin = end - 1
        while begin > 0, end - begin <= Self.longest, Self.isOfName(text[begin - 1]) { begin -= 1 }
        guard begin > 0, text[begin - 1] == UInt8(ascii: "\"") else { return nil }
        let name = text[begin..<end - 1]
        letters = name.filter { ASCII.isLetter($0) || ASCII.isDigit($0) }.map(ASCII.lowered)
        // Only of `pass`, the one word that others end in.
        let first = end - 5
        isDivided =
            first <= begin || !ASCII.isLetter(text[first - 1])
            || Self.isCapital(text[first]) && !Self.isCapital(text[first - 1])
    }

    /// What is asked of the value of the field whose name ends before `end`.
    ///
    /// - Parameter end: behind the closing quote of its name, which ends in one of the words of `SensitiveFields`.
    static func kind(endingAt end: Int, in text: UnsafeBufferPointer<UInt8>) -> FieldKind? {
        FieldName(endingAt: end, in: text)?.kind
    }

    private var kind: FieldKind? {
        if let before = before("password") ?? before("passwords") ?? before("passwd") ?? before("passphrase") {
            if before.isEmpty { return .password }
            return Self.labels.contains { Self.ends(before, in: $0) } ? .common : .namedPassword
        }
        if before("pwd") != nil { return .directory }
        if let before = before("secret") {
            return Self.owners.contains { Self.equals(before, $0) } ? .secret : .common
        }
        guard let before = before("pass") else { return nil }
        if Self.accounts.contains(where: { Self.ends(before, in: $0) }) { return .namedPassword }
        return before.isEmpty ? .pass : isDivided ? .common : nil
    }

    /// What stands before a word of `…Password` that is shown, asked or counted.
    private static let labels: [StaticString] = [
        "forgot", "forgotten", "reset", "change", "show", "hide", "toggle", "enter", "invalid", "incorrect", "wrong",
        "weak", "empty", "no", "has", "is", "with", "without", "min", "max", "require", "requires", "required",
        "missing", "expired", "validate", "verify", "check", "generate", "set", "update", "send", "use", "save",
        "remember", "input", "label", "error",
    ]

    /// Of `…secret`, which are one whatever they look like.
    private static let owners: [StaticString] = ["", "client", "api", "signing", "webhook"]

    /// Of `…pass`: whose it is.
    private static let accounts: [StaticString] = [
        "db", "database", "user", "login", "smtp", "mail", "email", "imap", "sql", "mongo", "mongodb", "postgres", "pg",
        "redis", "rabbitmq", "ldap", "ftp", "ssh", "http", "proxy", "admin", "root", "auth", "sudo", "account", "mqtt",
        "keystore", "wifi", "vpn",
    ]

    private func before(_ word: StaticString) -> ArraySlice<UInt8>? {
        Self.ends(letters[...], in: word) ? letters.dropLast(word.utf8CodeUnitCount) : nil
    }

    private static func ends(_ letters: ArraySlice<UInt8>, in word: StaticString) -> Bool {
        equals(letters.suffix(word.utf8CodeUnitCount), word)
    }

    private static func equals(_ letters: ArraySlice<UInt8>, _ word: StaticString) -> Bool {
        letters.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    private static func isCapital(_ byte: UInt8) -> Bool { ASCII.lowered(byte) != byte }

    private static func isOfName(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "_-.:@$".utf8.contains(byte)
    }
}
