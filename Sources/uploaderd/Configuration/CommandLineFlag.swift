/// Every flag of uploaderd: its own, and those of agent-uploader.
enum CommandLineFlag: String, CaseIterable {
    case config = "--config"
    case check = "--check"
    case once = "--once"
    case dryRun = "--dry-run"
    case redact = "--redact"
    case rules = "--rules"
    case host = "--host"
    case stateDirectory = "--state-dir"
    case runtimeDirectory = "--runtime-dir"
    case spoolDirectory = "--spool-dir"
    case watch = "--watch"
    case file = "--file"
    case sid = "--sid"
    case segmentBytes = "--seg-bytes"
    case segmentLines = "--seg-lines"
    case segmentMilliseconds = "--seg-ms"
    case pollMilliseconds = "--poll-ms"
    case noGzip = "--no-gzip"
    case noRedaction = "--no-redaction"
    case bucket = "--bucket"
    case rootPrefix = "--root-prefix"
    case concurrency = "--concurrency"
    case uploadURL = "--upload-url"
    case supabaseURL = "--supabase-url"
    case supabaseKey = "--supabase-key"
    case uiBind = "--ui-bind"
    case uiPort = "--ui-port"
    case uiPage = "--ui-dist"
    case uiDisable = "--ui-disable"
    case verbose = "--verbose"
    case version = "--version"
    case help = "--help"

    /// What its value is called in the help; `nil`: it takes none.
    var placeholder: String? {
        switch self {
        case .check, .once, .dryRun, .rules, .host, .noGzip, .noRedaction, .uiDisable, .verbose, .version, .help: nil
        case .config, .file, .redact: "FILE"
        case .stateDirectory, .runtimeDirectory, .spoolDirectory, .uiPage: "DIR"
        case .watch: "AGENT:DIR"
        case .sid: "SID|auto"
        case .segmentBytes: "SIZE"
        case .segmentLines, .concurrency: "N"
        case .segmentMilliseconds, .pollMilliseconds: "MS"
        case .bucket: "NAME"
        case .rootPrefix: "PREFIX"
        case .uploadURL, .supabaseURL: "URL"
        case .supabaseKey: "KEY"
        case .uiBind: "ADDRESS"
        case .uiPort: "PORT"
        }
    }

    var meaning: String {
        switch self {
        case .config: "the configuration (else uploaderd/uploaderd.toml in the configuration home)"
        case .check: "say what is wrong with the configuration, and exit"
        case .once: "take everything, deliver it, exit: 0 only when all is safe, 5 when something is not"
        case .dryRun: "no network; say what would go"
        case .redact: "say what would be removed from this file, each as a line of JSON, and exit"
        case .rules: "list the redaction rules in force, each as a line of JSON, and exit"
        case .host: "only the dashboard, over the store"
        case .stateDirectory: "the state directory itself"
        case .runtimeDirectory: "the runtime directory itself; the socket is control.sock in it"
        case .spoolDirectory: "the spool (else spool/ in the state directory)"
        case .watch: "watch this root instead of the configured ones; may be repeated"
        case .file: "watch this one file of JSON lines"
        case .sid: "the session id of that file; auto: from its name"
        case .segmentBytes: "segments.max_bytes"
        case .segmentLines: "segments.max_lines"
        case .segmentMilliseconds: "segments.max_age"
        case .pollMilliseconds: "watching.poll, only for roots without inotify"
        case .noGzip: "segments are kept as they are"
        case .noRedaction: "redact nothing: lines are stored and leave this machine as they are"
        case .bucket: "the bucket of every destination that has one"
        case .rootPrefix: "the prefix of every object's name"
        case .concurrency: "requests in flight, at most"
        case .uploadURL: "deliver to presigned URLs from there"
        case .supabaseURL: "deliver to Supabase Storage there"
        case .supabaseKey: "its key; a file that `credentials` names is safer"
        case .uiBind: "where the dashboard listens"
        case .uiPort: "its port; 0: any"
        case .uiPage: "a directory that is served instead of the built-in page"
        case .uiDisable: "no dashboard"
        case .verbose: "log.level = \"debug\""
        case .version: "print the version, and exit"
        case .help: "print this, and exit"
        }
    }

    /// It belongs to something that this version does not have: it is refused, or says that it has no effect.
    var isOfLaterVersion: Bool {
        switch self {
        case .host, .uiBind, .uiPort, .uiPage, .uiDisable:
            true
        case .config, .check, .once, .dryRun, .redact, .rules, .stateDirectory, .runtimeDirectory, .spoolDirectory,
            .watch,
            .file, .sid, .bucket, .concurrency, .uploadURL, .supabaseURL, .supabaseKey, .segmentBytes, .segmentLines,
            .segmentMilliseconds, .pollMilliseconds, .noGzip, .noRedaction, .rootPrefix,
            .verbose, .version, .help:
            false
        }
    }

    /// Nobody's command line has it yet: agent-uploader does not know it.
    private var isOurs: Bool { self == .host }

    static let helpText: String = {
        var lines = [
            "usage: uploaderd [FLAG…]", "",
            "Keeps the sessions of coding agents safe; `uploaderctl status` says how it does.", "",
        ]
        for flag in allCases where !flag.isOfLaterVersion {
            let name = flag.placeholder.map { "\(flag.rawValue) \($0)" } ?? flag.rawValue
            let gap = String(repeating: " ", count: max(1, 24 - name.count))
            lines.append("  \(name)\(gap)\(flag.meaning)")
        }
        lines += [
            "", "Taken as well, because agent-uploader has them, though this version has no dashboard:",
            "  " + allCases.filter { $0.isOfLaterVersion && !$0.isOurs }.map(\.rawValue).joined(separator: " "),
        ]
        return lines.joined(separator: "\n") + "\n"
    }()
}
