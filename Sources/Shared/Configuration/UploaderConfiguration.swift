/// Everything that `uploaderd.toml`, the environment and the flags can say, with every default.
///
/// A value: whoever has one keeps it; a reload makes another. Paths in it are absolute, and nothing in it is left to
/// be looked up in the environment.
package struct UploaderConfiguration: Hashable, Sendable {
    package var watch: [WatchConfiguration]
    package var watching = WatchingConfiguration()
    package var segments = SegmentsConfiguration()
    package var spool = SpoolConfiguration()
    package var destinations: [DestinationConfiguration]
    package var redaction = RedactionConfiguration()
    package var privacy = PrivacyConfiguration()
    package var archive: ArchiveConfiguration
    package var merge = MergeConfiguration()
    package var search = SearchConfiguration()
    package var host: HostConfiguration
    package var control: ControlConfiguration
    package var dashboard = DashboardConfiguration()
    package var log = LogConfiguration()

    package init(
        watch: [WatchConfiguration], destinations: [DestinationConfiguration], archivePath: String, hostLabel: String,
        controlSocket: String
    ) {
        self.watch = watch
        self.destinations = destinations
        archive = ArchiveConfiguration(path: archivePath)
        host = HostConfiguration(label: hostLabel)
        control = ControlConfiguration(socket: controlSocket)
    }

    /// What is in force when the file is empty and neither flags nor the environment say anything of ours.
    ///
    /// - Parameter home: `nil` when there is none: then no agent's root is known.
    package static func defaults(
        directories: Directories, home: String?, hostName: String, environment: [String: String]
    ) -> UploaderConfiguration {
        UploaderConfiguration(
            watch: home.map { defaultWatch(home: $0, environment: environment) } ?? [],
            destinations: [.local(store: directories.store)], archivePath: directories.archive, hostLabel: hostName,
            controlSocket: directories.controlSocket)
    }

    /// The roots of every agent that this version knows, existing or not.
    package static func defaultWatch(home: String, environment: [String: String]) -> [WatchConfiguration] {
        Agent.available.flatMap { agent in
            agent.defaultRoots(home: home, environment: environment).map {
                WatchConfiguration(agent: agent, root: $0, isDefault: true)
            }
        }
    }
}

package struct WatchingConfiguration: Hashable, Sendable {
    /// Jittered, besides inotify.
    package var rescan: Duration = .seconds(3600)
    /// Only for directories without inotify.
    package var poll: Duration = .milliseconds(500)

    package init() {}
}

package struct SegmentsConfiguration: Hashable, Sendable {
    /// A longer line is withheld, with a health entry.
    package var maxLine: ByteCount = .mebi(256)
    /// Uncompressed.
    package var maxBytes: ByteCount = .mebi(8)
    package var maxLines = 10_000
    /// Since the segment's first line.
    package var maxAge: Duration = .seconds(60)
    /// Without a new line.
    package var quiet: Duration = .seconds(5)
    package var codec: Codec = .gzip
    /// 1…12 for gzip (libdeflate), 1…19 for zstd.
    package var level = 6

    package init() {}
}

package struct SpoolConfiguration: Hashable, Sendable {
    /// Full: reading waits, nothing is lost, health says so.
    package var maxBytes: ByteCount = .gibi(4)

    package init() {}
}

package struct RedactionConfiguration: Hashable, Sendable {
    package var enabled = true
    package var defaultRules = true
    package var rules: [RedactionRuleConfiguration] = []
    /// Expressions; what one of them matches as a whole is no secret.
    package var allow: [String] = []

    package init() {}

    /// Nothing is looked for: every line passes as it is.
    package var isNone: Bool { !enabled || !defaultRules && rules.isEmpty }
}

/// What is wrong with a rule or an expression that the configuration has.
package struct RedactionProblem: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        /// The place in `rules`, from 0.
        case rule(Int)
        case allow
    }

    package var subject: Subject
    package var message: String
    package var hint: String?

    package init(_ subject: Subject, _ message: String, hint: String?) {
        self.subject = subject
        self.message = message
        self.hint = hint
    }
}

/// A redaction rule of the user's own: a pattern, a JSON field, or both.
package struct RedactionRuleConfiguration: Hashable, Sendable {
    package var name: String
    package var pattern: String
    package var type: String
    package var keywords: [String]
    package var field: String

    package init(name: String, pattern: String, type: String, keywords: [String], field: String) {
        self.name = name
        self.pattern = pattern
        self.type = type
        self.keywords = keywords
        self.field = field
    }
}

package struct PrivacyConfiguration: Hashable, Sendable {
    /// Sessions whose working directory lies there are never uploaded.
    package var excludeDirectories: [String] = []
    /// Globs over the remote's URL.
    package var excludeRepositories: [String] = []
    /// Directories or remotes' URLs; when there are any, nothing else is uploaded.
    package var includeOnly: [String] = []
    /// Sessions of these agents are never uploaded.
    package var excludeAgents: [String] = []

    package init() {}
}

package struct ArchiveConfiguration: Hashable, Sendable {
    package var enabled = false
    package var path: String
    package var inactive: Duration = .seconds(7 * 86_400)
    package var every: Duration = .seconds(3600)
    package var maxBytes: ByteCount = .gibi(2)

    package init(path: String) { self.path = path }
}

package struct MergeConfiguration: Hashable, Sendable {
    package var enabled = true

    package init() {}
}

package struct SearchConfiguration: Hashable, Sendable {
    package var enabled = true
    package var maxBytes: ByteCount = .gibi(1)

    package init() {}
}

package struct HostConfiguration: Hashable, Sendable {
    /// What manifests call this machine; the host name unless configured.
    package var label: String

    package init(label: String) { self.label = label }
}

package struct ControlConfiguration: Hashable, Sendable {
    package var socket: String

    package init(socket: String) { self.socket = socket }
}

package struct DashboardConfiguration: Hashable, Sendable {
    package var enabled = true
    /// An IP address, or `localhost`.
    package var bind = "127.0.0.1"
    /// 0: any.
    package var port = 4333
    /// A directory that is served instead of the built-in page (`--ui-dist`).
    package var page: String?

    package init() {}
}

package struct LogConfiguration: Hashable, Sendable {
    package var level: Priority = .info

    package init() {}
}
