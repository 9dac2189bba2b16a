/// A session whose lines another program kept, all that there is of them in one file that goes with the call.
package struct ImportSessionRequest: Hashable, Sendable {
    package var sid: SessionID
    package var agent: Agent
    /// What the file is called, absolute; it is never opened.
    package var path: String

    package init(sid: SessionID, agent: Agent, path: String) {
        self.sid = sid
        self.agent = agent
        self.path = path
    }
}

package struct ImportSessionReply: Hashable, Sendable, Codable {
    package enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        /// What was not known here of it is durable here now.
        case taken
        /// Nothing of the session is taken.
        case `private`
        /// It has a file of its own below a watched root, and is taken from that.
        case watched
    }

    package var outcome: Outcome
    /// That were not known here before.
    package var lines: Int
    /// Why it was not taken to its end, a sentence each.
    package var notTaken: [String]

    package init(_ outcome: Outcome, lines: Int = 0, notTaken: [String] = []) {
        self.outcome = outcome
        self.lines = lines
        self.notTaken = notTaken
    }

    enum CodingKeys: String, CodingKey {
        case outcome, lines
        case notTaken = "not_taken"
    }
}
