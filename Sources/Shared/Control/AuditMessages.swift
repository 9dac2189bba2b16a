/// What became of something: a kind of entry in the audit.
package enum AuditOutcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// The store confirmed it.
    case sent
    /// The same, of an object that takes the place of others there: joined, or made whole.
    case resent
    /// Removed from lines before anything was kept.
    case redacted
    /// Lines that stayed here, each replaced by one that says so.
    case withheld
    /// Nothing of the session is taken or sent.
    case skipped
    /// Attempts that are made again.
    case failed
    /// Attempts that the store will not take as they are.
    case refused
    /// Attempts of which nobody knows how they ended, and that are made again.
    case interrupted
    /// Taken out of the store.
    case deleted
}

package struct AuditRequest: Hashable, Sendable {
    /// Only what happened since, too.
    package var since: WallTime?
    /// Only what concerns it.
    package var destination: String?
    package var sid: SessionID?
    /// Where the last page ended; nobody looks into it.
    package var after: String?

    package init(
        since: WallTime? = nil, destination: String? = nil, sid: SessionID? = nil, after: String? = nil
    ) {
        self.since = since
        self.destination = destination
        self.sid = sid
        self.after = after
    }
}

/// All that is alike of one session, at one destination.
package struct AuditEntry: Hashable, Sendable, Codable {
    package var sid: SessionID
    /// `nil`: it happened here.
    package var destination: String?
    package var outcome: AuditOutcome
    /// A secret's type, what keeps the session here, an error's code; empty where there is none.
    package var reason: String
    package var firstAt: String
    package var at: String
    /// Objects, secrets, lines or attempts, as the outcome has them.
    package var times: Int
    /// Of objects that were sent, with `bytes` as they were stored.
    package var lines: Int
    package var bytes: Int64
    /// Of the session's file, where it is known.
    package var path: String?

    package init(
        sid: SessionID, destination: String?, outcome: AuditOutcome, reason: String, firstAt: String, at: String,
        times: Int, lines: Int = 0, bytes: Int64 = 0, path: String? = nil
    ) {
        self.sid = sid
        self.destination = destination
        self.outcome = outcome
        self.reason = reason
        self.firstAt = firstAt
        self.at = at
        self.times = times
        self.lines = lines
        self.bytes = bytes
        self.path = path
    }

    enum CodingKeys: String, CodingKey {
        case sid, destination, outcome, reason, at, times, lines, bytes, path
        case firstAt = "first_at"
    }
}

/// What a destination said no to, in its words.
package struct AuditRefusal: Hashable, Sendable, Codable {
    package var sid: SessionID
    package var destination: String
    package var code: String
    package var message: String
    package var at: String
    package var times: Int

    package init(
        sid: SessionID, destination: String, code: String, message: String, at: String, times: Int
    ) {
        self.sid = sid
        self.destination = destination
        self.code = code
        self.message = message
        self.at = at
        self.times = times
    }
}

/// Some of it in order; `next` is the `after` of the page that follows.
package struct AuditPage: Hashable, Sendable, Codable {
    package var entries: [AuditEntry]
    package var refusals: [AuditRefusal]
    package var next: String?

    package init(entries: [AuditEntry] = [], refusals: [AuditRefusal] = [], next: String? = nil) {
        self.entries = entries
        self.refusals = refusals
        self.next = next
    }
}
