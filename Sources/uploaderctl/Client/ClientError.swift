package import Shared

/// What an exit status of uploaderctl means; docs/operations.md lists them.
package enum ExitCode: Int32, Sendable {
    case done = 0
    /// The answer is no: unhealthy, not found, verification failed.
    case no = 1
    case usage = 2
    /// The daemon cannot be reached.
    case unreachable = 3
    case refused = 4
    case partlyDone = 5
    /// A disk or a far end failed.
    case failed = 6
}

/// Why a command ends without an answer. Its code is the exit status.
package struct ClientError: Error, Sendable {
    package var code: ExitCode
    package var message: String
    package var hint: String?
    package var cause: String?
    package var problems: [ProblemMessage]

    package init(
        _ code: ExitCode, _ message: String, hint: String? = nil, cause: String? = nil, problems: [ProblemMessage] = []
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
        self.problems = problems
    }

    /// Whoever read our output has had enough: no error, and nothing more to do.
    package static let outputClosed = ClientError(.done, "")
    package var isOutputClosed: Bool { code == .done }

    /// The message, and what caused it.
    package var sentence: String { cause.map { "\(message): \($0)" } ?? message }

    /// What the daemon answered, to the given question.
    package init(_ error: ControlError, asking what: String) {
        let code: ExitCode
        var hint = error.hint
        var message = error.sentence
        switch error.code {
        case .noSuchSession:
            code = .no
            hint = hint ?? "uploaderctl sessions lists those that are known here"
        case .noMatch, .invalidConfiguration: code = .no
        case .backendError, .damaged: code = .failed
        case .busy, .refused: code = .refused
        case .permissionDenied:
            code = .refused
            message = "the daemon refuses: \(error.sentence)"
            hint = hint ?? "as root: runuser -u USER -- uploaderctl …"
        case .invalidParameter(let name):
            code = .usage
            message = "the daemon does not accept the \(name) of \(what)"
            hint = hint ?? "uploaderctl help \(what)"
        case .methodNotFound, .methodNotImplemented, .interfaceNotFound, .expectedMore, .badRequest, .badReply,
            .unknown:
            code = .failed
            message = "the daemon did not understand \(what): \(error.sentence)"
            hint = hint ?? "uploaderctl version shows whether both sides are of one version"
        case .disconnected:
            code = .unreachable
            message = "the daemon closed the connection during \(what)"
            hint = hint ?? "journalctl --user -u uploaderd shows why"
        }
        self.init(code, message, hint: hint, problems: error.problems)
    }
}
