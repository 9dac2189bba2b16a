/// One thing that is not as it should be. No entries: healthy.
package struct HealthEntry: Hashable, Sendable, Codable {
    /// Stable word for programs: `destination_held`, `source_unreadable`, …
    package var kind: String
    /// What it concerns: a path, a destination's name, a session id. With `kind` it is the entry's identity.
    package var subject: String
    package var message: String
    package var hint: String?
    /// RFC 3339.
    package var since: String

    package init(kind: String, subject: String, message: String, hint: String? = nil, since: String) {
        self.kind = kind
        self.subject = subject
        self.message = message
        self.hint = hint
        self.since = since
    }
}
