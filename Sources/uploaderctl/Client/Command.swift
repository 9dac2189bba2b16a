/// One thing that uploaderctl can do: what it is called, what it takes, and what it does.
///
/// The table of them (`Command.all`) is what the parser, the help and the completions are made from.
package struct Command: Sendable {
    /// What begins with two dashes, and its value.
    package struct Option: Sendable {
        package let name: String
        /// What the value is called in the help; `nil`: a flag.
        package let value: String?
        package let summary: String
        /// What the value can be, for completions.
        package let choices: [String]

        package init(_ name: String, _ value: String? = nil, _ summary: String, choices: [String] = []) {
            self.name = name
            self.value = value
            self.summary = summary
            self.choices = choices
        }
    }

    /// A word that stands behind the command.
    package struct Operand: Sendable {
        /// What it names, for completions.
        package enum Kind: Sendable { case session, path, sessionOrPath, command, word([String]) }

        package let name: String
        package let isRequired: Bool
        package let kind: Kind

        package init(_ name: String, _ kind: Kind, isRequired: Bool = true) {
            self.name = name
            self.kind = kind
            self.isRequired = isRequired
        }
    }

    /// One word, or two: `config check`.
    package let name: String
    package let summary: String
    package let operands: [Operand]
    package let options: [Option]
    package let run: @Sendable (Context) throws(ClientError) -> ExitCode

    package init(
        _ name: String, _ summary: String, operands: [Operand] = [], options: [Option] = [],
        run: @escaping @Sendable (Context) throws(ClientError) -> ExitCode
    ) {
        self.name = name
        self.summary = summary
        self.operands = operands
        self.options = options
        self.run = run
    }

    /// One line: the command with all that it takes.
    package var usage: String {
        var words = ["uploaderctl", name]
        for operand in operands { words.append(operand.isRequired ? operand.name : "[\(operand.name)]") }
        for option in options { words.append("[--\(option.name)\(option.value.map { " \($0)" } ?? "")]") }
        return words.joined(separator: " ")
    }

    /// What every command takes.
    package static let common: [Option] = [
        Option("json", "one JSON object; for lists one a line"),
        Option("quiet", "only what was asked for: no headings, notes or progress"),
        Option("no-color", "no colours on a terminal ($NO_COLOR does the same)"),
        Option("socket", "PATH", "the daemon's control socket ($UPLOADERD_SOCKET)"),
        Option("help", "what the command takes"),
        Option("version", "the version of uploaderctl"),
    ]

    /// Every command of this version.
    package static let all: [Command] = [
        .status, .sessions, .show, .replay, .restore, .resolve, .flush, .reload, .verify, .audit, .redact, .rules,
        .pause, .resume, .limit, .quarantineList, .quarantineRetry, .quarantineDrop,
        .privateAdd, .privateRemove, .privateList, .forget, .resend, .link, .capture, .hooksInstall, .hooksRemove,
        .hooksShow,
        .importQueue, .configCheck, .configShow, .completions, .version, .help,
    ]
}

extension Command.Option {
    fileprivate init(_ name: String, _ summary: String) { self.init(name, nil, summary) }
}
