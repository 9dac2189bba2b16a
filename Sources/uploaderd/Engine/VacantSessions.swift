import Shared
import Synchronization

/// Sessions of which a store's listing has shown nothing a moment ago: their intake asked, and their claim need not ask again.
struct VacantSessions: ~Copyable, Sendable {
    private let seen = Mutex<[SessionID: Instant]>([:])

    /// How long a listing is believed: a session's first lines are cut by then.
    private static let longest: Duration = .seconds(60)
    /// More than are ever taken in within that time; asking again costs a request.
    private static let most = 8192

    func note(_ session: SessionID, at now: Instant) {
        seen.withLock { seen in
            if seen.count > Self.most { seen = seen.filter { now - $0.value < Self.longest } }
            if seen.count > Self.most { seen.removeAll() }
            seen[session] = now
        }
    }

    /// Whether it was noted and is to be believed: once, for then something is put there.
    func take(_ session: SessionID, at now: Instant) -> Bool {
        guard let noted = seen.withLock({ $0.removeValue(forKey: session) }) else { return false }
        return now - noted < Self.longest
    }
}
