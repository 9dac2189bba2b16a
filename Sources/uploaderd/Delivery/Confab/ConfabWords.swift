import Shared

/// What a server is told when a session begins, as far as it takes it.
struct ConfabBeginning: Encodable {
    private struct Metadata: Encodable {
        var cwd: String?
        var git: JSONValue?
        var host: String?
        var user: String?

        enum CodingKeys: String, CodingKey {
            case cwd
            case git = "git_info"
            case host = "hostname"
            case user = "username"
        }
    }

    private let provider: String
    private let session: SessionID
    private let path: String
    private let metadata: Metadata

    init(_ session: SessionID, _ facts: SessionFacts) {
        self.session = session
        provider = ConfabFile.provider(facts.agent)
        path = ConfabText.cut(Self.transcript(facts.sourcePath ?? "", of: session), 8192)
        metadata = Metadata(
            cwd: facts.cwd.map { ConfabText.cut($0, 8192) }, git: facts.git,
            host: facts.host.map { ConfabText.cut($0, 255) }, user: facts.user.map { ConfabText.cut($0, 255) })
    }

    /// Of a session of which an agent's file came first the transcript lies beside that file's folder.
    static func transcript(_ path: String, of session: SessionID) -> String {
        let folder = "/\(session)/subagents/"
        guard let range = path.firstRange(of: folder) else { return path }
        return "\(path[..<range.lowerBound])/\(session).jsonl"
    }

    private enum CodingKeys: String, CodingKey {
        case provider, metadata
        case session = "external_id"
        case path = "transcript_path"
    }
}

/// The end of a session, with what a hook was given when it came.
struct ConfabEnd: Encodable {
    /// As the server calls it.
    let session: String
    private let kind = "session_end"
    /// RFC 3339.
    let time: String
    let payload: JSONValue

    init(session: String, time: String, payload: JSONValue) {
        self.session = session
        self.time = time
        self.payload = payload
    }

    private enum CodingKeys: String, CodingKey {
        case payload
        case session = "session_id"
        case kind = "event_type"
        case time = "timestamp"
    }
}

/// Text as a server of confab's takes it. Pure.
enum ConfabText {
    /// At most so many bytes of it, whole characters.
    static func cut(_ text: String, _ most: Int, ending: String = "") -> String {
        guard text.utf8.count > most else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: most - ending.utf8.count)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end]) + ending
    }

    /// Without tags and with single spaces, as a title shows it.
    static func flat(_ text: String) -> String {
        var out = ""
        var isSpaced = false
        for character in unescaped(untagged(text)) {
            guard character.isWhitespace else {
                if isSpaced, !out.isEmpty { out.append(" ") }
                isSpaced = false
                out.append(character)
                continue
            }
            isSpaced = true
        }
        return out
    }

    /// A tag begins with a letter or a slash, so that a comparison is none.
    private static func untagged(_ text: String) -> String {
        var out = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "<") {
            out += rest[..<open]
            let inside = rest[rest.index(after: open)...]
            guard let first = inside.first, first.isLetter || first == "/" || first == "!",
                let close = inside.firstIndex(of: ">")
            else {
                out.append("<")
                rest = inside
                continue
            }
            rest = inside[inside.index(after: close)...]
        }
        return out + rest
    }

    private static func unescaped(_ text: String) -> String {
        let entities: [(String, Character)] = [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&"),
        ]
        var out = ""
        var rest = Substring(text)
        while let mark = rest.firstIndex(of: "&") {
            out += rest[..<mark]
            rest = rest[mark...]
            let entity = entities.first { rest.hasPrefix($0.0) }
            out.append(entity?.1 ?? "&")
            rest = rest.dropFirst(entity?.0.count ?? 1)
        }
        return out + rest
    }
}
