import LinuxSystem
import Shared

/// `import-queue` of agent-uploader's spool.
extension Command {
    /// Exit code 5 when something was left. Files are read and stay: what is imported again is known by then.
    static func importSpool(_ spool: AgentUploaderSpool, _ context: Context) throws(ClientError) -> ExitCode {
        let daemon = try context.connect()
        var total = ImportedSpool()
        total.passedOver = spool.passedOver
        total.notTaken = spool.left
        for (sid, segments) in spool.sessions.sorted(by: { $0.key < $1.key }) {
            let session = try SpooledSession(sid, segments, in: spool.folder)
            total.notTaken += session.left
            guard session.size > 0 else { continue }
            let request = ImportSessionRequest(
                sid: sid, agent: session.agent, path: "\(spool.folder)/\(StoreName.escaped(sid.rawValue)).jsonl")
            do throws(ClientError) {
                try daemon.ask(.importSession(request), for: "import-queue", passing: session.file) {
                    (reply) throws(ClientError) in
                    total.add(try daemon.decoded(reply), segments: session.segments)
                }
            } catch {
                // One that cannot be taken now keeps no other out.
                guard error.code == .no || error.code == .failed || error.code == .refused else { throw error }
                total.notTaken.append("session \(sid) is left: \(error.sentence)")
            }
        }
        if context.json {
            try context.writeJSON(total)
        } else {
            try context.say(
                "\(Amounts.count(total.taken, "session")) taken from \(Amounts.count(total.segments, "segment")), "
                    + "\(Amounts.count(total.lines, "new line")); \(total.watched) have files of their own, "
                    + "\(total.privates) private")
            for sentence in total.notTaken {
                context.console.note("uploaderctl: \(TerminalText.escaped(sentence))\n")
            }
        }
        return total.notTaken.isEmpty ? .done : .partlyDone
    }

    private struct ImportedSpool: Encodable {
        var taken = 0
        var segments = 0
        var lines = 0
        var watched = 0
        var privates = 0
        var passedOver = 0
        var notTaken: [String] = []

        mutating func add(_ reply: ImportSessionReply, segments: Int) {
            notTaken += reply.notTaken
            switch reply.outcome {
            case .taken:
                taken += 1
                self.segments += segments
                lines += reply.lines
            case .private: privates += 1
            case .watched: watched += 1
            }
        }

        enum CodingKeys: String, CodingKey {
            case taken, segments, lines, watched
            case privates = "private"
            case passedOver = "passed_over"
            case notTaken = "not_taken"
        }
    }
}
