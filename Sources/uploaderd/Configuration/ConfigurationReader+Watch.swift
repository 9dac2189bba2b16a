import LinuxSystem
import Shared

extension ConfigurationReader {
    /// The watched roots: those of the flags or the environment, else the file's, else the known agents'.
    ///
    /// - Parameter ours: places that we write, which no root may take for sessions.
    mutating func watch(_ scopes: [SettingsScope], ours: [String]) -> [WatchConfiguration] {
        // The file is read even where flags take its place: mistakes in it are heard of.
        let filed = scopes.flatMap { watchTable($0) }
        let given = settings.overrides.watch.compactMap { watchOverride($0) }
        var all = given.isEmpty ? filed : given
        let nobodyAsked = scopes.isEmpty && settings.overrides.watch.isEmpty
        if nobodyAsked {
            all =
                home.map {
                    UploaderConfiguration.defaultWatch(home: $0, environment: environment).map {
                        Watched($0, movedBy($0.agent, home).map { .environment($0) } ?? .default, "watch")
                    }
                } ?? []
            if home == nil {
                settings.refuse(
                    .environment("HOME"), "watch", "the home directory is not known, so neither are the agents' roots",
                    hint: "set HOME to an absolute path, or write [[watch]] with a root")
            }
            for agent in Agent.available {
                guard let variable = agent.folderVariable, let value = environment[variable], !value.isEmpty,
                    movedBy(agent, home) == nil
                else { continue }
                notices.append(
                    ConfigurationProblem(
                        .environment(variable), key: "watch",
                        "it is not an absolute path, so \(agent)'s usual root is watched",
                        hint: "make it absolute, or write [[watch]] with a root"))
            }
        }
        refuseTwins(all)
        let result = all.enumerated().map { index, watched in
            let apart = withoutOurs(watched, ours)
            note(apart, watched.origin, number: index + 1)
            return apart
        }
        return withSessionID(result)
    }

    /// The variable that has moved the agent's folder.
    private func movedBy(_ agent: Agent, _ home: String?) -> String? {
        agent.folderVariable.flatMap { variable in
            environment[variable].flatMap { PathText.absolute($0, home: home) } == nil ? nil : variable
        }
    }

    /// A root, and what to blame for it.
    private struct Watched {
        var watch: WatchConfiguration
        var origin: ConfigurationOrigin
        var key: String

        init(_ watch: WatchConfiguration, _ origin: ConfigurationOrigin, _ key: String) {
            self.watch = watch
            self.origin = origin
            self.key = key
        }
    }

    /// One [[watch]]; several roots when it names only an agent that has several.
    private mutating func watchTable(_ table: SettingsScope) -> [Watched] {
        var scope = table
        var quiet = settings
        let before = quiet.problems.count
        let agent = quiet.value("agent", in: &scope, .oneOf, else: Agent.generic)
        let root = quiet.value("root", in: &scope, .path(home: home))
        let include = quiet.value("include", in: &scope, .list(example: "\"**/*.jsonl\"", of: .glob))
        let exclude = quiet.value("exclude", in: &scope, .list(example: "\"old/**\"", of: .glob)) ?? []
        quiet.close(scope)
        let isWhole = quiet.problems.count == before
        // Entries are made later, with the numbers of the effective list.
        settings.problems = quiet.problems
        guard isAvailable(agent, quiet.origin(of: scope.path("agent")), scope.path("agent")), isWhole else { return [] }
        if include?.isEmpty == true {
            settings.refuse(
                scope.origin, scope.path("include"), "nothing is included, so nothing would be watched",
                hint: "take the key out for the agent's own files, or write [\"**/*.jsonl\"]")
        }
        let roots = root.map { [$0] } ?? home.map { agent.defaultRoots(home: $0, environment: environment) } ?? []
        if roots.isEmpty {
            settings.refuse(
                scope.origin, scope.path("root"), "it is missing", hint: "add root = \"~/…\", the directory to watch")
        }
        return roots.map {
            Watched(
                WatchConfiguration(agent: agent, root: $0, include: include, exclude: exclude), scope.origin, scope.name
            )
        }
    }

    private mutating func watchOverride(_ given: WatchOverride) -> Watched? {
        switch given.subject {
        case .file(let path):
            guard let slash = path.lastIndex(of: "/"), path.hasPrefix("/"), path.count > 1 else {
                settings.refuse(given.origin, "", "it does not name a file", hint: "give the path of one file")
                return nil
            }
            let folder = slash == path.startIndex ? "/" : String(path[..<slash])
            let name = String(path[path.index(after: slash)...])
            return Watched(
                WatchConfiguration(agent: .generic, root: folder, include: [], file: name), given.origin, "")
        case .unclear(let text):
            settings.refuse(
                given.origin, "", "\(TomlText.quoted(text)) is not AGENT:DIR",
                hint: "write the agent before the directory, as in claude:~/.claude/projects")
            return nil
        case .root(let name, let path):
            let names = Agent.allCases.map(\.rawValue)
            guard let agent = Agent(rawValue: name) else {
                let nearest = NearestName.suggestion(for: name, among: names)
                settings.refuse(
                    given.origin, "", "\(TomlText.quoted(name)) is none of \(names.joined(separator: ", "))",
                    hint: nearest.map { "did you mean \"\($0)\"?" } ?? "use generic for any other JSON lines")
                return nil
            }
            guard isAvailable(agent, given.origin, "") else { return nil }
            do throws(Refusal) {
                let root = try ValueForm<String>.path(home: home).read(.string(path))
                var watch = WatchConfiguration(agent: agent, root: root)
                watch.isNamed = true
                return Watched(watch, given.origin, "")
            } catch {
                settings.refuse(given.origin, "", error.message, hint: error.hint)
                return nil
            }
        }
    }

