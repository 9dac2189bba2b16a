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
    case rootWatched, rootMissing, watchLimit, queueOverflow, sourceUnreadable, sourceRefused
    case generationStarted, lineWithheld, segmentSealed, sealFailed
    case recovered, catalogSetAside, spoolFileRefused, sessionUnresolved, sessionTakenUp
    case delivered, deliveryFailed, destinationHeld, destinationRecovered, manifestPublished, manifestConflict
    case merged, retired, spoolFull, spoolRecovered, persistenceFailed, laneStalled, peerRefused, debug

    package var priority: Priority {
        switch self {
        case .sealFailed, .catalogSetAside, .destinationHeld, .persistenceFailed, .manifestConflict, .laneStalled:
            .error
        case .reloadRefused, .watchLimit, .queueOverflow, .sourceUnreadable, .sourceRefused, .lineWithheld,
            .spoolFileRefused, .sessionUnresolved, .deliveryFailed, .spoolFull, .peerRefused:
            .warning
        case .started, .ready, .stopping, .stopped, .reloaded, .configuration, .generationStarted, .recovered,
            .destinationRecovered, .spoolRecovered, .sessionTakenUp, .rootMissing:
            .notice
        case .rootWatched, .merged: .info
        case .segmentSealed, .delivered, .manifestPublished, .retired, .debug: .debug
        }
    }

    /// 32 hexadecimal digits: sd_id128.
    package var messageID: String {
        let serial = EventKind.allCases.firstIndex(of: self).map { $0 + 1 } ?? 0
        let digits = String(serial, radix: 16)
        return "6b5d0c7e2f3a4e5b9a1c8d70f4e2" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}

/// Where events go: the journal, a terminal, or a test's list.
package protocol EventLog: Sendable {
    func record(_ event: Event)
}
