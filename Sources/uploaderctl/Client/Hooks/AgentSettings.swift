/// How our hooks stand in the text of an agent's settings: pure, bytes in and bytes out.
///
/// Whatever else is there stays byte for byte, and `removed(from: installed(in: text))` is `text`.
package protocol AgentSettings: Sendable {
    /// The text with our hooks in it, each once; the same text when they are there already.
    ///
    /// - Throws: for what does not parse, or has something else where ours would be.
    func installed(in text: [UInt8]) throws(ClientError) -> [UInt8]

    /// The text without them. Others' hooks stay, and so do ours that somebody wrote by hand.
    func removed(from text: [UInt8]) throws(ClientError) -> [UInt8]

    /// What a file is that we make.
    var fresh: [UInt8] { get }

    /// Settings that say nothing.
    var nothing: [UInt8] { get }

    /// Each event that we want to hear of, and what is there for it.
    func states(in text: [UInt8]) throws(ClientError) -> [HookState]
}

/// What stands in an agent's settings for one of its events.
package struct HookState: Sendable, Hashable, Encodable {
    package enum Standing: String, Sendable, Encodable {
        case installed
        /// Ours, with another command than would be installed now.
        case outdated
        /// `uploaderctl capture`, written by hand: left as it is.
        case byHand = "by_hand"
        /// Something else has the one place that there is.
        case foreign
        case absent
    }

    package var event: String
    package var standing: Standing
    package var command: String?
}

/// The command that agents run.
package struct HookCommand: Sendable, Hashable {
    /// By which ours is told from what people write: a comment for the shell, and for TOML.
    package static let mark = "# uploaderd"

    /// The program and its words.
    package let words: [String]

    package init(_ words: [String]) { self.words = words }

    /// As a shell reads it.
    package var shellText: String { words.map(Self.quoted).joined(separator: " ") + " " + Self.mark }

    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "@"):
                true
            default: false
            }
        }
        if isPlain, !word.isEmpty { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }

    package static func isOurs(_ text: String) -> Bool { text.hasSuffix(" \(mark)") }

    /// Whether somebody wrote it by hand.
    package static func isByHand(_ text: String) -> Bool {
        !isOurs(text) && text.contains("uploaderctl") && text.contains(" capture")
    }
}
