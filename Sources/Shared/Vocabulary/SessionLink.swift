/// A page that belongs to a session, as somebody said: `links[]` of `session` in a manifest.
///
///     {"added_at":"2026-11-22T08:20:00Z","title":"Fix the parser","url":"https://github.com/o/r/pull/7"}
package struct SessionLink: Hashable, Sendable, Codable {
    package var url: String
    package var title: String?
    /// RFC 3339.
    package var addedAt: String?

    package init(url: String, title: String? = nil, addedAt: String? = nil) {
        self.url = url
        self.title = title
        self.addedAt = addedAt
    }

    enum CodingKeys: String, CodingKey {
        case url, title
        case addedAt = "added_at"
    }

    /// - Returns: `nil` for what is none: anybody may have written the manifest.
    package init?(_ value: JSONValue) {
        guard let url = value["url"]?.text else { return nil }
        self.init(url: url, title: value["title"]?.text, addedAt: value["added_at"]?.text)
    }

    package var json: JSONValue {
        var members: [String: JSONValue] = ["url": .string(url)]
        members["title"] = title.map { .string($0) }
        members["added_at"] = addedAt.map { .string($0) }
        return .object(members)
    }
}
