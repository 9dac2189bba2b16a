import Shared

/// A table of the file while its keys are being asked for; who asks for a key makes it known.
struct SettingsScope {
    /// `segments`, `destination.archive`; "" for the root.
    var name: String
    /// Of its header, for what is about no key of it.
    var origin: ConfigurationOrigin
    /// Under which names flags and variables set keys of this table.
    var overrideNames: [String]
    fileprivate(set) var members: [TomlMember]
    fileprivate var known: [String] = []

    init(name: String, origin: ConfigurationOrigin, members: [TomlMember], overrideNames: [String]? = nil) {
        self.name = name
        self.origin = origin
        self.members = members
        self.overrideNames = overrideNames ?? [name]
    }

    func path(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }

    func member(_ key: String) -> TomlMember? { members.first { $0.key == key } }
}

/// Asks the file, the environment and the flags for one key after the other; collects every problem and where each
/// effective value came from.
struct SettingsReader {
    let file: String
    let overrides: Overrides
    var problems: [ConfigurationProblem] = []
    private(set) var entries: [ConfigurationEntry] = []

    init(file: String, overrides: Overrides) {
        self.file = file
        self.overrides = overrides
    }

    func origin(line: Int) -> ConfigurationOrigin { .file(path: file, line: line) }

    /// Where an effective value that was asked for came from.
    func origin(of path: String) -> ConfigurationOrigin {
        entries.first { $0.key == path }?.origin ?? .default
    }

    /// The effective values in the order of config/uploaderd.toml, the directories last.
    var orderedEntries: [ConfigurationEntry] {
        let order = [
            "watch", "watching", "segments", "spool", "destination", "redaction", "privacy", "archive", "merge",
            "search", "host", "control", "dashboard", "log", "directory",
        ]
        return order.flatMap { section in
            entries.filter { $0.key.prefix { $0 != "." && $0 != "[" } == section }
        }
    }

    mutating func refuse(_ origin: ConfigurationOrigin, _ key: String, _ message: String, hint: String?) {
        problems.append(ConfigurationProblem(origin, key: key, message, hint: hint))
    }

