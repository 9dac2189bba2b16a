/// What is asked of the value of a sensitive field, so that it is taken for a secret. Placeholders never are.
enum FieldKind: UInt32, CaseIterable {
    /// Nothing: it is a password, even a number.
    case password
    /// That it is no label and no route: `new_password`, `PGPASSWORD`, `smtp_pass`.
    case namedPassword
    /// That it is no directory: `pwd`.
    case directory
    /// That it belongs to a user, or looks like a secret: `pass`.
    case pass
    /// At least four bytes: `api_key`.
    case secret
    /// That it looks like a secret: `token`.
    case common

    /// Whether its value must be seen without escapes.
    var isOfLooks: Bool { self == .pass || self == .common }

    /// Whether a value is one.
    ///
    /// - Parameters:
    ///   - value: as it stands in the line, with its escapes; without them where `isOfLooks`.
    ///   - isNumber: it had no quotes.
    ///   - isOfUser: whether the field stands beside one that names a user.
    func isSecret(_ value: UnsafeBufferPointer<UInt8>, isNumber: Bool, isOfUser: () -> Bool) -> Bool {
        if Plausibility.isPlaceholder(value) { return false }
        // Places in a list, counts and ids of tokens are short numbers.
        if isNumber {
            switch self {
            case .password: return true
            case .namedPassword: return value.count >= 4
            case .directory, .pass: return false
            case .secret, .common: return value.count >= 8
            }
        }
        switch self {
        case .password: return true
        case .namedPassword: return !Self.isLabel(value) && !Self.isPath(value, isRoute: true)
        case .directory: return !Self.isPath(value, isRoute: false)
        case .pass: return value.count >= 4 && (Self.looksSecret(value, isPhrase: false) || isOfUser())
        case .secret: return value.count >= 4
        case .common: return Self.looksSecret(value, isPhrase: true)
        }
    }

    /// Words about a password.
    private static func isLabel(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        value.contains(0x20)
            && (Plausibility.contains(value, "passw") || Plausibility.contains(value, "passphrase")
                || value.last == UInt8(ascii: "?"))
    }

    /// - Parameter isRoute: of what begins with a slash only what has no digit: a drawn password may begin with one, too.
    private static func isPath(_ value: UnsafeBufferPointer<UInt8>, isRoute: Bool) -> Bool {
        guard value.count > 1 else { return false }
        switch value[0] {
        case UInt8(ascii: "/"): return !isRoute || !value.contains(where: ASCII.isDigit)
        case UInt8(ascii: "~"), UInt8(ascii: "."): return value[1] == UInt8(ascii: "/") || value[1] == value[0]
        default:
            return ASCII.isLetter(value[0]) && value[1] == UInt8(ascii: ":") && value.count > 2
                && (value[2] == 0x5C || value[2] == UInt8(ascii: "/"))
        }
    }

    /// Whether it may be a secret by its looks: not ` world`, `same-origin`, `ctrl+s` or `});`.
    ///
    /// - Parameter isPhrase: it may have blanks in it.
    static func looksSecret(_ value: UnsafeBufferPointer<UInt8>, isPhrase: Bool) -> Bool {
        guard value.count >= 6, let first = value.first, first > 0x20 else { return false }
        var marks = 0
        var hasBlank = false
        var isOfLetters = true
        for byte in value where !ASCII.isLetter(byte) {
            isOfLetters = false
            if byte == 0x20 { hasBlank = true } else if "!#$%^&*@~?=".utf8.contains(byte) { marks += 1 }
        }
        if hasBlank, !isPhrase { return false }
        if value.contains(where: ASCII.isDigit) { return true }
        if hasBlank { return false }
        return isOfLetters && value.count >= 16 || marks >= 2 && value.count >= 8 || Plausibility.isMixed(value)
    }
}
