import Delivery
import Shared
import Store
import Synchronization

/// Where in one store each session is written by us: asked of the store before the first put of a session in this
/// process's life, then known.
///
/// No manifest: we are its first writer. Ours: we go on. Another's: we write below `writers/<writer>/`, and our manifest
/// says where theirs ended. A manifest of ours that another has changed, or one that needs what we do not know, is a
/// conflict: nothing of the session is put there.
final class WriterPlaces: Sendable {
    private let destination: String
    private let sink: any SessionSink
    private let store: Store
    private let objects: ObjectFinder
    private let known = Mutex<[SessionID: WriterPlace]>([:])

    init(destination: String, sink: any SessionSink, store: Store, objects: ObjectFinder) {
        self.destination = destination
        self.sink = sink
        self.store = store
        self.objects = objects
    }

    func place(of session: SessionID) async throws(DeliveryError) -> WriterPlace {
        if let place = known.withLock({ $0[session] }) { return place }
        if try await sink.isForgotten(session) {
            throw DeliveryError(
                .conflict, "session \(session) was forgotten in destination \(destination): nothing of it is put there",
                hint: "remove its forgotten.json there if that is not meant any more")
        }
        let place: WriterPlace
        do {
            place = try await decided(session, try await sink.manifests(of: session))
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw DeliveryError(.transient, "could not read what is known of session \(session): \(error)")
        }
        known.withLock { known in
            // Asking again costs a read; knowing every session for ever costs memory.
            if known.count > 8192 { known.removeAll() }
            known[session] = place
        }
        return place
    }

    private func decided(_ session: SessionID, _ found: [FoundManifest]) async throws -> WriterPlace {
        let writer = try await store.writer(of: session)
        for manifest in found {
            let unknown = Set(manifest.manifest.requires).subtracting(Manifest.understood)
            guard unknown.isEmpty, (manifest.manifest.layout ?? 1) <= Manifest.layout else {
                throw DeliveryError(
                    .conflict,
                    "the manifest of session \(session) in destination \(destination) needs what this version does not know: "
                        + unknown.sorted().joined(separator: ", "),
                    hint: "upgrade uploaderd on this machine")
            }
        }
        guard let first = found.first(where: { $0.folder == sink.folder(of: session, writer: writer, place: .first) })
        else { return .first }
        guard let theirs = first.manifest.writer else {
            // agent-uploader's: we go on behind it, unless segments of ours lie there already.
            return try await store.takeUp(first.manifest, at: id(), as: .foreign).conflicts.isEmpty ? .first : .further
        }
        if theirs == writer {
            try await requireOurs(first, session)
            return .first
        }
        try await store.setContinues(Self.continuation(of: first.manifest, writer: theirs), of: session)
        if let ours = found.first(where: { $0.manifest.writer == writer }) { try await requireOurs(ours, session) }
        return .further
    }

    /// Our manifest there must say nothing that contradicts our catalog; what it knows besides is taken up.
    private func requireOurs(_ found: FoundManifest, _ session: SessionID) async throws {
        let result = try await store.takeUp(found.manifest, at: id(), as: .own)
        guard let first = result.conflicts.first else { return }
        throw DeliveryError(
            .conflict,
            "our manifest of session \(session) in destination \(destination) does not fit what this machine knows: \(first)",
            hint:
                "another daemon writes as us, or the state directory is an old copy; nothing of the session is put there"
        )
    }

    private func id() throws(DeliveryError) -> StoreID {
        guard let id = objects.id(named: destination) else {
            throw DeliveryError(.transient, "destination \(destination) is not open")
        }
        return id
    }

    private static func continuation(of manifest: Manifest, writer: String) -> JSONValue {
        let last = manifest.segments.last
        return .object([
            "writer": .string(writer), "stream": .string(StreamName.main.rawValue),
            "generation": .integer(Int64(last?.generation ?? 1)),
            "line": .integer(Int64((last?.firstLine ?? 1) - 1 + (last?.lines ?? 0))),
        ])
    }
}
