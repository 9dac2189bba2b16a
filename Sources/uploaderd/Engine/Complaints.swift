import Shared
import Store

/// What a destination has refused, of each session, and not taken since: health names the session as long as there is something.
struct Complaints {
    enum Matter: Hashable {
        case segment(SegmentID)
        case manifest
        /// To be deleted.
        case object(DueObject)
    }

    private var open: [SessionID: Set<Matter>] = [:]

    mutating func note(_ matter: Matter, of session: SessionID) { open[session, default: []].insert(matter) }

    /// - Returns: whether it was the last one of the session.
    mutating func settle(_ matter: Matter, of session: SessionID) -> Bool {
        guard open[session]?.remove(matter) != nil, open[session]?.isEmpty ?? false else { return false }
        open[session] = nil
        return true
    }
}

extension StatusBoard {
    /// Nothing of the session is refused there any more, or what is will be said anew.
    func clearRefusals(of session: SessionID, by destination: String) {
        for kind in ["delivery_conflict", "delivery_refused"] { clear(kind, "\(destination)/\(session)") }
    }
}
