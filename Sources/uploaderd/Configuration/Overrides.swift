import Shared

/// A value for a key of the file that a variable or a flag gives.
struct Override: Sendable {
    var value: TomlValue
    var origin: ConfigurationOrigin
}

/// What the environment and the flags say, in the words of the file: `segments.max_bytes`, `destination:supabase.url`
/// (every destination of that type), `destination:*.prefix` (every destination).
struct Overrides: Sendable {
    private var values: [String: [Override]] = [:]
    /// `--watch`, `--file` and AGENT_SESSION_FILE, which take the place of every [[watch]].
    private(set) var watch: [WatchOverride] = []
    /// `--sid`, AGENT_SID.
    private(set) var sid: Override?

    subscript(path: String) -> [Override] { values[path] ?? [] }

    /// Whether a flag asks for a destination of this type.
    func hasFlag(for type: DestinationType) -> Bool {
        values.contains { path, overrides in
            path.hasPrefix("destination:\(type.rawValue).") && overrides.contains { $0.origin.isFlag }
        }
    }

    /// Whether codetether's variables say where its history is: all that it needs for that.
    var saysHistory: Bool {
        ["endpoint", "bucket", "secret"].allSatisfy {
            !self["destination:\(DestinationType.history.rawValue).\($0)"].isEmpty
        }
    }

    /// The variables that concern destinations of a type.
    func variables(of type: DestinationType) -> [String] {
        var names: Set<String> = []
        for (path, overrides) in values where path.hasPrefix("destination:\(type.rawValue).") {
            for case .environment(let name) in overrides.map(\.origin) { names.insert(name) }
        }
        return names.sorted()
    }

    /// - Parameter workingDirectory: what relative paths of flags and variables are relative to.
    init(options: CommandLineOptions, environment: [String: String], home: String?, workingDirectory: String) {
        let paths = GivenPaths(home: home, workingDirectory: workingDirectory)
        takeEnvironment(environment, paths)
        takeFlags(options, paths)
    }

    private mutating func set(_ path: String, _ value: TomlValue, _ origin: ConfigurationOrigin) {
        values[path, default: []].append(Override(value: value, origin: origin))
    }

    private mutating func takeEnvironment(_ environment: [String: String], _ paths: GivenPaths) {
        // An empty variable is an unset one.
        func variable(_ name: String) -> (String, ConfigurationOrigin)? {
            guard let value = environment[name]?.trimmed, !value.isEmpty else { return nil }
            return (value, .environment(name))
        }
        for (name, path) in [
            ("SUPABASE_URL", "destination:supabase.url"), ("SUPABASE_BUCKET", "destination:supabase.bucket"),
            ("SUPABASE_KEY", "destination:supabase.secret"), ("AGENT_UI_BIND", "dashboard.bind"),
            ("CODETETHER_HISTORY_S3_ENDPOINT", "destination:history.endpoint"),
            ("CODETETHER_HISTORY_S3_BUCKET", "destination:history.bucket"),
            ("CODETETHER_HISTORY_S3_PREFIX", "destination:history.prefix"),
        ] {
            if let (value, origin) = variable(name) { set(path, .string(value), origin) }
        }
        if let (key, origin) = variable("CODETETHER_HISTORY_S3_ACCESS_KEY"),
            let (secret, _) = variable("CODETETHER_HISTORY_S3_SECRET_KEY")
        {
            set("destination:history.secret", .string("\(key)\n\(secret)"), origin)
        }
        if let (value, origin) = variable("AGENT_UI_PORT") { set("dashboard.port", Self.number(value), origin) }
        if let (value, origin) = variable("AGENT_UI_DIST") {
            set("dashboard.page", .string(paths.absolute(value)), origin)
        }
        if let (value, origin) = variable("AGENT_SESSION_FILE") {
            watch = [WatchOverride(.file(paths.absolute(value)), origin)]
        }
        if let (value, origin) = variable("AGENT_SID") { sid = Override(value: .string(value), origin: origin) }
    }

