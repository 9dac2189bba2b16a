/// A part of all objects, `n/t`: the n-th of t equal parts.
package struct VerifySample: Hashable, Sendable {
    package var part: Int
    package var of: Int

    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let part = Int(parts[0]), let of = Int(parts[1]), of >= 1, (1...of).contains(part)
        else { return nil }
        self.part = part
        self.of = of
    }

    package var text: String { "\(part)/\(of)" }

    /// Every number is in exactly one of the parts.
    ///
    /// - Parameter number: evenly spread, of what is divided.
    package func holds(_ number: UInt64) -> Bool { number % UInt64(of) == UInt64(part - 1) }
}

package struct VerifyRequest: Hashable, Sendable {
    /// `nil`: every session.
    package var sid: SessionID?
    /// Objects are read back and compared.
    package var deep: Bool
    /// Only these objects, and they are read back.
    package var sample: VerifySample?

    package init(sid: SessionID? = nil, deep: Bool = false, sample: VerifySample? = nil) {
        self.sid = sid
        self.deep = deep
        self.sample = sample
    }
}

/// Lines of one segment, at one destination.
package struct VerifiedRange: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case found = "FOUND"
        case queued = "QUEUED"
        case uploading = "UPLOADING"
        case delayed = "DELAYED"
        case missing = "MISSING"
        case damaged = "DAMAGED"
        case `private` = "PRIVATE"

        /// The answer is no.
        package var isBad: Bool {
            switch self {
            case .found, .queued, .uploading, .delayed, .private: false
            case .missing, .damaged: true
            }
        }
    }

    package var sid: SessionID
    package var stream: StreamName
    package var generation: Int
    package var firstLine: Int
    /// 0: it is about a manifest that cannot be read; how many it lists nobody knows.
    package var lines: Int
    package var destination: String
    package var state: State
    package var detail: String?
    /// Another writer than this daemon; empty: a program that knows no writers.
    package var writer: String?

    package init(
        sid: SessionID, stream: StreamName, generation: Int, firstLine: Int, lines: Int, destination: String,
        state: State, detail: String? = nil, writer: String? = nil
    ) {
        self.sid = sid
        self.stream = stream
        self.generation = generation
        self.firstLine = firstLine
        self.lines = lines
        self.destination = destination
        self.state = state
        self.detail = detail
        self.writer = writer
    }

    enum CodingKeys: String, CodingKey {
        case sid, stream, generation, lines, destination, state, detail, writer
        case firstLine = "first_line"
    }
}

/// Counts of ranges by state.
package struct VerifySummary: Hashable, Sendable, Codable {
    package var sessions = 0
    package var ranges = 0
    package var found = 0
    package var queued = 0
    package var uploading = 0
    package var delayed = 0
    package var missing = 0
    package var damaged = 0
    package var `private` = 0
    package var readBack = 0

    package init() {}

    package var isGood: Bool { missing == 0 && damaged == 0 }

    package mutating func count(_ state: VerifiedRange.State) {
        ranges += 1
        switch state {
        case .found: found += 1
        case .queued: queued += 1
        case .uploading: uploading += 1
        case .delayed: delayed += 1
        case .missing: missing += 1
        case .damaged: damaged += 1
        case .private: `private` += 1
        }
    }

    enum CodingKeys: String, CodingKey {
        case sessions, ranges, found, queued, uploading, delayed, missing, damaged, `private`
        case readBack = "read_back"
    }
}

package struct VerifyReply: Hashable, Sendable, Codable {
    package var ranges: [VerifiedRange]
    /// In the last reply.
    package var summary: VerifySummary?

    package init(ranges: [VerifiedRange], summary: VerifySummary? = nil) {
        self.ranges = ranges
        self.summary = summary
    }
}
