package import Shared

/// What the command line says, taken apart but not judged yet.
package struct CommandLineOptions: Sendable {
    private var given: [CommandLineFlag: [String]] = [:]
    /// Apart from the rest, so that no dump of the options shows it.
    private(set) var supabaseKey: Secret?
    /// agent-uploader's command came first.
    package private(set) var saysWatch = false

    package var help: Bool { has(.help) }
    package var version: Bool { has(.version) }
    package var check: Bool { has(.check) }
    package var once: Bool { has(.once) }
    package var dryRun: Bool { has(.dryRun) }
    /// The file that somebody wants to know of what would be removed.
    package var redact: String? { value(.redact) }
    /// Somebody wants to know what is looked for.
    package var rules: Bool { has(.rules) }
    package var host: Bool { has(.host) }
    package var noRedaction: Bool { has(.noRedaction) }
    package var verbose: Bool { has(.verbose) }

    func has(_ flag: CommandLineFlag) -> Bool { given[flag] != nil }

    /// The last one given wins.
    func value(_ flag: CommandLineFlag) -> String? { given[flag]?.last }

    func values(_ flag: CommandLineFlag) -> [String] { given[flag] ?? [] }

    /// - Parameter arguments: without the program's name.
    /// - Returns: what was understood, and every problem; each one's origin is a flag.
    package static func parse(_ arguments: [String]) -> (CommandLineOptions, [ConfigurationProblem]) {
        var options = CommandLineOptions()
        var problems: [ConfigurationProblem] = []
        var rest = arguments[...]
        options.takeCommand(&rest, &problems)
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts.first.map(String.init) ?? ""
            let attached = parts.count == 2 ? String(parts[1]) : nil
            guard let flag = CommandLineFlag(rawValue: name) ?? shorthand(name) else {
                if argument == "--" { continue }
                problems.append(unknown(name, wasFlag: argument.hasPrefix("-")))
                // What follows an unknown flag is most likely its value, and may be a secret: not a word about it.
                if argument.hasPrefix("-"), attached == nil, let next = rest.first, !next.hasPrefix("-") {
                    rest.removeFirst()
                }
                continue
            }
            guard let placeholder = flag.placeholder else {
                if attached != nil { problems.append(usage(flag, "it takes no value", "write \(flag.rawValue) alone")) }
                options.given[flag, default: []].append("")
                continue
            }
            if let value = attached ?? (rest.first?.hasPrefix("--") == false ? rest.popFirst() : nil) {
                // Arguments are bytes. What is no text in them came to us as this character, and would name another file.
                if value.unicodeScalars.contains("\u{FFFD}") {
                    problems.append(usage(flag, "its value is no UTF-8", "give it in UTF-8"))
                }
                options.take(flag, value)
            } else {
                problems.append(usage(flag, "its value is missing", "write \(flag.rawValue) \(placeholder)"))
            }
        }
        if options.values(.file).count > 1 {
            problems.append(
                usage(.file, "it is given twice, and names one file", "watch their directory: --watch generic:DIR"))
        }
        return (options, problems)
    }

    private mutating func take(_ flag: CommandLineFlag, _ value: String) {
        if flag == .supabaseKey {
            supabaseKey = Secret(value)
        } else {
            given[flag, default: []].append(value)
        }
    }

    private mutating func takeCommand(_ rest: inout ArraySlice<String>, _ problems: inout [ConfigurationProblem]) {
        guard let word = rest.first, !word.hasPrefix("-") else { return }
        switch word {
        case "watch": saysWatch = true
        case "version": given[.version] = [""]
        case "help": given[.help] = [""]
        case "replay", "reload":
            problems.append(
                ConfigurationProblem(
                    .flag(word), key: "", "it is no command of uploaderd", hint: "use `uploaderctl \(word)`"))
        case "host":
            problems.append(
                ConfigurationProblem(
                    .flag(word), key: "", "the dashboard is not available in this version", hint: "take it out"))
        default: return
        }
        rest.removeFirst()
    }

    private static func shorthand(_ name: String) -> CommandLineFlag? {
        switch name {
        case "-h": .help
        case "-V": .version
        default: nil
        }
    }

    private static func usage(_ flag: CommandLineFlag, _ message: String, _ hint: String) -> ConfigurationProblem {
        ConfigurationProblem(.flag(flag.rawValue), key: "", message, hint: hint)
    }

    private static func unknown(_ name: String, wasFlag: Bool) -> ConfigurationProblem {
        let shown = ValueForm<String>.isName(String(name.drop { $0 == "-" })) ? name : TomlText.quoted(name)
        guard wasFlag else {
            return ConfigurationProblem(
                .flag(shown), key: "", "nothing is expected here", hint: "`uploaderd --help` lists the flags")
        }
        let nearest = NearestName.suggestion(for: name, among: CommandLineFlag.allCases.map(\.rawValue))
        return ConfigurationProblem(
            .flag(shown), key: "", "there is no such flag",
            hint: nearest.map { "did you mean \($0)?" } ?? "`uploaderd --help` lists the flags")
    }
}
