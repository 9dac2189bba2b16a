package import Shared

/// What somebody, or a hook, said of a session, for whoever is told of it.
extension Store {
    /// Keeps a link with the session; one with the same URL has its title replaced. Durable when this returns; the session's
    /// manifests are made again.
    ///
    /// - Returns: whether anything is new.
    /// - Throws: `unknown`.
    package func add(_ link: SessionLink, to session: SessionID) throws(StoreError) -> Bool {
        let catalog = try catalog()
        let row = try knownSession(session)
        return try catalog.transaction { () throws(StoreError) in
            var links = try facts(of: row).links ?? []
            if let index = links.firstIndex(where: { SessionLink($0)?.url == link.url }) {
                guard let known = SessionLink(links[index]), let title = link.title, title != known.title else {
                    return false
                }
                links[index] = SessionLink(url: link.url, title: title, addedAt: known.addedAt).json
            } else {
                links.append(link.json)
            }
            var news = SessionFacts()
            news.links = links
            guard try lay(news, over: row) else { return false }
            try wantManifests(of: row)
            return true
        }
    }

    /// What a hook was given when the session ended; `nil`: none told of it.
    package func endPayload(of session: SessionID) throws(StoreError) -> JSONValue? {
        let found = try catalog().row(
            "SELECT payload FROM captures WHERE sid = ?1 AND end_reason IS NOT NULL AND payload IS NOT NULL", session
        ) { (row) throws(StoreError) in try row.json(0, JSONValue.self) }
        return found
    }
}
