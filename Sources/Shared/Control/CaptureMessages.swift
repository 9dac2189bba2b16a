/// Lines of another program's queue, a part of them.
package struct ImportQueueRequest: Hashable, Sendable {
    /// What a line was found in.
    package enum Origin: String, Sendable, CaseIterable {
        /// To be taken.
        case queue
        /// It could not be sent to where that program sends; here it is taken.
        case failed
        /// It was sent to where that program sends, and is not to be sent there again.
        case uploaded
    }

    package var origin: Origin
    package var sessions: [QueuedSession]

    package init(_ origin: Origin, _ sessions: [QueuedSession]) {
        self.origin = origin
        self.sessions = sessions
    }

    /// In one call.
    package static let most = 1_000
}

/// What became of the lines.
package struct ImportQueueReply: Hashable, Sendable, Codable {
    /// Below watched roots: looked at, and taken like all there.
    package var watched: Int
    /// Elsewhere, and taken once, to their ends.
    package var taken: Int
    /// There is no such file any more.
    package var missing: Int
    /// Noted as sent elsewhere.
    package var noted: Int
    /// Why others were not taken, a sentence each, at most 101.
    package var notTaken: [String]

    package init(watched: Int = 0, taken: Int = 0, missing: Int = 0, noted: Int = 0, notTaken: [String] = []) {
        self.watched = watched
        self.taken = taken
        self.missing = missing
        self.noted = noted
        self.notTaken = notTaken
    }

    enum CodingKeys: String, CodingKey {
        case watched, taken, missing, noted
        case notTaken = "not_taken"
    }

    package mutating func add(_ other: ImportQueueReply) {
        watched += other.watched
        taken += other.taken
        missing += other.missing
        noted += other.noted
        notTaken += other.notTaken
    }
}

/// The answer of `Capture`: it is durable.
package struct CaptureReply: Hashable, Sendable, Codable {
    package init() {}
}
