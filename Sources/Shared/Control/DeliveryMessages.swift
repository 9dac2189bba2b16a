/// Which destinations were stopped or let go on, and which are stopped.
package struct PauseReply: Hashable, Sendable, Codable {
    package var changed: [String]
    package var paused: [String]

    package init(changed: [String], paused: [String]) {
        self.changed = changed
        self.paused = paused
    }
}

package struct LimitRequest: Hashable, Sendable {
    /// `nil`: nothing is changed.
    package var rate: TransferRate?
    /// `nil`: all together.
    package var destination: String?

    package init(rate: TransferRate? = nil, destination: String? = nil) {
        self.rate = rate
        self.destination = destination
    }
}

package struct LimitReply: Hashable, Sendable, Codable {
    package struct Limit: Hashable, Sendable, Codable {
        /// `nil`: of all together.
        package var destination: String?
        /// Bytes a second; `nil`: none.
        package var limit: Int64?

        package init(destination: String? = nil, limit: Int64? = nil) {
            self.destination = destination
            self.limit = limit
        }
    }
    package var limits: [Limit]

    package init(limits: [Limit]) { self.limits = limits }
}

/// Which of what is put aside somebody means; `nil`: any.
package struct QuarantineRequest: Hashable, Sendable {
    package var id: Int?
    package var sid: SessionID?
    package var destination: String?

    package init(id: Int? = nil, sid: SessionID? = nil, destination: String? = nil) {
        self.id = id
        self.sid = sid
        self.destination = destination
    }
}

package struct QuarantineItem: Hashable, Sendable, Codable {
    package var id: Int
    package var destination: String
    package var sid: SessionID
    package var stream: StreamName
    package var generation: Int
    package var seq: Int
    package var firstLine: Int
    package var lines: Int
    package var bytes: Int64
    package var reason: String
    package var hint: String?
    /// RFC 3339.
    package var since: String

    package init(
        id: Int, destination: String, record: SegmentRecord, reason: String, hint: String? = nil, since: String
    ) {
        self.id = id
        self.destination = destination
        sid = record.stream.session
        stream = record.stream.stream
        generation = record.generation
        seq = record.seq
        firstLine = record.firstLine
        lines = record.lines
        bytes = record.storedBytes
        self.reason = reason
        self.hint = hint
        self.since = since
    }

    enum CodingKeys: String, CodingKey {
        case id, destination, sid, stream, generation, seq, lines, bytes, reason, hint, since
        case firstLine = "first_line"
    }
}

/// Some of them in order; `next` is the `after` of the page that follows.
package struct QuarantinePage: Hashable, Sendable, Codable {
    package var segments: [QuarantineItem]
    package var next: Int?

    package init(segments: [QuarantineItem], next: Int? = nil) {
        self.segments = segments
        self.next = next
    }
}

package struct QuarantineCount: Hashable, Sendable, Codable {
    package var segments: Int

    package init(segments: Int) { self.segments = segments }
}
