import Shared
import Synchronization

/// The sessions whose small segments cannot be joined now: their manifests list them as they are, for a long manifest is
/// better than one that leaves something out.
///
/// Health says so, too, but has a limit, and nothing may depend on what is said.
final class UnjoinedSessions: Sendable {
    private let sessions = Mutex<Set<SessionID>>([])

    /// - Returns: whether it was not among them.
    func insert(_ session: SessionID) -> Bool { sessions.withLock { $0.insert(session).inserted } }

    func remove(_ session: SessionID) { sessions.withLock { _ = $0.remove(session) } }

    func contains(_ session: SessionID) -> Bool { sessions.withLock { $0.contains(session) } }
}