    mutating func note<Value>(_ path: String, _ value: Value, _ form: ValueForm<Value>, _ origin: ConfigurationOrigin) {
        let entry = ConfigurationEntry(key: path, value: form.shown(value), origin: origin)
        if let index = entries.firstIndex(where: { $0.key == path }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    /// The effective value of a key, or `default` when nobody sets it or what is set is refused.
    mutating func value<Value>(
        _ key: String, in scope: inout SettingsScope, _ form: ValueForm<Value>, else default: Value
    ) -> Value {
        let (value, origin) = effective(key, in: &scope, form) ?? (`default`, .default)
        note(scope.path(key), value, form, origin)
        return value
    }

    /// The same for a key without a default; it is not shown when nobody sets it.
    mutating func value<Value>(
        _ key: String, in scope: inout SettingsScope, _ form: ValueForm<Value>
    ) -> Value? {
        guard let (value, origin) = effective(key, in: &scope, form) else { return nil }
        note(scope.path(key), value, form, origin)
        return value
    }

    /// The same for a key that the place must have.
    mutating func required<Value>(
        _ key: String, in scope: inout SettingsScope, _ form: ValueForm<Value>, example: String
    ) -> Value? {
        let before = problems.count
        let found = value(key, in: &scope, form)
        if found == nil, problems.count == before {
            refuse(scope.origin, scope.path(key), "it is missing", hint: "add \(key) = \(example)")
        }
        return found
    }

    /// A value that only a flag or a variable can set.
    mutating func overridden<Value>(
        _ key: String, in scope: SettingsScope, _ form: ValueForm<Value>
    ) -> (Value, ConfigurationOrigin)? {
        read(candidates(key, in: scope, withFile: false), scope.path(key), form)
    }

    private mutating func effective<Value>(
        _ key: String, in scope: inout SettingsScope, _ form: ValueForm<Value>
    ) -> (Value, ConfigurationOrigin)? {
        scope.known.append(key)
        return read(candidates(key, in: scope, withFile: true), scope.path(key), form)
    }

    /// Every candidate is read, so that a mistake is heard of even where something else wins.
    private mutating func read<Value>(
        _ candidates: [Override], _ path: String, _ form: ValueForm<Value>
    ) -> (Value, ConfigurationOrigin)? {
        var best: (Value, ConfigurationOrigin)?
        for candidate in candidates {
            do throws(Refusal) {
                best = (try form.read(candidate.value), candidate.origin)
            } catch {
                refuse(candidate.origin, path, error.message, hint: error.hint)
            }
        }
        return best
    }

    /// The lowest first.
    private func candidates(_ key: String, in scope: SettingsScope, withFile: Bool) -> [Override] {
        var all = scope.overrideNames.flatMap { overrides[$0.isEmpty ? key : "\($0).\(key)"] }
        all.sort { $0.origin.precedence < $1.origin.precedence }
        if withFile, let member = scope.member(key) {
            all.insert(Override(value: member.node.value, origin: origin(line: member.line)), at: 0)
        }
        return all
    }

    /// A key that is read elsewhere.
    func know(_ key: String, in scope: inout SettingsScope) { scope.known.append(key) }

    /// The table `[key]` of `scope`; an empty one when it is not there or is no table.
    mutating func table(_ key: String, in scope: inout SettingsScope) -> SettingsScope {
        scope.known.append(key)
        let path = scope.path(key)
        guard let member = scope.member(key) else {
            return SettingsScope(name: path, origin: .file(path: file, line: 0), members: [])
        }
        let place = origin(line: member.line)
        if case .table(let members) = member.node.value {
            return SettingsScope(name: path, origin: place, members: members)
        }
        refuse(
            place, path, "expected a table, found \(member.node.value.found)",
            hint: "write [\(path)], and its keys below")
        return SettingsScope(name: path, origin: place, members: [])
    }

    /// Of one kind: every two of them are compared.
    private static let mostTables = 200

    /// The tables `[[key]]` of `scope`, each named by its number from 1.
    mutating func tables(_ key: String, in scope: inout SettingsScope) -> [SettingsScope] {
        scope.known.append(key)
        guard let member = scope.member(key) else { return [] }
        let path = scope.path(key)
        guard case .array(let elements) = member.node.value else {
            refuse(
                origin(line: member.line), path, "expected tables, found \(member.node.value.found)",
                hint: "write [[\(path)]] with double brackets, once for each")
            return []
        }
        if elements.count > Self.mostTables {
            refuse(
                origin(line: member.line), path, "there are more than \(Self.mostTables)",
                hint: "take some out; one root or rule can stand for many")
        }
        var scopes: [SettingsScope] = []
        for (index, element) in elements.prefix(Self.mostTables).enumerated() {
            let name = "\(path)[\(index + 1)]"
            if case .table(let members) = element.value {
                scopes.append(SettingsScope(name: name, origin: origin(line: element.line), members: members))
            } else {
                refuse(
                    origin(line: element.line), name, "expected a table, found \(element.value.found)",
                    hint: "write [[\(path)]] with double brackets, once for each")
            }
        }
        return scopes
    }

    /// Reports the keys that nobody asked for.
    ///
    /// - Parameter elsewhere: says where a key belongs that is known in other tables of the kind.
    mutating func close(_ scope: SettingsScope, elsewhere: (String) -> String? = { _ in nil }) {
        for member in scope.members where !scope.known.contains(member.key) {
            let hint: String
            if let place = elsewhere(member.key) {
                hint = place
            } else if let nearest = NearestName.suggestion(for: member.key, among: scope.known) {
                hint = "did you mean \"\(nearest)\"?"
            } else {
                hint = "take it out; known here: \(Set(scope.known).sorted().joined(separator: ", "))"
            }
            // A foreign name that ends up on a terminal, quoted where it is not a plain word.
            let name = ValueForm<String>.isName(member.key) ? member.key : TomlText.quoted(member.key)
            refuse(origin(line: member.line), scope.path(name), "there is no such key", hint: hint)
        }
    }
}
