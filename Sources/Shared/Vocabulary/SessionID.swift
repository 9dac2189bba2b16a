/// The identifier of one conversation, as the agent names it.
///
/// Comes from file names and peers, so it is hostile: it never becomes a path as it is; `StoreName.escaped` does that.
package struct SessionID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: String

    /// - Returns: `nil` for an empty text, one with white space or a control character, or one over 512 bytes.
    package init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 512 else { return nil }
        // Unicode's tables are asked only where ASCII does not answer: every row that is read passes here.
        guard
            text.unicodeScalars.allSatisfy({
                $0.value > 0x20 && $0.value != 0x7F && ($0.isASCII || !$0.properties.isWhitespace)
            })
        else { return nil }
        rawValue = text
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let sid = SessionID(text) else {
            throw JSONMismatch(decoder.codingPath, expected: "a session id")
        }
        self = sid
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package var description: String { rawValue }

    package static func == (a: SessionID, b: SessionID) -> Bool { String.sameBytes(a.rawValue, b.rawValue) }
    package static func < (a: SessionID, b: SessionID) -> Bool { String.precedesInBytes(a.rawValue, b.rawValue) }
}

/// One file of a session: `main`, `agents/<id>`, `workflows/<run>/…`; slash-separated components.
package struct StreamName: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: String

    package static let main = StreamName(unchecked: "main")

    private init(unchecked: String) { rawValue = unchecked }

    /// - Returns: `nil` for an empty text, an empty component, a NUL, or one over 1,024 bytes.
    package init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 1024, !text.utf8.contains(0) else { return nil }
        guard text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }) else {
            return nil
        }
        rawValue = text
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let name = StreamName(text) else {
            throw JSONMismatch(decoder.codingPath, expected: "a stream's name")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package var description: String { rawValue }

    package static func == (a: StreamName, b: StreamName) -> Bool { String.sameBytes(a.rawValue, b.rawValue) }
    package static func < (a: StreamName, b: StreamName) -> Bool { String.precedesInBytes(a.rawValue, b.rawValue) }
}

/// A stream of a session: what a cursor, a segment and a checkpoint belong to.
package struct StreamKey: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let session: SessionID
    package let stream: StreamName

    package init(session: SessionID, stream: StreamName) {
        self.session = session
        self.stream = stream
    }

    package var description: String { "\(session)/\(stream)" }

    package static func < (a: StreamKey, b: StreamKey) -> Bool {
        (a.session, a.stream) < (b.session, b.stream)
    }
}
