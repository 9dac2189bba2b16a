/// Which sessions ListRemoteSessions is asked for.
package struct RemoteRequest: Hashable, Sendable {
    /// `nil`: all destinations.
    package var destination: String?
    package var agent: Agent?
    /// Only sessions whose last line is not older.
    package var since: WallTime?

    package init(destination: String? = nil, agent: Agent? = nil, since: WallTime? = nil) {
        self.destination = destination
        self.agent = agent
        self.since = since
    }
}

/// A session that a destination has, of whichever machine. On the wire: as `SessionItem`, and where it is.
package struct RemoteSession: Hashable, Sendable, Codable {
    package var session: SessionItem
    package var destination: String
    /// How many have written it.
    package var writers: Int

    package init(_ session: SessionItem, destination: String, writers: Int) {
        self.session = session
        self.destination = destination
        self.writers = writers
    }

    enum CodingKeys: String, CodingKey { case destination, writers }

    package init(from decoder: any Decoder) throws {
        session = try SessionItem(from: decoder)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        destination = try values.decode(String.self, forKey: .destination)
        writers = try values.decode(Int.self, forKey: .writers)
    }

    package func encode(to encoder: any Encoder) throws {
        try session.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(destination, forKey: .destination)
        try values.encode(writers, forKey: .writers)
    }
}

/// Some of them; of several replies the lists are to be joined.
package struct RemotePage: Hashable, Sendable, Codable {
    package var sessions: [RemoteSession]
    /// What could not be read, a sentence each: damaged manifests, destinations that do not answer.
    package var unread: [String]

    package init(sessions: [RemoteSession] = [], unread: [String] = []) {
        self.sessions = sessions
        self.unread = unread
    }
}
