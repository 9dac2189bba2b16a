import Shared

/// An answer that comes several times while something is done, and says which destinations are waited for.
protocol WaitedAnswer: Codable, Sendable {
    var waitingFor: [String] { get }
}

extension AddPrivateReply: WaitedAnswer {}
extension ForgetReply: WaitedAnswer {}
extension ResendReply: WaitedAnswer {}

extension Context {
    /// Asks for what may take long. Whenever others are waited for it says so, unless only the answer was asked for.
    ///
    /// - Parameter limit: how long to wait; the daemon goes on afterwards.
    /// - Returns: the last answer, and whether the limit passed before it was over.
    func await<Answer: WaitedAnswer>(
        _ request: ControlRequest, for what: String, limit: Duration?, saying waiting: ([String]) -> String
    ) throws(ClientError) -> (last: Answer, isLate: Bool) {
        let daemon = try connect()
        if let limit { daemon.limitAnswers(to: limit) }
        var last: Answer?
        var isLate = false
        do throws(ClientError) {
            try daemon.ask(request, for: what) { (reply) throws(ClientError) in
                let now: Answer = try daemon.decoded(reply)
                if reply.continues, !now.waitingFor.isEmpty, now.waitingFor != last?.waitingFor, !quiet, !json {
                    console.note("uploaderctl: \(TerminalText.escaped(waiting(now.waitingFor)))\n")
                }
                last = now
            }
        } catch {
            guard error.code == .partlyDone, last != nil else { throw error }
            isLate = true
        }
        guard let last else { throw ClientError(.failed, "the daemon did not say how it ended") }
        return (last, isLate)
    }
}