    private mutating func isAvailable(_ agent: Agent, _ origin: ConfigurationOrigin, _ key: String) -> Bool {
        if Agent.available.contains(agent) { return true }
        let all = Agent.available.map(\.rawValue).joined(separator: ", ")
        settings.refuse(
            origin, key, "agent \"\(agent.rawValue)\" is not available in this version; available: \(all)",
            hint: "take this root out, or watch it as generic")
        return false
    }

    private mutating func refuseTwins(_ all: [Watched]) {
        for (index, twin) in all.enumerated() {
            let isTwin = all[..<index].contains {
                $0.watch.agent == twin.watch.agent && $0.watch.root == twin.watch.root
                    && $0.watch.file == twin.watch.file
            }
            if isTwin {
                settings.refuse(
                    twin.origin, twin.key, "\(twin.watch.root) is watched twice for \(twin.watch.agent)",
                    hint: "take one of them out")
            }
        }
    }

    /// Where we write ourselves: what lies there is no agent's session, even if it looks like one.
    func ownPlaces(of all: UploaderConfiguration) -> [String] {
        var places = [directories.state, directories.spool, directories.cache, all.archive.path]
        for destination in all.destinations {
            if case .directory(let path, _) = destination.place { places.append(path) }
        }
        return Set(places).filter { place in
            !places.contains { PathText.relative(place, to: $0) != nil }
        }.sorted()
    }

    /// The root without the places that are ours: what we store would come back as a session, and be stored again.
    private mutating func withoutOurs(_ watched: Watched, _ ours: [String]) -> WatchConfiguration {
        var watch = watched.watch
        guard watch.file == nil else { return watch }
        // What a link leads to counts, not what it is called.
        let root = Files.resolved(watch.root)
        for place in ours {
            let real = Files.resolved(place)
            if real == root || PathText.relative(root, to: real) != nil {
                settings.refuse(
                    watched.origin, watched.key, "\(watch.root) lies in \(place), where uploaderd itself writes",
                    hint: "watch another directory, or keep our files elsewhere")
            } else if let inside = PathText.relative(real, to: root) {
                guard !inside.contains(where: { "*?[]{}\\!".contains($0) }) else {
                    settings.refuse(
                        watched.origin, watched.key,
                        "\(place), where uploaderd itself writes, lies in \(watch.root) and cannot be left out",
                        hint: "keep our files elsewhere: their path holds characters of globs")
                    continue
                }
                if !watch.exclude.contains("\(inside)/**") { watch.exclude.append("\(inside)/**") }
            }
        }
        return watch
    }

    private mutating func note(_ watch: WatchConfiguration, _ origin: ConfigurationOrigin, number: Int) {
        let name = "watch[\(number)]"
        settings.note("\(name).agent", watch.agent, .oneOf, origin)
        if let file = watch.file {
            settings.note("\(name).file", "\(watch.root == "/" ? "" : watch.root)/\(file)", .path(home: nil), origin)
        } else {
            settings.note("\(name).root", watch.root, .path(home: nil), origin)
            settings.note("\(name).include", watch.include, .list(example: "", of: .glob), origin)
            settings.note("\(name).exclude", watch.exclude, .list(example: "", of: .glob), origin)
        }
    }

    /// `--sid` belongs to the one file; "auto" means the file's name says it.
    private mutating func withSessionID(_ all: [WatchConfiguration]) -> [WatchConfiguration] {
        guard let given = settings.overrides.sid, case .string(let text) = given.value, text != "auto" else {
            return all
        }
        guard let sid = SessionID(text) else {
            settings.refuse(
                given.origin, "", "it is not a session id",
                hint: "use 1 to 512 bytes without white space or control characters, or auto")
            return all
        }
        guard let index = all.firstIndex(where: { $0.file != nil }) else {
            let problem = ConfigurationProblem(
                given.origin, key: "", "it is the session of one file, and none is given",
                hint: "give the file with --file, or take the session id out")
            // A flag is meant; a variable may be meant for another program.
            if problem.isUsage { settings.problems.append(problem) } else { notices.append(problem) }
            return all
        }
        var result = all
        result[index].sid = sid
        settings.note("watch[\(index + 1)].sid", sid.rawValue, .line(longest: 512), given.origin)
        return result
    }
}
