/// One session that is not open.
package struct PrivateSession: Hashable, Sendable, Codable {
    package var sid: SessionID
    package var standing: SessionStanding
    /// RFC 3339.
    package var since: String

    package init(sid: SessionID, standing: SessionStanding, since: String) {
        self.sid = sid
        self.standing = standing
        self.since = since
    }
}

/// Some of them in order; `next` is the `after` of the page that follows.
package struct PrivatePage: Hashable, Sendable, Codable {
    package var sessions: [PrivateSession]
    package var next: SessionID?

    package init(sessions: [PrivateSession], next: SessionID? = nil) {
        self.sessions = sessions
        self.next = next
    }
}

package struct AddPrivateReply: Hashable, Sendable, Codable {
    /// It was open.
    package var changed: Bool
    /// Destinations to which something is on its way.
    package var waitingFor: [String]

    package init(changed: Bool, waitingFor: [String] = []) {
        self.changed = changed
        self.waitingFor = waitingFor
    }

    enum CodingKeys: String, CodingKey {
        case changed
        case waitingFor = "waiting_for"
    }
}

package struct RemovePrivateReply: Hashable, Sendable, Codable {
    package var changed: Bool

    package init(changed: Bool) { self.changed = changed }
}

package struct ForgetReply: Hashable, Sendable, Codable {
    /// Destinations that have nothing of it but the tombstone.
    package var deleted: [String]
    package var waitingFor: [String]
    package var left: [Leftover]

    package init(deleted: [String] = [], waitingFor: [String] = [], left: [Leftover] = []) {
        self.deleted = deleted
        self.waitingFor = waitingFor
        self.left = left
    }

    /// Something that is not deleted.
    package struct Leftover: Hashable, Sendable, Codable {
        package var destination: String
        package var reason: String
        /// It is deleted when the destination is back.
        package var willGo: Bool

        package init(destination: String, reason: String, willGo: Bool) {
            self.destination = destination
            self.reason = reason
            self.willGo = willGo
        }

        enum CodingKeys: String, CodingKey {
            case destination, reason
            case willGo = "will_go"
        }
    }

    enum CodingKeys: String, CodingKey {
        case deleted, left
        case waitingFor = "waiting_for"
    }
}
