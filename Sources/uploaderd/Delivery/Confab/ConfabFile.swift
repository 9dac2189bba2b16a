import Shared

/// A file of a session at a confab server: what its own client calls the one that a stream is read from.
///
///     stream                          file                                   type
///     main                            <sid>.jsonl                            transcript
///     main of a Codex session         rollout-<time>-<sid>.jsonl             transcript
///     agents/<id>                     agent-<id>.jsonl                       agent
///     workflows/<run>/agents/<id>     workflows/<run>/agent-<id>.jsonl       agent
///     workflows/<run>/journal         workflows/<run>/journal.jsonl          workflow_journal
///     anything else                   <stream>.jsonl                         agent
///     generation 3 of main            <sid>.g3.jsonl                         transcript
///
/// Lines there are never replaced, so a further generation is a file of its own.
struct ConfabFile: Hashable, Sendable {
    enum Kind: String, Sendable {
        case transcript, agent
        case journal = "workflow_journal"
    }

    let name: String
    let kind: Kind
    /// It belongs to a workflow, which only newer servers take.
    let isOfWorkflow: Bool

    init(_ stream: StreamName, of session: SessionID, generation: Int, _ facts: SessionFacts) {
        let parts = stream.rawValue.split(separator: "/").map { StoreName.escaped(String($0)) }
        let stem: String
        isOfWorkflow = parts.count > 2 && parts[0] == "workflows"
        if stream == .main {
            (stem, kind) = (Self.transcript(of: session, facts), .transcript)
        } else if parts.count > 1, parts[parts.count - 2] == "agents" {
            (stem, kind) = ((parts.dropLast(2) + ["agent-\(parts[parts.count - 1])"]).joined(separator: "/"), .agent)
        } else {
            stem = parts.joined(separator: "/")
            kind = isOfWorkflow && parts.last == "journal" ? .journal : .agent
        }
        // The server takes 512 bytes.
        let short = stem.utf8.count <= 480 ? stem : StoreName.escaped(stem)
        name = generation > 1 ? "\(short).g\(generation).jsonl" : "\(short).jsonl"
    }

    /// Without `.jsonl`. A Codex file has more than the session's id in its name, and keeps that when it is moved.
    private static func transcript(of session: SessionID, _ facts: SessionFacts) -> String {
        let plain = StoreName.escaped(session.rawValue)
        guard facts.agent == .codex, let last = facts.sourcePath?.split(separator: "/").last else { return plain }
        let stem = last.split(separator: ".jsonl", maxSplits: 1, omittingEmptySubsequences: false)[0]
        return stem.hasPrefix("rollout-") && stem.hasSuffix(plain) ? StoreName.escaped(String(stem)) : plain
    }

    /// How the server calls the agent. Of those that it does not know the name goes as it is: it says what it takes.
    static func provider(_ agent: Agent?) -> String {
        switch agent {
        case .claude, nil: "claude-code"
        case .codex: "codex"
        case .gemini: "gemini"
        case .copilot: "copilot"
        case .pi: "pi"
        case .generic: "generic"
        }
    }
}
