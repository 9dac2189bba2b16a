/// Where our files are, by the rules of docs/formats.md, "Local state". All absolute.
///
/// A user's daemon, hooks, `--once` and uploaderctl use the XDG directories, so that they agree. The variables that
/// systemd sets (`$STATE_DIRECTORY` and its kin) count only for the process that a system unit itself started: in a user
/// unit systemd 252 resolves them under the configuration home, and what a shell inherits from some other unit is not ours.
package struct Directories: Hashable, Sendable {
    package var state: String
    package var runtime: String
    /// The folder of uploaderd.toml; `nil` when neither HOME nor XDG_CONFIG_HOME says where that is.
    package var configuration: String?
    package var cache: String
    /// `--spool-dir`; else in the state directory.
    package var spool: String
    /// $CREDENTIALS_DIRECTORY.
    package var credentials: String?
    /// The variables that moved `state`, `runtime` and `cache`, by these names.
    package var variables: [String: String]

    package init(
        state: String, runtime: String, configuration: String?, cache: String, spool: String, credentials: String?,
        variables: [String: String] = [:]
    ) {
        self.state = state
        self.runtime = runtime
        self.configuration = configuration
        self.cache = cache
        self.spool = spool
        self.credentials = credentials
        self.variables = variables
    }

    package var store: String { "\(state)/store" }
    package var archive: String { "\(state)/archive" }
    package var controlSocket: String { "\(runtime)/control.sock" }
    package var configurationFile: String? { configuration.map { "\($0)/uploaderd.toml" } }

    /// - Parameters:
    ///   - processID: ours, by which a system unit's own process is recognised.
    ///   - state: `--state-dir`, absolute.
    ///   - runtime: `--runtime-dir`, absolute.
    ///   - spool: `--spool-dir`, absolute.
    /// - Throws: when HOME is needed and is not an absolute path.
    package static func located(
        environment: [String: String], processID: Int32, state: String? = nil, runtime: String? = nil,
        spool: String? = nil
    ) throws(ConfigurationProblem) -> Directories {
        let places = Places(environment: environment, processID: processID)
        let fromState = try places.directory(given: state, "STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state")
        guard let state = fromState?.path else {
            throw ConfigurationProblem(
                .environment("HOME"), key: "", "the home directory is not known, so neither is the state directory",
                hint: "set HOME to an absolute path, or give --state-dir")
        }
        let fromRuntime = try places.directory(given: runtime, "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", nil)
        let fromCache = try places.directory("CACHE_DIRECTORY", "XDG_CACHE_HOME", ".cache")
        let variables = ["state": fromState?.variable, "runtime": fromRuntime?.variable, "cache": fromCache?.variable]
        return Directories(
            state: state,
            // Without a session of logind's (cron, containers) there is no runtime directory that is surely ours alone.
            runtime: fromRuntime?.path ?? "\(state)/run",
            configuration: try places.directory("CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME", ".config")?.path,
            cache: fromCache?.path ?? "\(state)/cache",
            spool: spool ?? "\(state)/spool",
            credentials: environment["CREDENTIALS_DIRECTORY"].flatMap { PathText.absolute($0, home: nil) },
            variables: variables.compactMapValues(\.self))
    }

    /// HOME, when it is an absolute path.
    package static func home(_ environment: [String: String]) -> String? {
        environment["HOME"].flatMap { $0.isText ? PathText.absolute($0, home: nil) : nil }
    }
}

extension String {
    /// Whether it came to us as it was: bytes that are no UTF-8 are read as U+FFFD.
    fileprivate var isText: Bool { !unicodeScalars.contains("\u{FFFD}") }
}

/// Where the environment says that our files are.
private struct Places {
    let environment: [String: String]
    let isSystemUnit: Bool

    init(environment: [String: String], processID: Int32) {
        self.environment = environment
        // SYSTEMD_EXEC_PID names the process that the manager started, MANAGERPID is set by user managers only:
        // systemd.exec(5), "Environment variables set or propagated by the service manager".
        isSystemUnit =
            environment["SYSTEMD_EXEC_PID"] == String(processID) && environment["MANAGERPID", default: ""].isEmpty
    }

    /// - Returns: the path, and the variable that says it, if one does.
    /// - Throws: for a variable whose bytes are no text: what we read in their place would be another directory.
    func directory(
        given: String? = nil, _ unit: String, _ xdg: String, _ belowHome: String?
    ) throws(ConfigurationProblem) -> (path: String, variable: String?)? {
        if let given { return (given, nil) }
        for name in isSystemUnit ? [unit, xdg] : [xdg] where environment[name]?.isText == false {
            throw ConfigurationProblem(
                .environment(name), key: "", "it is no UTF-8", hint: "give the directory a name in UTF-8")
        }
        // Several directories are separated by colons; ours is the first.
        if isSystemUnit, let value = environment[unit]?.split(separator: ":").first,
            let path = PathText.absolute(String(value), home: nil)
        {
            return (path, unit)
        }
        // A relative path is to be ignored: XDG Base Directory Specification, "Environment variables".
        if let value = environment[xdg], let path = PathText.absolute(value, home: nil) {
            return ("\(path)/uploaderd", xdg)
        }
        guard let belowHome, let home = Directories.home(environment) else { return nil }
        return ("\(home == "/" ? "" : home)/\(belowHome)/uploaderd", nil)
    }
}
