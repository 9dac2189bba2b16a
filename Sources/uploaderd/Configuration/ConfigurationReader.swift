import Shared

/// Makes the configuration of a file's tree, the environment and the flags. Pure; collects every problem.
struct ConfigurationReader {
    var settings: SettingsReader
    let directories: Directories
    let options: CommandLineOptions
    let environment: [String: String]
    let home: String?
    let hostName: String
    let ruleCheck: ConfigurationInput.RuleCheck
    /// Whether secrets are looked for, which destinations ask.
    var isRedacting = true
    /// What is taken, though not as somebody may expect.
    var notices: [ConfigurationProblem] = []

    init(
        settings: SettingsReader, directories: Directories, options: CommandLineOptions,
        environment: [String: String], hostName: String, ruleCheck: @escaping ConfigurationInput.RuleCheck
    ) {
        self.settings = settings
        self.directories = directories
        self.options = options
        self.environment = environment
        self.hostName = hostName
        self.ruleCheck = ruleCheck
        home = Directories.home(environment)
    }

    /// - Parameter members: the root table.
    mutating func configuration(_ members: [TomlMember]) -> UploaderConfiguration {
        var root = SettingsScope(name: "", origin: settings.origin(line: 0), members: members)
        var all = UploaderConfiguration.defaults(
            directories: directories, home: home, hostName: hostName, environment: environment)
        noteDirectories()
        let watch = settings.tables("watch", in: &root)
        let destinations = settings.tables("destination", in: &root)
        readSegments(&all, &root)
        all.redaction = redaction(&root)
        isRedacting = !all.redaction.isNone
        readPrivacy(&all.privacy, &root)
        readUpkeep(&all, &root)
        readMachine(&all, &root)
        all.destinations = self.destinations(destinations)
        all.watch = self.watch(watch, ours: ownPlaces(of: all))
        settings.close(root)
        checkTogether(all)
        refuseUnavailable(all)
        return all
    }

    /// Reads the table of this name, and reports what nobody asked for in it.
    mutating func section(
        _ name: String, _ root: inout SettingsScope, _ body: (inout SettingsReader, inout SettingsScope) -> Void
    ) {
        var scope = settings.table(name, in: &root)
        body(&settings, &scope)
        settings.close(scope)
    }

    private mutating func noteDirectories() {
        let form = ValueForm<String>.path(home: home)
        for (name, path, flag) in [
            ("state", directories.state, CommandLineFlag.stateDirectory),
            ("runtime", directories.runtime, .runtimeDirectory), ("spool", directories.spool, .spoolDirectory),
            ("cache", directories.cache, nil),
        ] {
            var origin = directories.variables[name].map { ConfigurationOrigin.environment($0) } ?? .default
            if let flag, options.has(flag) { origin = .flag(flag.rawValue) }
            settings.note("directory.\(name)", path, form, origin)
        }
    }

    private mutating func readSegments(_ all: inout UploaderConfiguration, _ root: inout SettingsScope) {
        section("watching", &root) { settings, scope in
            all.watching.rescan = settings.value(
                "rescan", in: &scope, .duration(.seconds(1) ... .seconds(30 * 86_400)), else: all.watching.rescan)
            all.watching.poll = settings.value(
                "poll", in: &scope, .duration(.milliseconds(1) ... .seconds(3600)), else: all.watching.poll)
        }
        section("segments", &root) { settings, scope in
            let usual = all.segments
            all.segments.maxLine = settings.value(
                "max_line", in: &scope, .bytes(.kibi(1) ... .gibi(64)), else: usual.maxLine)
            all.segments.maxBytes = settings.value(
                "max_bytes", in: &scope, .bytes(1 ... .gibi(1)), else: usual.maxBytes)
            all.segments.maxLines = settings.value(
                "max_lines", in: &scope, .number(1...10_000_000), else: usual.maxLines)
            all.segments.maxAge = settings.value(
                "max_age", in: &scope, .duration(.milliseconds(1) ... .seconds(30 * 86_400)), else: usual.maxAge)
            all.segments.quiet = settings.value(
                "quiet", in: &scope, .duration(.milliseconds(1) ... .seconds(30 * 86_400)), else: usual.quiet)
            all.segments.codec = settings.value("codec", in: &scope, .oneOf, else: usual.codec)
            all.segments.level = settings.value("level", in: &scope, .number(1...19), else: usual.level)
        }
        section("spool", &root) { settings, scope in
            all.spool.maxBytes = settings.value(
                "max_bytes", in: &scope, .bytes(.kibi(1) ... .gibi(1 << 30)), else: all.spool.maxBytes)
        }
    }

