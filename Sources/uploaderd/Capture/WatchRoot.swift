package import Shared

/// A directory whose sessions are taken, or the directory of the one file that is.
package struct WatchRoot: Sendable, Hashable {
    package var agent: Agent
    /// Absolute, without a closing slash. It need not exist, and may itself be a symbolic link.
    package var root: String
    package var include: [Glob]
    package var exclude: [Glob]
    /// What `--sid` said; else the path names the session.
    package var sid: SessionID?
    /// The one file that is meant, whatever its name ends in; then the globs are not asked.
    package var onlyFile: String?
    /// It is to be there: somebody named it for this run.
    package var isNamed = false

    /// - Parameter include: `nil` for the agent's own.
    package init(
        agent: Agent, root: String, include: [Glob]? = nil, exclude: [Glob] = [], sid: SessionID? = nil
    ) {
        self.agent = agent
        self.root = Self.withoutClosingSlash(root)
        self.include = include ?? agent.defaultInclude.map { Glob(known: $0) }
        self.exclude = exclude
        self.sid = sid
    }

    /// One file, by its absolute path.
    package init(file path: String, agent: Agent = .generic, sid: SessionID? = nil) {
        let path = Self.withoutClosingSlash(path)
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let name = String(path[slash...].drop { $0 == "/" })
        self.init(
            agent: agent, root: slash == path.startIndex ? "/" : String(path[..<slash]), include: [Glob(literal: name)],
            sid: sid)
        onlyFile = name
    }

    /// One file that a hook or a queue names and that lies below no root.
    ///
    /// Where its path says that it is a sub-agent's, that is what it is: its root is where Claude Code's would be, and whoever
    /// named it has only said whose sub-agent. Else it is the main stream of `sid`.
    package init(elsewhere path: String, agent: Agent, sid: SessionID?) {
        let parts = path.split(separator: "/").map(String.init)
        let ofSession = parts.lastIndex(of: "subagents").map { $0 - 2 } ?? -1
        let isOldAgent = parts.last?.hasPrefix("agent-") == true && parts.count >= 2
        guard agent == .claude, ofSession >= 0 || isOldAgent else {
            self.init(file: path, agent: agent, sid: sid)
            return
        }
        let begin = ofSession >= 0 ? ofSession : parts.count - 2
        let name = parts[begin...].joined(separator: "/")
        self.init(agent: agent, root: "/" + parts[..<begin].joined(separator: "/"), include: [Glob(literal: name)])
        onlyFile = name
    }

    package var layout: AgentLayout { AgentLayout(agent: agent, sid: sid) }

    /// A compressed source is called as it was when it was plain.
    package func source(_ relativePath: String) -> SourcePath {
        SourcePath(agent: agent, root: root, relativePath: plain(relativePath) ?? relativePath)
    }

    /// The path without `.zst`; `nil` for what is no compressed source.
    func plain(_ relativePath: String) -> String? {
        guard agent.packsSources, onlyFile == nil, relativePath.hasSuffix(".jsonl" + PackedFile.suffix) else {
            return nil
        }
        return String(relativePath.dropLast(PackedFile.suffix.utf8.count))
    }

    /// Whether a file is a session's by its path: `*.jsonl`, not hidden, included, not excluded.
    ///
    /// Hidden files are left alone because half-made ones are hidden: editors', sync tools', and our own.
    package func includes(_ relativePath: String) -> Bool {
        if let onlyFile { return relativePath == onlyFile }
        if let plain = plain(relativePath) { return includes(plain) }
        let name = relativePath.utf8.reversed().prefix { $0 != UInt8(ascii: "/") }
        guard relativePath.hasSuffix(".jsonl"), let first = Array(name).last, first != UInt8(ascii: ".") else {
            return false
        }
        return include.contains { $0.matches(relativePath) } && !exclude.contains { $0.matches(relativePath) }
            && layout.name(of: relativePath) != .notASession
    }

    /// Whether a directory may hold sessions, directly or below. The root is the empty path.
    package func mayHold(_ directory: String) -> Bool {
        if directory.isEmpty { return true }
        if onlyFile != nil { return false }
        return include.contains { $0.canMatch(below: directory) }
            && !exclude.contains { $0.matches(directory) || $0.matchesAll(below: directory) }
    }

    private static func withoutClosingSlash(_ path: String) -> String {
        var path = path[...]
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return String(path)
    }
}

extension SourcePath {
    /// The paths at which its file may lie, the plain one first.
    package var places: [String] { agent.packsSources ? [absolute, absolute + PackedFile.suffix] : [absolute] }
}

extension Agent {
    /// Codex replaces a session that is cold by `….jsonl.zst`, and that by the plain file when the session goes on.
    var packsSources: Bool {
        switch self {
        case .codex: true
        case .claude, .gemini, .copilot, .pi, .generic: false
        }
    }
}
