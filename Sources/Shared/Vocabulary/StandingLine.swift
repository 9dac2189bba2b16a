/// One line of `private.txt` or `forgotten.txt`, without its end: a time, what was said, and of which session.
///
///     2026-11-22T05:00:00Z private ses_1
package struct StandingLine: Equatable, Sendable {
    package var at: WallTime
    package var standing: SessionStanding
    package var session: SessionID

    package init(at: WallTime, standing: SessionStanding, session: SessionID) {
        self.at = at
        self.standing = standing
        self.session = session
    }

    /// - Returns: `nil` for what is no such line.
    package init?(_ bytes: ArraySlice<UInt8>) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, let at = RFC3339.parse(String(parts[0])),
            let standing = SessionStanding(rawValue: String(parts[1])), let session = SessionID(String(parts[2]))
        else { return nil }
        self.init(at: at, standing: standing, session: session)
    }

    package var text: String { "\(RFC3339.text(at)) \(standing.rawValue) \(session)" }
}
