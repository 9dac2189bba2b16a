import Shared

/// An error as it is told on standard error: what happened, to what, and what to do about it.
enum ErrorText {
    static func text(of error: ClientError) -> String {
        var out = "uploaderctl: \(TerminalText.escaped(error.sentence))\n"
        for problem in error.problems {
            let place = [problem.origin, problem.key].filter { !$0.isEmpty }.joined(separator: ": ")
            out += "  \(TerminalText.escaped(place.isEmpty ? problem.message : "\(place): \(problem.message)"))\n"
            if let hint = problem.hint { out += "    \(TerminalText.escaped(hint))\n" }
        }
        if let hint = error.hint { out += "  \(TerminalText.escaped(hint))\n" }
        return out
    }
}
