/// What is to be sealed, and whether to wait until it is delivered.
package struct FlushRequest: Hashable, Sendable {
    package enum Scope: Hashable, Sendable {
        case everything
        case session(SessionID)
        /// Absolute.
        case file(String)
    }

    package var scope: Scope
    package var wait: Bool

    package init(_ scope: Scope, wait: Bool) {
        self.scope = scope
        self.wait = wait
    }
}

package struct FlushReply: Hashable, Sendable, Codable {
    /// Segments that were sealed by this call.
    package var sealed: Int
    /// Segments that are not in every required destination yet.
    package var queued: Int
    package var queuedBytes: Int64
    /// Files that are not taken yet, because a store that may know their session does not answer.
    package var unresolved: Int
    /// Why other files are not taken to their end, a sentence each.
    package var notTaken: [String]
    /// Destinations for which waiting longer would not help.
    package var held: [String]
    /// Destinations that are waited for.
    package var waitingFor: [String]

    /// More of them would fit no reply; the last one says how many there are besides.
    private static let mostSentences = 100

    package init(
        sealed: Int, queued: Int, queuedBytes: Int64, unresolved: Int = 0, notTaken: [String] = [],
        held: [String] = [], waitingFor: [String] = []
    ) {
        self.sealed = sealed
        self.queued = queued
        self.queuedBytes = queuedBytes
        self.unresolved = unresolved
        self.notTaken = notTaken
        if notTaken.count > Self.mostSentences {
            self.notTaken = notTaken.prefix(Self.mostSentences) + ["\(notTaken.count - Self.mostSentences) more files"]
        }
        self.held = held
        self.waitingFor = waitingFor
    }

    enum CodingKeys: String, CodingKey {
        case sealed, queued, unresolved, held
        case notTaken = "not_taken"
        case waitingFor = "waiting_for"
        case queuedBytes = "queued_bytes"
    }
}

package struct ReloadReply: Hashable, Sendable, Codable {
    /// The file that was read; `nil`: there is none, the defaults hold.
    package var file: String?
    /// The keys whose value is another one now.
    package var changed: [String]

    package init(file: String?, changed: [String]) {
        self.file = file
        self.changed = changed
    }
}

package struct ConfigurationReply: Hashable, Sendable, Codable {
    package var file: String?
    package var settings: [Setting]

    package init(file: String?, settings: [Setting]) {
        self.file = file
        self.settings = settings
    }

    package struct Setting: Hashable, Sendable, Codable {
        package var key: String
        /// As it would stand in the file.
        package var value: String
        package var origin: String

        package init(key: String, value: String, origin: String) {
            self.key = key
            self.value = value
            self.origin = origin
        }
    }
}

/// The answer of `org.varlink.service.GetInfo`.
package struct ServiceInfo: Hashable, Sendable, Codable {
    package var vendor = Product.vendor
    package var product = Product.name
    package var version = Product.version
    package var url = Product.url
    package var interfaces = [ControlInterface.serviceName, ControlInterface.name]

    package init() {}
}
