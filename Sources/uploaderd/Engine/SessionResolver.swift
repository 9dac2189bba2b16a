import Delivery
import Shared
import Store

/// Finds out what stores already have of a session that the catalog does not know: of an earlier life of this machine, or
/// of agent-uploader. Asked before the session's first line is cut, so that no sequence number is used twice and nothing
/// is uploaded again.
///
/// Only stores that are open are asked. While the catalog is known to be lost and a store is not open, such a session is
/// unresolved: nothing of it is cut, and health says so.
struct SessionResolver: Sendable {
    let store: Store
    let objects: ObjectFinder
    let machine: String
    let board: StatusBoard
    /// The catalog was lost: what it knew may be in a store.
    let isStateLost: Bool
    /// Names of all destinations that could have something.
    let destinations: [String]

    /// - Throws: `EngineError.unreachable` while the session is unresolved; a store's error.
    func resolve(_ session: SessionID) async throws {
        guard try await store.describe(session) == nil else { return }
        let open = objects.open
        let closed = destinations.filter { name in !open.contains { $0.shelf.name == name } }
        if isStateLost, let name = closed.first {
            board.report(
                "session_unresolved", session.rawValue,
                "the catalog was lost, and destination \(name), which may have the session, cannot be read yet",
                hint: "nothing of the session is lost: it is taken when the destination answers")
            throw EngineError(.unreachable, "session \(session) waits for destination \(name)")
        }
        for (id, shelf) in open {
            for found in try await shelf.sink.manifests(of: session) { try await takeUp(found, at: id) }
        }
        board.clear("session_unresolved", session.rawValue)
    }

    /// Takes up every session of this machine that the store has: after the catalog was lost, for those whose sources are
    /// gone.
    func resolveAll(in id: StoreID) async throws {
        guard let shelf = objects.shelf(id) else { return }
        try await shelf.sink.eachManifest { found in try await takeUp(found, at: id) }
    }

    private func takeUp(_ found: FoundManifest, at id: StoreID) async throws {
        guard found.manifest.sid.utf8.count <= 512, let session = SessionID(found.manifest.sid) else { return }
        guard Set(found.manifest.requires).isSubset(of: Manifest.understood) else { return }
        let isOurs = found.manifest.writer != nil && found.manifest.session?.machine == machine
        let isForeign = found.manifest.writer == nil
        guard isOurs || isForeign else { return }
        let result = try await store.takeUp(found.manifest, at: id, as: isOurs ? .own : .foreign)
        if let first = result.conflicts.first {
            board.report(
                "manifest_conflict", session.rawValue,
                "the manifest of the session in a store does not fit what is known here: \(first)",
                hint: "uploaderctl show \(session)")
        }
    }
}
