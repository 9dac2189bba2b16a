import Delivery
import Shared
import Store

/// What must hold before anything is put in the place of a manifest of ours.
extension WriterPlaces {
    /// Our manifest there must say nothing that contradicts our catalog; what it knows besides is taken up.
    func requireOurs(_ found: FoundManifest, _ session: SessionID) async throws {
        let result = try await ManifestIntake(store: store, objects: objects).takeUp(found, in: sink, at: id())
        guard let first = result.conflicts.first else {
            return try await requireReceipts(of: session, besides: found.manifest, in: found.folder)
        }
        throw DeliveryError(
            .conflict,
            "our manifest of session \(session) in destination \(destination) does not fit what this machine knows: \(first)",
            hint:
                "another daemon writes as us, or the state directory is an old copy; nothing of the session is put there"
        )
    }

    /// What we put before we saw the tombstone; who forgot the session may have listed it before that. Others' objects are theirs.
    func removeOurs(of session: SessionID, as writer: String) async throws(DeliveryError) {
        do {
            let id = try id()
            var removed: [SegmentID] = []
            for (segment, path) in try await store.received(session, at: id, besides: nil)
            where try await store.holders(of: segment).contains(id) {
                // Their names hold their digests, so in the wrong folder there is none of that name.
                for place in [WriterPlace.first, .further] {
                    try await sink.delete(path, in: sink.folder(of: session, writer: writer, place: place))
                }
                removed.append(segment)
            }
            guard !removed.isEmpty else { return }
            _ = try await store.withdraw(receiptsFor: removed, at: id)
            for segment in removed where try await store.holders(of: segment).contains(id) {
                try await store.note(.missing, of: segment, at: id)
            }
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw DeliveryError(.transient, "could not delete what was put of forgotten session \(session): \(error)")
        }
    }

    /// What the store has by our receipts, and its manifest does not name, must be there: a store that was put back from a
    /// backup is older than they are. What has another copy is put again.
    ///
    /// - Parameter manifest: ours there; `nil`: there is none.
    func requireReceipts(of session: SessionID, besides manifest: Manifest?, in folder: String) async throws {
        let id = try id()
        var gone: [SegmentID] = []
        for (segment, path) in try await store.received(session, at: id, besides: manifest) {
            do throws(DeliveryError) {
                _ = try await sink.object(path, in: folder)
            } catch {
                guard error.code == .notFound else { throw error }
                gone.append(segment)
                continue
            }
            try await store.noteWhole(segment, at: id, isRead: false)
        }
        guard !gone.isEmpty, let last = try await store.withdraw(receiptsFor: gone, at: id).first else { return }
        for segment in gone { try await store.note(.missing, of: segment, at: id) }
        throw DeliveryError(
            .conflict,
            "destination \(destination) is older than what was put there: \(last.objectPath) of session \(session) is gone, "
                + "and nowhere else",
            hint: "docs/operations.md, \"Backup of a store\", says how what came after the backup is taken again")
    }
}
