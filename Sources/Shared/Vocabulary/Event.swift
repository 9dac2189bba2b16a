/// One thing that an operator can ever see in the journal. The message is constant in kind; the data is in `fields`.
///
/// `MESSAGE_ID` of each kind is in `EventKind`, its text for `journalctl -x` in packaging/systemd/uploaderd.catalog.
package struct Event: Sendable {
    package var kind: EventKind
    package var message: String
    package var hint: String?
    package var session: SessionID?
    package var destination: String?
    /// Further journal fields; names are upper-case, `A-Z0-9_`, and are sent with the prefix `UPLOADER_`.
    package var fields: [String: String]

    package init(
        _ kind: EventKind, _ message: String, hint: String? = nil, session: SessionID? = nil,
        destination: String? = nil,
        fields: [String: String] = [:]
    ) {
        self.kind = kind
        self.message = message
        self.hint = hint
        self.session = session
        self.destination = destination
        self.fields = fields
    }
}

/// sd-daemon(3) priorities.
package enum Priority: Int, Sendable, Comparable, CaseIterable {
    case error = 3, warning = 4, notice = 5, info = 6, debug = 7

    package static func < (a: Priority, b: Priority) -> Bool { a.rawValue < b.rawValue }

    package init?(_ name: String) {
        switch name {
        case "error": self = .error
        case "warning": self = .warning
        case "notice": self = .notice
        case "info": self = .info
        case "debug": self = .debug
        default: return nil
        }
    }
}

/// The closed list of event kinds. A kind's `MESSAGE_ID` never changes and is never used again.
package enum EventKind: String, Sendable, CaseIterable {
    case started, ready, stopping, stopped, reloaded, reloadRefused, configuration
    case rootWatched, rootMissing, rootPolled, watchLimit, queueOverflow, sourceUnreadable, sourceRefused
    case generationStarted, lineWithheld, segmentSealed, sealFailed
    case recovered, catalogDamaged, catalogSetAside, spoolFileRefused, sessionUnresolved, sessionTakenUp
    case delivered, deliveryFailed, destinationHeld, destinationRecovered, manifestPublished, manifestConflict
    case merged, retired, spoolFull, spoolRecovered, persistenceFailed, laneStalled, peerRefused, clockJumped, debug
    case privacyChanged
    case notTakenThere, linkAdded, rewritten, rewriteFailed
    case segmentQuarantined, quarantineDropped, deliveryPaused, deliveryResumed, limitChanged

    package var priority: Priority {
        switch self {
        case .sealFailed, .catalogDamaged, .catalogSetAside, .destinationHeld, .persistenceFailed, .manifestConflict,
            .laneStalled:
            .error
        case .reloadRefused, .watchLimit, .queueOverflow, .sourceUnreadable, .sourceRefused, .lineWithheld,
            .spoolFileRefused, .sessionUnresolved, .deliveryFailed, .spoolFull, .peerRefused, .clockJumped,
            .notTakenThere, .rewriteFailed, .segmentQuarantined:
            .warning
        case .started, .ready, .stopping, .stopped, .reloaded, .configuration, .generationStarted, .recovered,
            .destinationRecovered, .spoolRecovered, .sessionTakenUp, .rootMissing, .rootPolled, .privacyChanged,
            .rewritten, .quarantineDropped, .deliveryPaused, .deliveryResumed, .limitChanged:
            .notice
        case .rootWatched, .merged, .linkAdded: .info
        case .segmentSealed, .delivered, .manifestPublished, .retired, .debug: .debug
        }
    }

    /// 32 hexadecimal digits: sd_id128. Of a kind that is removed the number is not used again.
    package var messageID: String { "6b5d0c7e2f3a4e5b9a1c8d70f4e2" + serial }

    private var serial: String {
        switch self {
        case .started: "0001"
        case .ready: "0002"
        case .stopping: "0003"
        case .stopped: "0004"
        case .reloaded: "0005"
        case .reloadRefused: "0006"
        case .configuration: "0007"
        case .rootWatched: "0008"
        case .rootMissing: "0009"
        case .watchLimit: "000a"
        case .queueOverflow: "000b"
        case .sourceUnreadable: "000c"
        case .sourceRefused: "000d"
        case .generationStarted: "000e"
        case .lineWithheld: "000f"
        case .segmentSealed: "0010"
        case .sealFailed: "0011"
        case .recovered: "0012"
        case .catalogSetAside: "0013"
        case .spoolFileRefused: "0014"
        case .sessionUnresolved: "0015"
        case .sessionTakenUp: "0016"
        case .delivered: "0017"
        case .deliveryFailed: "0018"
        case .destinationHeld: "0019"
        case .destinationRecovered: "001a"
        case .manifestPublished: "001b"
        case .manifestConflict: "001c"
        case .merged: "001d"
        case .retired: "001e"
        case .spoolFull: "001f"
        case .spoolRecovered: "0020"
        case .persistenceFailed: "0021"
        case .laneStalled: "0022"
        case .peerRefused: "0023"
        case .debug: "0024"
        case .rootPolled: "0025"
        case .clockJumped: "0026"
        case .privacyChanged: "0030"
        case .catalogDamaged: "0031"
        case .notTakenThere: "0060"
        case .linkAdded: "0061"
        case .rewritten: "0040"
        case .rewriteFailed: "0041"
        case .segmentQuarantined: "0052"
        case .quarantineDropped: "0053"
        case .deliveryPaused: "0054"
        case .deliveryResumed: "0055"
        case .limitChanged: "0056"
        }
    }
}

/// Where events go: the journal, a terminal, or a test's list.
package protocol EventLog: Sendable {
    func record(_ event: Event)
}
