/// What is to be delivered again.
package struct ResendRequest: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Every object of the session, in every destination or in one.
        case again(SessionID, destination: String?)
        /// What today's rules change goes from every destination; `nil`: of every session.
        case redacted(SessionID?)
    }

    package var kind: Kind

    package init(_ kind: Kind) { self.kind = kind }
}

package struct ResendReply: Hashable, Sendable, Codable {
    package var sessions: Int
    /// Objects that were asked to be put: again, or in the place of others.
    package var segments: Int
    /// Objects that were looked at and stay as they are.
    package var unchanged: Int
    package var waitingFor: [String]
    /// Where something is left to be done, and why.
    package var left: [ForgetReply.Leftover]
    /// What could not be read, a sentence each.
    package var failed: [String]

    package init(
        sessions: Int = 0, segments: Int = 0, unchanged: Int = 0, waitingFor: [String] = [],
        left: [ForgetReply.Leftover] = [], failed: [String] = []
    ) {
        self.sessions = sessions
        self.segments = segments
        self.unchanged = unchanged
        self.waitingFor = waitingFor
        self.left = left
        self.failed = failed
    }

    enum CodingKeys: String, CodingKey {
        case sessions, segments, unchanged, left, failed
        case waitingFor = "waiting_for"
    }
}
