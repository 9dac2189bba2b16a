/// A line of `queue/sessions.txt`, or of agnes' `agnes-sessions.txt`:
///
///     3f2a…\t/home/u/.claude/projects/-p/3f2a….jsonl
///     3f2a…\t/home/u/.claude/projects/-p/3f2a….jsonl\t2026-06-24T10:00:00Z      since when its upload fails
///     /home/u/.claude/projects/-p/3f2a….jsonl                                   as older versions wrote it
///
/// Valid if the path is absolute, and the sid, where there is one, a session id. The time is not needed, and anything may stand there.
package struct QueuedSession: Hashable, Sendable {
    /// `nil`: the path names it.
    package var sid: SessionID?
    package var path: String

    package init(sid: SessionID?, path: String) {
        self.sid = sid
        self.path = path
    }

    /// A longer line is none of ours.
    package static let longestLine = 8 << 10

    /// - Parameter line: without its end.
    package init?(line: some Collection<UInt8>) {
        // What no line that we write can hold none that we read does.
        guard line.count <= Self.longestLine, !line.contains(0x0D), let text = String(validating: line, as: UTF8.self)
        else { return nil }
        let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
        if fields.count == 1 {
            self.init(sid: nil, path: text)
        } else {
            guard let sid = SessionID(String(fields[0])) else { return nil }
            self.init(sid: sid, path: String(fields[1]))
        }
        guard CapturedEvent.isPath(path) else { return nil }
    }

    /// As it travels: `{"sid", "path"}`.
    ///
    /// - Returns: `nil` for anything else.
    package init?(_ value: JSONValue) {
        guard let path = value["path"]?.text, CapturedEvent.isPath(path) else { return nil }
        let sid = value["sid"]?.text.flatMap { SessionID($0) }
        guard sid != nil || value["sid"] == nil else { return nil }
        self.init(sid: sid, path: path)
    }

    package var json: JSONValue {
        var members: [String: JSONValue] = ["path": .string(path)]
        if let sid { members["sid"] = .string(sid.rawValue) }
        return .object(members)
    }

    /// With its end; `nil` for a path that cannot stand in a line.
    package var line: [UInt8]? {
        let isPlain = path.utf8.allSatisfy { $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        let line = Array("\(sid.map { "\($0)\t" } ?? "")\(path)\n".utf8)
        return isPlain && line.count <= Self.longestLine ? line : nil
    }

    /// By which two lines are of the same: a session that is named by its id alone, and by its path.
    package var key: String { sid?.rawValue ?? path }
}

/// The lines of a file of the queue, one after the other, whatever is in it.
package struct QueueLines: Sendable {
    /// Lines that were nothing.
    package private(set) var passedOver = 0

    package init() {}

    /// Every session once, as its first line says it.
    package mutating func sessions(of text: [UInt8]) -> [QueuedSession] {
        var seen: Set<String> = []
        var sessions: [QueuedSession] = []
        each(text) { line in
            guard let session = QueuedSession(line: line) else { return false }
            if seen.insert(session.key).inserted { sessions.append(session) }
            return true
        }
        return sessions
    }

    /// Every event, in order.
    package mutating func events(of text: [UInt8]) -> [CapturedEvent] {
        var events: [CapturedEvent] = []
        each(text) { line in
            do throws(JSONFault) {
                guard let event = CapturedEvent(try JSONReader.value(of: Array(line))) else { return false }
                events.append(event)
                return true
            } catch {
                return false
            }
        }
        return events
    }

    /// - Parameter read: whether a line is one of them.
    private mutating func each(_ text: [UInt8], _ read: (ArraySlice<UInt8>) -> Bool) {
        for line in text.split(separator: 0x0A, omittingEmptySubsequences: true) {
            let line = line.last == 0x0D ? line.dropLast() : line
            if !line.isEmpty, !read(line) { passedOver += 1 }
        }
    }
}
