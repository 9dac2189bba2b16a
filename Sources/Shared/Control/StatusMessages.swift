/// How the daemon stands: the answer of GetStatus. The interface's text says what each field means.
package struct StatusReply: Hashable, Sendable, Codable {
    package var version: String
    package var pid: Int
    package var startedAt: String
    package var uptimeSeconds: Int
    package var health: [HealthEntry]
    package var redaction: RedactionStatus
    package var destinations: [DestinationStatus]
    package var sessions: SessionCounts
    package var watching: WatchingStatus
    package var spool: SpoolStatus
    package var rates: Rates
    package var backfill: BackfillStatus?
    package var noticed: NoticedStatus
    package var storePath: String?

    package init(
        version: String = Product.version, pid: Int, startedAt: String, uptimeSeconds: Int, health: [HealthEntry],
        redaction: RedactionStatus, destinations: [DestinationStatus], sessions: SessionCounts,
        watching: WatchingStatus, spool: SpoolStatus, rates: Rates = Rates(), backfill: BackfillStatus? = nil,
        noticed: NoticedStatus = NoticedStatus(), storePath: String? = nil
    ) {
        self.version = version
        self.pid = pid
        self.startedAt = startedAt
        self.uptimeSeconds = uptimeSeconds
        self.health = health
        self.redaction = redaction
        self.destinations = destinations
        self.sessions = sessions
        self.watching = watching
        self.spool = spool
        self.rates = rates
        self.backfill = backfill
        self.noticed = noticed
        self.storePath = storePath
    }

    enum CodingKeys: String, CodingKey {
        case version, pid, health, redaction, destinations, sessions, watching, spool, rates, backfill, noticed
        case startedAt = "started_at"
        case uptimeSeconds = "uptime_seconds"
        case storePath = "store_path"
    }
}

package struct RedactionStatus: Hashable, Sendable, Codable {
    package var rules: String
    package init(rules: String) { self.rules = rules }
}

package struct DestinationStatus: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case idle, delivering, retrying, held, paused
    }

    package var name: String
    package var type: String
    package var state: State
    package var required: Bool
    /// Segments.
    package var queued: Int
    package var queuedBytes: Int64
    package var oldestUnsafeSeconds: Int?
    package var lastError: String?
    package var storeID: String?
    /// Bytes a second that it may be sent.
    package var limit: Int64?

    package init(
        name: String, type: String, state: State, required: Bool, queued: Int, queuedBytes: Int64,
        oldestUnsafeSeconds: Int? = nil, lastError: String? = nil, storeID: String? = nil
    ) {
        self.name = name
        self.type = type
        self.state = state
        self.required = required
        self.queued = queued
        self.queuedBytes = queuedBytes
        self.oldestUnsafeSeconds = oldestUnsafeSeconds
        self.lastError = lastError
        self.storeID = storeID
    }

    enum CodingKeys: String, CodingKey {
        case name, type, state, required, queued
        case queuedBytes = "queued_bytes"
        case oldestUnsafeSeconds = "oldest_unsafe_seconds"
        case lastError = "last_error"
        case storeID = "store_id"
        case limit
    }
}

package struct SessionCounts: Hashable, Sendable, Codable {
    package var live: Int
    package var known: Int
    package var unresolved: Int

    package init(live: Int, known: Int, unresolved: Int = 0) {
        self.live = live
        self.known = known
        self.unresolved = unresolved
    }
}

package struct WatchingStatus: Hashable, Sendable, Codable {
    package var roots: [RootStatus]
    package init(roots: [RootStatus]) { self.roots = roots }
}

package struct RootStatus: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case watching, scanning, waiting, polled, unreadable
    }

    package var agent: Agent
    package var root: String
    package var state: State

    package init(agent: Agent, root: String, state: State) {
        self.agent = agent
        self.root = root
        self.state = state
    }
}

package struct SpoolStatus: Hashable, Sendable, Codable {
    package var bytes: Int64
    package var maxBytes: Int64

    package init(bytes: Int64, maxBytes: Int64) {
        self.bytes = bytes
        self.maxBytes = maxBytes
    }

    enum CodingKeys: String, CodingKey {
        case bytes
        case maxBytes = "max_bytes"
    }
}

/// Per second.
package struct Rates: Hashable, Sendable, Codable {
    package var lines: Double
    package var bytesRead: Double
    package var bytesDelivered: Double

    package init(lines: Double = 0, bytesRead: Double = 0, bytesDelivered: Double = 0) {
        self.lines = lines
        self.bytesRead = bytesRead
        self.bytesDelivered = bytesDelivered
    }

    enum CodingKeys: String, CodingKey {
        case lines
        case bytesRead = "bytes_read"
        case bytesDelivered = "bytes_delivered"
    }
}

package struct BackfillStatus: Hashable, Sendable, Codable {
    package var bytesTotal: Int64
    package var bytesDone: Int64

    package init(bytesTotal: Int64, bytesDone: Int64) {
        self.bytesTotal = bytesTotal
        self.bytesDone = bytesDone
    }

    enum CodingKeys: String, CodingKey {
        case bytesTotal = "bytes_total"
        case bytesDone = "bytes_done"
    }
}

/// What was odd about sources, since the engine started. None of it is a fault; all of it was kept.
package struct NoticedStatus: Hashable, Sendable, Codable {
    package var generations: Int
    package var withheldLines: Int
    package var anomalies: [String: Int]

    package init(generations: Int = 0, withheldLines: Int = 0, anomalies: [String: Int] = [:]) {
        self.generations = generations
        self.withheldLines = withheldLines
        self.anomalies = anomalies
    }

    enum CodingKeys: String, CodingKey {
        case generations, anomalies
        case withheldLines = "withheld_lines"
    }
}
