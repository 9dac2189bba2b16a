import LinuxSystem
package import Shared

/// What agnes has left in a workspace's `.claude` folder, or in one file of it.
///
///     agnes-sessions.txt, agnes-sessions.snapshot.<pid>.<8 hex>.txt    sid TAB path [TAB when it failed first], or a bare path
///     agnes-sessions-failed.txt                                        when TAB sid TAB status TAB path
///     agnes-sessions-uploaded.txt                                      when TAB path; later sid TAB size TAB when
///     agnes-sessions-private.txt                                       a sid a line
///
/// A line that is none of these is passed over, and counted.
package struct AgnesFiles: Sendable, Hashable {
    /// Never to be sent anywhere.
    package var privates: [SessionID] = []
    /// Each session once, snapshots first, as an interrupted push has left them.
    package var queued: [QueuedSession] = []
    package var failed: [QueuedSession] = []
    package var uploaded: [QueuedSession] = []
    package var passedOver = 0

    /// What a file is, by its name.
    package enum Kind: Sendable, Hashable {
        case queue, failed, uploaded, privates
        /// Logs and locks.
        case other

        package init(name: String) {
            switch name {
            case "agnes-sessions-failed.txt": self = .failed
            case "agnes-sessions-uploaded.txt": self = .uploaded
            case "agnes-sessions-private.txt": self = .privates
            case _ where name == "agnes-sessions.txt" || name.hasPrefix("agnes-sessions.snapshot."): self = .queue
            default: self = .other
            }
        }
    }

    /// A file is longer only if it is something else.
    private static let most = 64 << 20

    /// The first line of the private list that is no session's id: from 1.
    package private(set) var unreadPrivate: Int?

    package init() {}

    /// - Parameter path: a file, whatever its name, or the folder of agnes' files, or what has that as `.claude`.
    package init(reading path: String) throws(ClientError) {
        let isFolder = try Self.looking(path) { () throws(SystemError) in
            guard let status = try Files.status(path, followLinks: true) else { throw SystemError("open", code: 2) }
            return status.kind == .directory
        }
        guard isFolder else {
            let kind = Kind(name: Files.name(of: path))
            add(try Self.text(of: path), as: kind == .other ? .queue : kind)
            try settle()
            return
        }
        let names = try Self.names(in: path)
        let isInner = !names.contains { Kind(name: $0) != .other } && names.contains(".claude")
        let folder = isInner ? "\(path)/.claude" : path
        // Snapshots before the queue, as they are older.
        let found = try Self.names(in: folder).filter { Kind(name: $0) != .other }
            .sorted { a, b in (a == "agnes-sessions.txt" ? 1 : 0, a) < (b == "agnes-sessions.txt" ? 1 : 0, b) }
        for name in found { add(try Self.text(of: "\(folder)/\(name)"), as: Kind(name: name)) }
        if found.isEmpty {
            throw ClientError(
                .no, "there is no queue of agnes' in \(folder)",
                hint: "name the .claude folder of a workspace, or one of the files agnes-sessions….txt")
        }
        try settle()
    }

    private static func looking<Value>(
        _ path: String, _ body: () throws(SystemError) -> Value
    ) throws(ClientError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw ClientError(error.isNotFound ? .no : .failed, "could not read \(path)", cause: error.reason)
        }
    }

    private static func names(in folder: String) throws(ClientError) -> [String] {
        try looking(folder) { () throws(SystemError) in try Files.list(folder).map(\.name) }
    }

    private static func text(of path: String) throws(ClientError) -> [UInt8] {
        try looking(path) { () throws(SystemError) in
            let file = try Descriptor.open(path, [.readOnly, .nonBlocking])
            guard try file.status().kind == .regular else { throw SystemError("open", code: 22) }
            return try file.contents(limit: most, path: path)
        }
    }

    package mutating func add(_ text: [UInt8], as kind: Kind) {
        if kind == .queue {
            var lines = QueueLines()
            queued += lines.sessions(of: text)
            passedOver += lines.passedOver
            return
        }
        if kind == .privates { return addPrivates(text) }
        for line in text.split(separator: 0x0A) where line.count <= QueuedSession.longestLine {
            let line = line.last == 0x0D ? line.dropLast() : line
            guard !line.isEmpty else { continue }
            let fields = String(decoding: line, as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
                .map(String.init)
            if !add(fields, as: kind) { passedOver += 1 }
        }
    }

    /// What somebody wrote by hand may have blanks around it; what is more than that nobody guesses at, for it would be uploaded.
    private mutating func addPrivates(_ text: [UInt8]) {
        let text = text.starts(with: [0xEF, 0xBB, 0xBF]) ? text.dropFirst(3) : text[...]
        for (number, line) in zip(1..., text.split(separator: 0x0A, omittingEmptySubsequences: false)) {
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            guard let word = words.first else { continue }
            guard words.count == 1, let written = String(validating: word, as: UTF8.self), let sid = SessionID(written)
            else {
                unreadPrivate = unreadPrivate ?? number
                continue
            }
            privates.append(sid)
            // Agents write their ids in lower case.
            if let usual = SessionID(written.lowercased()), usual != sid { privates.append(usual) }
        }
    }

    private mutating func add(_ fields: [String], as kind: Kind) -> Bool {
        switch kind {
        case .failed:
            guard fields.count == 4, let sid = SessionID(fields[1]), CapturedEvent.isPath(fields[3]) else {
                return false
            }
            failed.append(QueuedSession(sid: sid, path: fields[3]))
        case .uploaded:
            if fields.count == 2, RFC3339.parse(fields[0]) != nil, CapturedEvent.isPath(fields[1]) {
                uploaded.append(QueuedSession(sid: nil, path: fields[1]))
            } else if fields.count == 3, let sid = SessionID(fields[0]), RFC3339.parse(fields[2]) != nil {
                // No path was kept; the session's id stands for it.
                uploaded.append(QueuedSession(sid: sid, path: "/\(StoreName.escaped(sid.rawValue)).jsonl"))
            } else {
                return false
            }
        case .queue, .privates, .other: return false
        }
        return true
    }

    /// Each once, and nothing of what is private.
    ///
    /// - Throws: `refused` where it is not known what is.
    private mutating func settle() throws(ClientError) {
        if let unreadPrivate {
            throw ClientError(
                .refused, "line \(unreadPrivate) of agnes' private list is no session's id; nothing was imported",
                hint: "write one id in each line of agnes-sessions-private.txt, and import again")
        }
        let hidden = Set(privates)
        var seen: Set<String> = []
        func isWanted(_ session: QueuedSession) -> Bool {
            if let sid = session.sid ?? SessionID(Self.stem(of: session.path)), hidden.contains(sid) { return false }
            return seen.insert(session.key).inserted
        }
        queued = queued.filter(isWanted)
        failed = failed.filter(isWanted)
    }

    private static func stem(of path: String) -> String {
        let name = Files.name(of: path)
        return name.hasSuffix(".jsonl") ? String(name.dropLast(6)) : name
    }
}
