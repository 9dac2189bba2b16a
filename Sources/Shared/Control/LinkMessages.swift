/// A page that is to be kept with a session.
package struct AddLinkRequest: Hashable, Sendable {
    package var sid: SessionID
    package var url: String
    package var title: String?

    /// - Returns: `nil` for a URL that is none of the web's, carries a password, or is longer than 2,048 bytes; for a title that
    ///   is empty, longer than 512 bytes, or holds a control character.
    package init?(sid: SessionID, url: String, title: String? = nil) {
        guard Self.isPage(url) else { return nil }
        if let title {
            guard (1...512).contains(title.utf8.count),
                title.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
            else { return nil }
        }
        self.sid = sid
        self.url = url
        self.title = title
    }

    package static func isPage(_ url: String) -> Bool {
        guard url.utf8.count <= 2048, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let scheme = ["https://", "http://"].first(where: url.hasPrefix)
        else { return false }
        let host = url.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !host.isEmpty && !host.contains("@")
    }
}

package struct AddLinkReply: Hashable, Sendable, Codable {
    /// It was not there, or had another title.
    package var changed: Bool

    package init(changed: Bool) { self.changed = changed }
}
