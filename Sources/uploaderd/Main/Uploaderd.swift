import Configuration
import Engine
import Glibc
import LinuxSystem
import Redaction
import Shared

/// The daemon's beginning: reads what it is told, and becomes one of the programs that it can be.
@main struct Uploaderd {
    static func main() {
        Process.fillStandardStreams()
        Process.restrictFileModes()
        Process.forbidDumps()
        let arguments = Array(CommandLine.arguments.dropFirst())
        ArgumentSecrets.overwrite(CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        let input = ConfigurationInput(
            arguments: arguments, environment: Machine.environment, workingDirectory: Machine.workingDirectory,
            processID: Process.id, hostName: Machine.hostName,
            ruleCheck: RuleCheck.problems(of:))
        switch ConfigurationLoad.read(input) {
        case .help(let text): exit(Terminal.answer(text, ExitCode.done))
        case .version: exit(Terminal.answer("uploaderd \(Product.version)\n", ExitCode.done))
        case .refused(let problems):
            Terminal.writeError(ProblemList.text(problems))
            exit(ExitCode.usage)
        case .loaded(let loaded):
            if loaded.options.check {
                let text = ProblemList.text(loaded.notices) + "\(loaded.file ?? "the defaults"): no problems\n"
                exit(Terminal.answer(text, ExitCode.done))
            }
            if let file = loaded.options.redact { exit(RedactReport.run(on: file, loaded)) }
            if loaded.options.rules { exit(RulesReport.run(loaded)) }
            exit(loaded.options.dryRun ? DryRun.run(loaded) : Daemon.run(loaded, input))
        }
    }
}

/// What a process ends with; the same for both programs.
enum ExitCode {
    static let done: Int32 = 0
    static let usage: Int32 = 2
    static let refused: Int32 = 4
    static let partly: Int32 = 5
    static let failed: Int32 = 6
}

enum ProblemList {
    /// A problem a line, its cure below it.
    static func text(_ problems: [ConfigurationProblem]) -> String {
        problems.map { problem in
            let hint = problem.hint.map { "\n    \(TerminalText.escaped($0))" } ?? ""
            return "\(TerminalText.escaped(problem.description))\(hint)\n"
        }.joined()
    }
}
