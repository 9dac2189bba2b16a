package import Shared

/// Learns what is cheap to know of a session from the first lines of its main stream.
///
/// Bounded (64 lines, 256 KiB), and survives anything: a line that says nothing is one line less. Give it *redacted*
/// lines: what it learns goes into manifests.
///
///     var first = FirstLines(agent: .claude, kind: .transcript)
///     first.take(line)            // until isComplete
///     first.facts.cwd             // "/home/me/project"
package struct FirstLines: Sendable {
    package static let lineLimit = 64
    package static let byteLimit = 256 << 10

    /// What to note of the session. For other kinds than a transcript only the agent's name: a sub-agent's prompt is
    /// not the session's title, nor its directory the session's.
    package internal(set) var facts: SessionFacts
    /// The working directory that the lines name, whatever the kind: rules on directories ask for it, and it is the
    /// session's as long as nothing else says which that is.
    package internal(set) var cwd: String?
    /// The session and the sub-agent that the lines name.
    package internal(set) var sessionID: SessionID?
    package internal(set) var agentID: String?

    let agent: Agent
    let kind: SourceKind
    private var linesLeft = Self.lineLimit
    private var bytesLeft = Self.byteLimit
    /// Where the title came from: a better source replaces a worse one.
    var titleRank = 0

    package init(agent: Agent, kind: SourceKind = .transcript) {
        self.agent = agent
        self.kind = kind
        facts = SessionFacts(agent: agent)
    }

    /// Nothing further is learnt.
    package var isComplete: Bool { linesLeft <= 0 || bytesLeft <= 0 }

    /// - Parameter line: with or without its terminator.
    package mutating func take(_ line: UnsafeRawBufferPointer) {
        guard !isComplete else { return }
        let seen = UnsafeRawBufferPointer(rebasing: line.prefix(bytesLeft))
        linesLeft -= 1
        bytesLeft -= seen.count
        let glance = JSONGlance(seen)
        guard glance.isObject else { return }
        var learnt = SessionFacts(agent: agent)
        switch agent {
        case .claude: claude(glance, &learnt)
        case .codex: codex(glance, &learnt)
        case .copilot: copilot(glance, &learnt)
        case .pi: pi(glance, &learnt)
        case .gemini: gemini(glance, &learnt)
        case .generic: generic(glance, &learnt)
        }
        if cwd == nil { cwd = learnt.cwd }
        if kind == .transcript { keep(learnt) }
    }

    /// The first that is known stays; only the title may get better.
    private mutating func keep(_ learnt: SessionFacts) {
        let title = facts.title
        facts = learnt.merged(with: facts)
        facts.title = title
    }

    /// - Parameter rank: 1 the first prompt, 2 a summary, 3 the agent's title, 4 the user's. Of equals the last counts,
    ///   but of prompts the first.
    mutating func setTitle(_ text: String?, rank: Int) {
        guard kind == .transcript, let text, rank > titleRank || rank == titleRank && rank > 1 else { return }
        let title = Self.plain(text, limit: 200)
        guard !title.isEmpty else { return }
        facts.title = title
        titleRank = rank
    }

    /// A person's words: the first of them are the title as long as nothing better is known.
    ///
    /// - Parameter text: not asked for once a prompt is known.
    mutating func setPrompt(_ text: @autoclosure () -> String?, _ learnt: inout SessionFacts) {
        guard facts.firstUserMessage == nil, let text = text(), !Self.isMachinery(text) else { return }
        let words = Self.plain(text, limit: 4096)
        guard !words.isEmpty else { return }
        learnt.firstUserMessage = words
        setTitle(words, rank: 1)
    }

    /// What agents put into a user's message themselves.
    private static func isMachinery(_ text: String) -> Bool {
        let start = text.drop { $0.isWhitespace }
        return [
            "<command-", "<local-command-", "<environment_context>", "<user_instructions>", "<permissions",
            "<system-reminder>", "# AGENTS.md instructions",
        ].contains { start.hasPrefix($0) }
    }

    /// One line: white space collapsed, controls dropped, cut to `limit` bytes.
    static func plain(_ text: String, limit: Int) -> String {
        var out: [UInt8] = []
        var owesSpace = false
        for scalar in text.unicodeScalars {
            // Unicode's tables are asked only where ASCII does not answer.
            let isSpace =
                scalar.isASCII ? scalar == " " || (9...13).contains(scalar.value) : scalar.properties.isWhitespace
            if isSpace {
                owesSpace = !out.isEmpty
                continue
            }
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) { continue }
            if owesSpace { out.append(0x20) }
            owesSpace = false
            if scalar.isASCII {
                out.append(UInt8(scalar.value))
            } else {
                out.append(contentsOf: Array(String(Character(scalar)).utf8))
            }
            if out.count > limit { return JSONGlance.cut(out, to: limit) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The text of a message's `content`: a string, or the first text block of an array.
    static func words(_ content: JSONGlance?) -> String? {
        guard let content else { return nil }
        if let text = content.text(limit: 8192) { return text }
        for block in content.elements(limit: 32) {
            if let text = block["text"]?.text(limit: 8192) { return text }
        }
        return nil
    }
}
