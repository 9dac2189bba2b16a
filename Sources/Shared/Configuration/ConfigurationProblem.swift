/// Where an effective value came from. Flags win over the environment, that over the file, that over the default.
package enum ConfigurationOrigin: Hashable, Sendable, CustomStringConvertible {
    case `default`
    /// Lines are counted from 1; 0: the file as a whole.
    case file(path: String, line: Int)
    /// The variable's name.
    case environment(String)
    /// The flag with its dashes.
    case flag(String)

    /// As `config show` prints it.
    package var description: String {
        switch self {
        case .default: "default"
        case .file(let path, let line): line > 0 ? "\(path):\(line)" : path
        case .environment(let name): "environment \(name)"
        case .flag(let name): "flag \(name)"
        }
    }

    package var isEnvironment: Bool { if case .environment = self { true } else { false } }
    package var isFlag: Bool { if case .flag = self { true } else { false } }

    /// Higher wins.
    package var precedence: Int {
        switch self {
        case .default: 0
        case .file: 1
        case .environment: 2
        case .flag: 3
        }
    }
}

/// One thing that is wrong with the configuration: where, what, and how to cure it.
///
///     /home/u/.config/uploaderd/uploaderd.toml:12: segments.max_bytes: expected a size, found true
package struct ConfigurationProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package var origin: ConfigurationOrigin
    /// `segments.max_bytes`, `watch[2].root` (counted from 1), `destination.archive.path`; "" when it is about no key.
    package var key: String
    package var message: String
    /// The cure.
    package var hint: String?

    package init(_ origin: ConfigurationOrigin, key: String, _ message: String, hint: String?) {
        self.origin = origin
        self.key = key
        self.message = message
        self.hint = hint
    }

    package var file: String? { if case .file(let path, _) = origin { path } else { nil } }

    /// From 1; `nil` when it is about no line.
    package var line: Int? { if case .file(_, let line) = origin, line > 0 { line } else { nil } }

    /// The command line is at fault: exit code 2.
    package var isUsage: Bool { origin.isFlag }

    /// Without the hint.
    package var description: String {
        var parts: [String] = []
        switch origin {
        case .default: break
        case .file: parts.append(origin.description)
        case .environment(let name): parts.append("$\(name)")
        case .flag(let name): parts.append(name)
        }
        if !key.isEmpty { parts.append(key) }
        parts.append(message)
        return parts.joined(separator: ": ")
    }
}

extension ConfigurationProblem: Encodable {
    private enum CodingKeys: String, CodingKey { case file, line, source, key, message, hint }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(file, forKey: .file)
        try container.encodeIfPresent(line, forKey: .line)
        try container.encode(origin.description, forKey: .source)
        try container.encode(key, forKey: .key)
        try container.encode(message, forKey: .message)
        try container.encodeIfPresent(hint, forKey: .hint)
    }
}

/// One line of `config show`.
package struct ConfigurationEntry: Hashable, Sendable, CustomStringConvertible {
    /// As in `ConfigurationProblem.key`.
    package var key: String
    /// As it would be written in the file; a secret is `(secret)`.
    package var value: String
    package var origin: ConfigurationOrigin

    package init(key: String, value: String, origin: ConfigurationOrigin) {
        self.key = key
        self.value = value
        self.origin = origin
    }

    package var description: String { "\(key) = \(value)  # \(origin)" }
}

extension ConfigurationEntry: Encodable {
    private enum CodingKeys: String, CodingKey { case key, value, origin }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encode(value, forKey: .value)
        try container.encode(origin.description, forKey: .origin)
    }
}
