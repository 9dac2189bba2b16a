package import Shared

/// What a process knows of itself before it reads its configuration. Values, so that tests need no process.
package struct ConfigurationInput: Sendable {
    /// Without the program's name.
    package var arguments: [String]
    package var environment: [String: String]
    /// Absolute; relative paths of flags and variables are relative to it.
    package var workingDirectory: String
    package var processID: Int32
    /// The machine's name, for `host.label`.
    package var hostName: String
    /// Says what is wrong with rules of redaction: those who apply them know.
    package var ruleCheck: RuleCheck

    package typealias RuleCheck = @Sendable (RedactionConfiguration) -> [RedactionProblem]

    package init(
        arguments: [String], environment: [String: String], workingDirectory: String, processID: Int32,
        hostName: String, ruleCheck: @escaping RuleCheck
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.processID = processID
        self.hostName = hostName
        self.ruleCheck = ruleCheck
    }
}

/// A configuration without a problem.
package struct LoadedConfiguration: Sendable {
    package var configuration: UploaderConfiguration
    package var options: CommandLineOptions
    package var directories: Directories
    /// The file that was read; `nil`: there is none, and the defaults hold.
    package var file: String?
    /// Every effective value and where it came from, in the order of config/uploaderd.toml: `config show`.
    package var entries: [ConfigurationEntry]
    /// What is taken, though not as somebody may expect: to be logged.
    package var notices: [ConfigurationProblem]
}

/// What came of reading the configuration.
package enum ConfigurationLoad: Sendable {
    /// `--help`: this text is to be printed.
    case help(String)
    case version
    case loaded(LoadedConfiguration)
    /// Everything that is wrong, in the order of the lines; never empty. Exit code 2.
    case refused([ConfigurationProblem])

    /// Reads and checks the flags, the environment and the file. Blocks on the file and on files of credentials.
    ///
    /// May be repeated: a reload is the same call with the same input.
    package static func read(_ input: ConfigurationInput) -> ConfigurationLoad {
        let (options, usage) = CommandLineOptions.parse(input.arguments)
        if options.help { return .help(CommandLineFlag.helpText) }
        if options.version { return .version }
        var problems = usage
        let directories = Self.directories(options, input, &problems)
        let (file, members) = contents(options, directories, input, &problems)

        let home = Directories.home(input.environment)
        let overrides = Overrides(
            options: options, environment: input.environment, home: home, workingDirectory: input.workingDirectory)
        var reader = ConfigurationReader(
            settings: SettingsReader(file: file ?? "", overrides: overrides), directories: directories,
            options: options, environment: input.environment, hostName: input.hostName, ruleCheck: input.ruleCheck)
        let configuration = reader.configuration(members)
        problems += reader.settings.problems
        problems += credentialProblems(configuration, reader.settings)
        if !problems.isEmpty { return .refused(ordered(problems)) }
        if options.supabaseKey != nil {
            reader.notices.append(
                ConfigurationProblem(
                    .flag(CommandLineFlag.supabaseKey.rawValue), key: "",
                    "a key on the command line was readable by every user of this machine until now",
                    hint: "write it into a file with mode 0600, and name that as credentials"))
        }
        return .loaded(
            LoadedConfiguration(
                configuration: configuration, options: options, directories: directories, file: file,
                entries: reader.settings.orderedEntries, notices: reader.notices))
    }

    private static func directories(
        _ options: CommandLineOptions, _ input: ConfigurationInput, _ problems: inout [ConfigurationProblem]
    ) -> Directories {
        let home = Directories.home(input.environment)
        let paths = GivenPaths(home: home, workingDirectory: input.workingDirectory)
        func path(_ flag: CommandLineFlag) -> String? {
            guard let text = options.value(flag) else { return nil }
            do throws(Refusal) {
                return try ValueForm<String>.path(home: home).read(.string(paths.absolute(text)))
            } catch {
                problems.append(
                    ConfigurationProblem(.flag(flag.rawValue), key: "", error.message, hint: error.hint))
                return nil
            }
        }
        let (state, runtime, spool) = (path(.stateDirectory), path(.runtimeDirectory), path(.spoolDirectory))
        do throws(ConfigurationProblem) {
            return try Directories.located(
                environment: input.environment, processID: input.processID, state: state, runtime: runtime,
                spool: spool)
        } catch {
            problems.append(error)
            // Only so that the rest can be checked too: with a problem nothing is started.
            return Directories(
                state: "/", runtime: "/", configuration: nil, cache: "/", spool: "/", credentials: nil)
        }
    }

    /// The file's path, when it is there, and the members of its root table.
    private static func contents(
        _ options: CommandLineOptions, _ directories: Directories, _ input: ConfigurationInput,
        _ problems: inout [ConfigurationProblem]
    ) -> (String?, [TomlMember]) {
        let paths = GivenPaths(
            home: Directories.home(input.environment), workingDirectory: input.workingDirectory)
        let given = options.value(.config).map { paths.absolute($0) }
        guard let path = given ?? directories.configurationFile else { return (nil, []) }
        do throws(ConfigurationProblem) {
            guard let bytes = try ConfigurationFile.contents(path) else {
                guard given != nil else { return (nil, []) }
                throw ConfigurationProblem(
                    .flag(CommandLineFlag.config.rawValue), key: "", "there is no file \(path)",
                    hint: "name one that exists, or take the flag out")
            }
            do throws(TomlSyntaxError) {
                return (path, try TomlDocument.parse(bytes))
            } catch {
                let place = error.column > 0 ? " (column \(error.column))" : ""
                throw ConfigurationProblem(
                    .file(path: path, line: error.line), key: "", "not TOML: \(error.message)\(place)",
                    hint: "mend the line; what else is wrong in the file is only seen then")
            }
        } catch {
            problems.append(error)
            return (path, [])
        }
    }

    private static func credentialProblems(
        _ configuration: UploaderConfiguration, _ settings: SettingsReader
    ) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        for destination in configuration.destinations {
            func note(_ key: String, _ refusal: Refusal?) {
                guard let refusal else { return }
                let key = "destination.\(destination.name).\(key)"
                problems.append(
                    ConfigurationProblem(settings.origin(of: key), key: key, refusal.message, hint: refusal.hint))
            }
            if case .file(let path, let guarded) = destination.credentials {
                let type = destination.type
                note("credentials", ConfigurationFile.credentialsRefusal(path, guarded: guarded, of: type))
            }
            if case .file(let path, let guarded) = destination.encryption?.identity {
                note("identity", ConfigurationFile.identityRefusal(path, guarded: guarded))
            }
        }
        return problems
    }

    /// Flags, then the environment, then the file from top to bottom; each problem once.
    private static func ordered(_ problems: [ConfigurationProblem]) -> [ConfigurationProblem] {
        var seen: Set<ConfigurationProblem> = []
        let once = problems.filter { seen.insert($0).inserted }
        func rank(_ problem: ConfigurationProblem) -> Int { 3 - problem.origin.precedence }
        return once.enumerated().sorted { a, b in
            (rank(a.element), a.element.line ?? 0, a.offset) < (rank(b.element), b.element.line ?? 0, b.offset)
        }.map(\.element)
    }
}