    private mutating func readPrivacy(_ privacy: inout PrivacyConfiguration, _ root: inout SettingsScope) {
        let home = home
        section("privacy", &root) { settings, scope in
            privacy.excludeDirectories = settings.value(
                "exclude_directories", in: &scope, .list(example: "\"~/private\"", of: .directory(home: home)),
                else: privacy.excludeDirectories)
            privacy.excludeRepositories = settings.value(
                "exclude_repositories", in: &scope, .list(example: "\"*github.com/acme/*\"", of: .remote),
                else: privacy.excludeRepositories)
            privacy.includeOnly = settings.value(
                "include_only", in: &scope, .list(example: "\"~/work\"", of: .place(home: home)),
                else: privacy.includeOnly)
            privacy.excludeAgents = settings.value(
                "exclude_agents", in: &scope,
                .list(
                    example: "\"codex\"",
                    of: .choice(Agent.allCases.map(\.rawValue), shown: { $0 }, make: { $0 })),
                else: privacy.excludeAgents)
        }
    }

    private mutating func readUpkeep(_ all: inout UploaderConfiguration, _ root: inout SettingsScope) {
        let home = home
        section("archive", &root) { settings, scope in
            let usual = all.archive
            all.archive.enabled = settings.value("enabled", in: &scope, .truth, else: usual.enabled)
            all.archive.path = settings.value(
                "path", in: &scope, .path(home: home, emptyMeans: usual.path), else: usual.path)
            all.archive.inactive = settings.value(
                "inactive", in: &scope, .duration(.seconds(60) ... .seconds(3650 * 86_400)), else: usual.inactive)
            all.archive.every = settings.value(
                "every", in: &scope, .duration(.seconds(1) ... .seconds(30 * 86_400)), else: usual.every)
            all.archive.maxBytes = settings.value(
                "max_bytes", in: &scope, .bytes(.kibi(1) ... .gibi(1 << 30)), else: usual.maxBytes)
        }
        section("merge", &root) { settings, scope in
            all.merge.enabled = settings.value("enabled", in: &scope, .truth, else: all.merge.enabled)
        }
        section("search", &root) { settings, scope in
            all.search.enabled = settings.value("enabled", in: &scope, .truth, else: all.search.enabled)
            all.search.maxBytes = settings.value(
                "max_bytes", in: &scope, .bytes(.kibi(1) ... .gibi(1 << 30)), else: all.search.maxBytes)
        }
    }

    private mutating func readMachine(_ all: inout UploaderConfiguration, _ root: inout SettingsScope) {
        let home = home
        section("host", &root) { settings, scope in
            all.host.label = settings.value(
                "label", in: &scope, .line(longest: 255, emptyMeans: all.host.label), else: all.host.label)
        }
        section("control", &root) { settings, scope in
            all.control.socket = settings.value(
                "socket", in: &scope, .path(home: home, emptyMeans: all.control.socket), else: all.control.socket)
        }
        section("dashboard", &root) { settings, scope in
            let usual = all.dashboard
            all.dashboard.enabled = settings.value("enabled", in: &scope, .truth, else: usual.enabled)
            all.dashboard.bind = settings.value("bind", in: &scope, .bindAddress, else: usual.bind)
            all.dashboard.port = settings.value("port", in: &scope, .number(0...65_535), else: usual.port)
            let form = ValueForm<String>.path(home: home)
            if let (page, origin) = settings.overridden("page", in: scope, form) {
                all.dashboard.page = page
                settings.note("dashboard.page", page, form, origin)
            }
        }
        section("log", &root) { settings, scope in
            let names = Priority.allCases.map { "\($0)" }
            all.log.level = settings.value(
                "level", in: &scope, .choice(names, shown: { "\($0)" }, make: { Priority($0) }), else: all.log.level)
        }
    }

    /// What each key allows alone, but not the two together.
    private mutating func checkTogether(_ all: UploaderConfiguration) {
        if all.segments.codec == .gzip, all.segments.level > 12 {
            settings.refuse(
                settings.origin(of: "segments.level"), "segments.level",
                "\(all.segments.level) is out of range for gzip", hint: "use 1 to 12, or codec = \"zstd\"")
        }
        // sun_path, with its closing NUL: unix(7).
        if all.control.socket.utf8.count > 107 {
            settings.refuse(
                settings.origin(of: "control.socket"), "control.socket",
                "the path of the socket is longer than the 107 bytes that the kernel takes",
                hint: "give a shorter one, or a shorter --runtime-dir")
        }
    }
}
