import Capture
import Digests
import LinuxSystem
import Shared

/// Which sessions the configuration keeps here, by their agent, the directory that they run in and the remotes of its repository. Pure, but for the
/// names that a directory has through links, which are asked of the file system.
struct PrivacyRules: Sendable {
    /// What is known of a session's place.
    struct Place: Sendable, Hashable {
        /// `nil`: no line says it.
        var directory: String?
        /// URLs that the agent's lines name.
        var named: [String] = []
        var remotes: RepositoryRemotes
        /// `nil`: not known, as of what was taken up from a store.
        var agent: Agent?

        /// Looks at the directory; blocks.
        init(directory: String?, git: JSONValue?, agent: Agent? = nil) {
            // What is not absolute, or is a URL, names no directory of this machine: as if no line said one.
            let directory = directory.flatMap { $0.hasPrefix("/") ? $0 : nil }
            self.directory = directory
            self.agent = agent
            named = ["repo_url", "repository"].compactMap { git?[$0]?.text }
            remotes = directory.map { RepositoryRemotes.of(directory: $0) } ?? .unknown
        }
    }

    enum Verdict: Sendable, Hashable {
        case open
        /// A rule keeps it here; the sentence says which.
        case excluded(String)
        /// What would decide is not known; the sentence says what.
        case undecided(String)

        var standing: SessionStanding {
            switch self {
            case .open: .open
            case .excluded: .excluded
            case .undecided: .undecided
            }
        }

        /// Why, where it is not open.
        var rule: String? {
            switch self {
            case .open: nil
            case .excluded(let why), .undecided(let why): why
            }
        }
    }

    private let excludedDirectories: [String]
    private let excludedRemotes: [RemotePattern]
    private let includedDirectories: [String]
    private let includedRemotes: [RemotePattern]
    private let excludedAgents: [String]
    /// Of the rules' words: another one, and every session is judged anew.
    let digest: String

    /// - Returns: `nil` where there are no rules.
    init?(_ configuration: PrivacyConfiguration) {
        var lists = [configuration.excludeDirectories, configuration.excludeRepositories, configuration.includeOnly]
        // Without agents the digest is what it was before there was a rule for them.
        if !configuration.excludeAgents.isEmpty { lists.append(configuration.excludeAgents) }
        guard lists.contains(where: { !$0.isEmpty }) else { return nil }
        excludedDirectories = Self.names(of: configuration.excludeDirectories)
        excludedRemotes = configuration.excludeRepositories.map { RemotePattern($0) }
        includedDirectories = Self.names(of: configuration.includeOnly.filter { $0.hasPrefix("/") })
        includedRemotes = configuration.includeOnly.filter { !$0.hasPrefix("/") }.map { RemotePattern($0) }
        excludedAgents = configuration.excludeAgents
        var running = RunningDigest()
        for list in lists {
            let text = list.map { "\($0.utf8.count):\($0)\n" }.joined() + "\n"
            Array(text.utf8).withUnsafeBytes { running.update($0) }
        }
        digest = String(running.digest().hex.prefix(16))
    }

    func verdict(of place: Place) -> Verdict {
        if let agent = place.agent, excludedAgents.contains(agent.rawValue) {
            return .excluded("its agent is \(agent.rawValue)")
        }
        guard arePlacesJudged else { return .open }
        let directories = place.directory.map { Self.names(of: [$0]) } ?? []
        if let rule = excludedDirectories.first(where: { rule in directories.contains { Self.lies($0, in: rule) } }) {
            return .excluded("its directory lies in \(rule)")
        }
        let urls = place.named + place.urls
        if let rule = excludedRemotes.first(where: { rule in urls.contains(where: rule.matches) }) {
            return .excluded("its repository is one of \(rule)")
        }
        if place.directory == nil { return .undecided("its directory is not known") }
        let isRepositoryKnown = place.remotes != .unknown || !place.named.isEmpty
        let unknownRepository =
            "its directory \(place.directory ?? "") cannot be looked at, so neither can its repository"
        if !excludedRemotes.isEmpty, !isRepositoryKnown { return .undecided(unknownRepository) }
        guard !includedDirectories.isEmpty || !includedRemotes.isEmpty else { return .open }
        let isIncluded =
            includedDirectories.contains { rule in directories.contains { Self.lies($0, in: rule) } }
            || includedRemotes.contains { rule in urls.contains(where: rule.matches) }
        if isIncluded { return .open }
        if !includedRemotes.isEmpty, !isRepositoryKnown { return .undecided(unknownRepository) }
        return .excluded("it is in none of the places of include_only")
    }

    /// Else where a session runs decides nothing, and need not be known.
    private var arePlacesJudged: Bool {
        !excludedDirectories.isEmpty || !excludedRemotes.isEmpty || !includedDirectories.isEmpty
            || !includedRemotes.isEmpty
    }

    private static func lies(_ directory: String, in rule: String) -> Bool {
        directory == rule || rule == "/" || directory.hasPrefix("\(rule)/")
    }

    /// As they are written, and without links: an agent may name either. `..` leads up before any rule is looked at.
    private static func names(of directories: [String]) -> [String] {
        directories.flatMap { text in
            var parts: [Substring] = []
            for part in text.split(separator: "/") where part != "." {
                if part == ".." { _ = parts.popLast() } else { parts.append(part) }
            }
            let plain = "/" + parts.joined(separator: "/")
            // Behind a link `..` leads elsewhere than it seems to.
            let resolved = Files.resolved(text)
            return resolved == plain ? [plain] : [plain, resolved]
        }
    }
}

extension PrivacyRules.Place {
    fileprivate var urls: [String] {
        switch remotes {
        case .urls(let urls): urls
        case .none, .unknown: []
        }
    }
}
