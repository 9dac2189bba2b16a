import Shared

extension ValueForm where Value == String {
    private static func text(
        expected: String, example: String, _ check: @escaping (String) throws(Refusal) -> String
    ) -> ValueForm {
        ValueForm(shown: { TomlText.quoted($0) }) { (value) throws(Refusal) in
            guard case .string(let text) = value else { throw mismatch(expected, value, example: example) }
            // A NUL ends a path early in C: what was checked and what is opened would differ.
            guard !text.utf8.contains(0) else {
                throw Refusal(message: "the text holds a NUL", hint: "take it out")
            }
            return try check(text)
        }
    }

    /// One line of text, which may be empty.
    ///
    /// - Parameter emptyMeans: the default that "" stands for.
    static func line(longest: Int, emptyMeans: String = "") -> ValueForm {
        text(expected: "a text", example: "\"…\"") { (text) throws(Refusal) in
            guard text.utf8.count <= longest else {
                throw Refusal(message: "the text is longer than \(longest) bytes", hint: "use a shorter one")
            }
            guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
                throw Refusal(message: "the text holds a line break or another control character", hint: "take it out")
            }
            return text.isEmpty ? emptyMeans : text
        }
    }

    /// An element of a list: one line of text, not empty.
    static var entry: ValueForm {
        let line = line(longest: 4096)
        return ValueForm(shown: line.shown) { (value) throws(Refusal) in
            let text = try line.read(value)
            guard !text.isEmpty else { throw Refusal(message: "an entry is empty", hint: "take it out") }
            return text
        }
    }

    /// A name: letters, digits, `.`, `_`, `-`, not beginning with a dot.
    static func name(longest: Int) -> ValueForm {
        text(expected: "a name", example: "\"archive\"") { (text) throws(Refusal) in
            guard isName(text), text.utf8.count <= longest else {
                throw Refusal(
                    message: "\(TomlValue.string(text).found) is not a name",
                    hint:
                        "use 1 to \(longest) letters, digits, \".\", \"_\" and \"-\", the first a letter or a digit"
                )
            }
            return text
        }
    }

    static func isName(_ text: String) -> Bool {
        func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        guard let first = text.utf8.first, isPlain(first) else { return false }
        return text.utf8.allSatisfy { isPlain($0) || ".-_".utf8.contains($0) }
    }

    /// An absolute path; a leading `~/` is the home.
    ///
    /// - Parameter emptyMeans: the default that "" stands for; `nil`: "" is not taken.
    static func path(home: String?, emptyMeans: String? = nil) -> ValueForm {
        text(expected: "a path", example: "\"~/sessions\"") { (text) throws(Refusal) in
            if text.isEmpty, let emptyMeans { return emptyMeans }
            if let path = PathText.absolute(text, home: home) { return path }
            let found = TomlValue.string(text).found
            if text.isEmpty { throw Refusal(message: "the path is empty", hint: "write an absolute path") }
            if text.hasPrefix("~") && home == nil {
                throw Refusal(
                    message: "\(found) needs a home directory, and HOME is not set",
                    hint: "set HOME, or write an absolute path")
            }
            throw Refusal(
                message: "\(found) is not an absolute path",
                hint: "begin it with \"/\" or \"~/\"; nothing else (\"$VAR\", \"~user\") is expanded")
        }
    }

    /// An absolute path of a directory, with all that lies in it: no glob.
    static func directory(home: String?) -> ValueForm {
        let path = path(home: home)
        return ValueForm(shown: path.shown) { (value) throws(Refusal) in
            let text = try path.read(value)
            // It would be no directory that there is, and whoever wrote it would believe to be protected.
            guard !text.contains("*") else {
                throw Refusal(
                    message: "\(TomlValue.string(text).found) is a glob, and stands for no directory",
                    hint: "write each directory; what lies in it belongs to it")
            }
            return text
        }
    }

    /// A glob over the URL of a repository's remote.
    static var remote: ValueForm {
        let entry = entry
        return ValueForm(shown: entry.shown) { (value) throws(Refusal) in
            let text = try entry.read(value)
            let found = TomlValue.string(text).found
            if text.hasPrefix("/") || text.hasPrefix("~") {
                throw Refusal(
                    message: "\(found) is a directory, not a remote's URL", hint: "write it into exclude_directories")
            }
            // It would match no URL that there is, and whoever wrote it would believe to be protected.
            guard text.contains(where: { "/:*".contains($0) }) else {
                throw Refusal(
                    message: "\(found) matches no remote's URL",
                    hint: "write it as \"*github.com/acme/*\", with * for any text")
            }
            return text
        }
    }

    /// A directory, or a glob over the URL of a repository's remote.
    static func place(home: String?) -> ValueForm {
        let (path, remote) = (directory(home: home), remote)
        return ValueForm(shown: remote.shown) { (value) throws(Refusal) in
            guard case .string(let text) = value, text.hasPrefix("/") || text.hasPrefix("~") else {
                return try remote.read(value)
            }
            return try path.read(value)
        }
    }

    /// A glob relative to a root.
    static var glob: ValueForm {
        text(expected: "a glob", example: "\"**/*.jsonl\"") { (text) throws(Refusal) in
            let found = TomlValue.string(text).found
            guard !text.isEmpty, text.utf8.count <= 1024 else {
                throw Refusal(message: "\(found) is not a glob", hint: "write one such as \"**/*.jsonl\"")
            }
            guard !text.hasPrefix("/"), !text.hasPrefix("~") else {
                throw Refusal(message: "the glob \(found) is not relative", hint: "write it relative to root")
            }
            guard !text.split(separator: "/").contains("..") else {
                throw Refusal(message: "the glob \(found) leaves its root", hint: "take \"..\" out")
            }
            return text
        }
    }

    /// The beginning of every object's name; a closing slash is added.
    static var prefix: ValueForm {
        text(expected: "a prefix", example: "\"sessions/\"") { (text) throws(Refusal) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let named = parts.last == "" ? parts.dropLast() : parts[...]
            let isPlain = named.allSatisfy { $0 != "" && $0 != "." && $0 != ".." && isKeyPart($0) }
            guard text.isEmpty || (isPlain && !named.isEmpty && text.utf8.count <= 512) else {
                throw Refusal(
                    message: "\(TomlValue.string(text).found) is not a prefix",
                    hint:
                        "use components of letters, digits, \".\", \"_\" and \"-\" with \"/\" between them, none at the beginning; or \"\""
                )
            }
            return text.isEmpty || text.hasSuffix("/") ? text : text + "/"
        }
    }

    /// The same where anything may stand before our part of a name: S3.
    static var freePrefix: ValueForm {
        text(expected: "a prefix", example: "\"sessions/\"") { (text) throws(Refusal) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let named = parts.last == "" ? parts.dropLast() : parts[...]
            let isPlain = named.allSatisfy { $0 != "" && $0 != "." && $0 != ".." }
            let isShown = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
            guard text.isEmpty || (isPlain && isShown && text.utf8.count <= 512) else {
                throw Refusal(
                    message: "\(TomlValue.string(text).found) is not a prefix",
                    hint:
                        "use at most 512 bytes of text without control characters; \"/\" between components, none of them empty, \".\" or \"..\""
                )
            }
            return text.isEmpty || text.hasSuffix("/") ? text : text + "/"
        }
    }

    private static func isKeyPart(_ part: Substring) -> Bool { isName("a" + part) }

    /// A bucket's name: what every object store takes.
    static var bucket: ValueForm {
        text(expected: "a bucket's name", example: "\"sessions\"") { (text) throws(Refusal) in
            guard isName(text), text.utf8.count <= 255 else {
                throw Refusal(
                    message: "\(TomlValue.string(text).found) is not a bucket's name",
                    hint: "use letters, digits, \".\", \"_\" and \"-\"")
            }
            return text
        }
    }

    /// A URL without a user's name, and with one of the schemes; it is taken as it is written.
    static func address(_ schemes: [String], example: String = "\"https://host.example\"") -> ValueForm {
        text(expected: "a URL", example: example) { (text) throws(Refusal) in
            // The text is never part of the message: it may hold a password.
            guard let address = WebAddress(text) else {
                throw Refusal(message: "it is not a URL", hint: "write it like this: \(example)")
            }
            guard !address.hasUserInfo else {
                throw Refusal(
                    message: "the URL holds a user name or a password",
                    hint: "take it out; a secret belongs in the file that `credentials` names")
            }
            guard schemes.contains(address.scheme) else {
                throw Refusal(
                    message: "\"\(address.scheme)\" is not a scheme that works here",
                    hint: "use \(schemes.joined(separator: " or "))")
            }
            return text
        }
    }

    /// The address that the dashboard listens at.
    static var bindAddress: ValueForm {
        text(expected: "an IP address", example: "\"127.0.0.1\"") { (text) throws(Refusal) in
            guard text == "localhost" || WebAddress.isNumeric(text) else {
                throw Refusal(
                    message: "\(TomlValue.string(text).found) is not an IP address",
                    hint: "write one such as \"127.0.0.1\" or \"::1\"")
            }
            return text
        }
    }
}

extension ValueForm where Value == Secret {
    /// Only from a flag or a variable; never shown.
    static var secret: ValueForm {
        ValueForm(shown: { $0.description }) { (value) throws(Refusal) in
            guard case .string(let text) = value, !text.isEmpty else {
                throw Refusal(message: "the secret is empty", hint: "give its value")
            }
            return Secret(text)
        }
    }
}