    private mutating func takeFlags(_ options: CommandLineOptions, _ paths: GivenPaths) {
        var flagged: [WatchOverride] = []
        for flag in CommandLineFlag.allCases {
            let origin = ConfigurationOrigin.flag(flag.rawValue)
            func text(_ make: (String) -> TomlValue = { .string($0) }) -> TomlValue? {
                options.value(flag).map { make($0.trimmed) }
            }
            func put(_ path: String, _ value: TomlValue?) { if let value { set(path, value, origin) } }
            let isGiven = options.has(flag)
            switch flag {
            case .segmentBytes: put("segments.max_bytes", text())
            case .segmentLines: put("segments.max_lines", text(Self.number))
            case .segmentMilliseconds: put("segments.max_age", text(Self.milliseconds))
            case .pollMilliseconds: put("watching.poll", text(Self.milliseconds))
            case .noGzip: if isGiven { put("segments.codec", .string("none")) }
            case .noRedaction: if isGiven { put("redaction.enabled", .boolean(false)) }
            case .verbose: if isGiven { put("log.level", .string("debug")) }
            case .uiDisable: if isGiven { put("dashboard.enabled", .boolean(false)) }
            case .uiBind: put("dashboard.bind", text())
            case .uiPort: put("dashboard.port", text(Self.number))
            case .uiPage: put("dashboard.page", text { .string(paths.absolute($0)) })
            case .bucket: put("destination:*.bucket", text())
            case .rootPrefix: put("destination:*.prefix", text())
            case .concurrency: put("destination:*.concurrency", text(Self.atLeastOne))
            case .uploadURL: put("destination:presigned.url", text())
            case .supabaseURL: put("destination:supabase.url", text())
            case .supabaseKey:
                put("destination:supabase.secret", options.supabaseKey.map { .string($0.revealed.trimmed) })
            case .watch: flagged += options.values(flag).map { WatchOverride(root: $0, paths, origin) }
            case .file:
                flagged += options.values(flag).map { WatchOverride(.file(paths.absolute($0)), origin) }
            case .sid: if let value = text() { sid = Override(value: value, origin: origin) }
            case .config, .check, .once, .dryRun, .redact, .rules, .host, .stateDirectory, .runtimeDirectory,
                .spoolDirectory,
                .version,
                .help:
                break
            }
        }
        if !flagged.isEmpty { watch = flagged }
    }

    private static func number(_ text: String) -> TomlValue { Int64(text).map { .integer($0) } ?? .string(text) }

    /// agent-uploader takes 0 for 1.
    private static func atLeastOne(_ text: String) -> TomlValue {
        Int64(text).map { .integer($0 == 0 ? 1 : $0) } ?? .string(text)
    }

    /// A bare number is milliseconds; `60s` is taken too.
    private static func milliseconds(_ text: String) -> TomlValue {
        .string(!text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? text + "ms" : text)
    }
}

/// One `--watch` or `--file`.
struct WatchOverride: Sendable {
    enum Subject: Sendable {
        /// Absolute.
        case file(String)
        case root(agent: String, path: String)
        /// Without a colon.
        case unclear(String)
    }
    var subject: Subject
    var origin: ConfigurationOrigin

    init(_ subject: Subject, _ origin: ConfigurationOrigin) {
        self.subject = subject
        self.origin = origin
    }

    /// - Parameter root: `AGENT:DIR`.
    init(root: String, _ paths: GivenPaths, _ origin: ConfigurationOrigin) {
        self.origin = origin
        if let colon = root.firstIndex(of: ":") {
            let path = String(root[root.index(after: colon)...])
            subject = .root(agent: String(root[..<colon]), path: path.isEmpty ? "" : paths.absolute(path))
        } else {
            subject = .unclear(root)
        }
    }
}

/// Paths of flags and variables, which may be relative.
struct GivenPaths {
    var home: String?
    var workingDirectory: String

    /// - Returns: the text itself when it is empty or cannot be made absolute: the key's form refuses it then.
    func absolute(_ text: String) -> String {
        if text.isEmpty { return text }
        if let path = PathText.absolute(text, home: home) { return path }
        if text == "~" || text.hasPrefix("~/") { return text }
        return PathText.absolute("\(workingDirectory)/\(text)", home: nil) ?? text
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
