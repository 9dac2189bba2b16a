import Digests
package import Shared

/// Sessions in a store that cannot be read: everything is put, and nothing of what it holds is asked. There is one writer, by
/// agreement, so each put may take the place of what is there.
package struct WriteOnlySink: SessionSink {
    private let store: any ObjectStore
    private let layout: ObjectLayout
    /// What is there can be looked at, listed and deleted all the same: it is encrypted, and the key is elsewhere.
    private let canLook: Bool
    private let inner: ObjectLayoutSink

    package init(store: any ObjectStore, layout: ObjectLayout, canLook: Bool = false) {
        self.store = store
        self.layout = layout
        self.canLook = canLook
        inner = ObjectLayoutSink(store: store, layout: layout)
    }

    package var lane: (any TaskExecutor)? { store.lane }
    package var isReadable: Bool { false }

    /// Puts the store's id, the known one again: whether anything can be put is known then.
    package func open(proposing id: StoreID, known: StoreID?) async throws(DeliveryError) -> StoreID {
        try await requireThere(known)
        let id = known ?? id
        let key = try storeKey()
        let bytes: [UInt8]
        do { bytes = try JSONText.encode(StoreIdentity(id: id, layout: Manifest.layout)) } catch {
            throw DeliveryError(.permanent, "could not write JSON: \(error)")
        }
        do throws(DeliveryError) {
            try await store.put(MemoryObject(bytes), to: key, .immutable(RunningDigest.digest(of: bytes)))
        } catch {
            guard error.code == .conflict else { throw error }
            throw DeliveryError(
                .unusable,
                "there is a store already, and without an identity it cannot be told whose: object \(key) is not ours",
                hint: "add identity = \"name\" of a file that opens it, or choose another path or prefix",
                retryAfter: DeliveryError.pause)
        }
        return id
    }

    package func store(known: StoreID?) async throws(DeliveryError) -> StoreID? {
        try await requireThere(known)
        return known
    }

    /// What was a store and is empty now is not made into another.
    private func requireThere(_ known: StoreID?) async throws(DeliveryError) {
        guard canLook else { return }
        let key = try storeKey()
        guard try await store.version(of: key) == nil, known != nil else { return }
        throw ObjectLayoutSink.isGone(key)
    }

    private func storeKey() throws(DeliveryError) -> ObjectKey {
        guard let key = layout.storeID else {
            throw DeliveryError(.permanent, "the store's id cannot be the name of an object")
        }
        return key
    }

    package func deliver(_ segment: OutgoingSegment) async throws(DeliveryError) { try await inner.deliver(segment) }

    package func deliver(
        _ checkpoint: CheckpointRecord, writer: String, place: WriterPlace
    ) async throws(DeliveryError) {
        try await inner.deliver(checkpoint, writer: writer, place: place)
    }

    package func publish(
        _ manifest: [UInt8], of session: SessionID, writer: String, place: WriterPlace,
        replacing version: ObjectVersion?
    ) async throws(DeliveryError) -> ObjectVersion {
        var there = version
        if canLook { there = try await inner.version(of: session, writer: writer, place: place) }
        return try await inner.publish(manifest, of: session, writer: writer, place: place, replacing: there)
    }

    package func version(of session: SessionID, writer: String, place: WriterPlace) -> ObjectVersion? { nil }
    package func manifest(of session: SessionID, writer: String, place: WriterPlace) -> [UInt8]? { nil }
    package func readings(of session: SessionID, besides folder: String?) -> [Result<FoundManifest, DeliveryError>] {
        []
    }
    package func isForgotten(_ session: SessionID) async throws(DeliveryError) -> Bool {
        guard canLook, let key = layout.tombstone(of: session) else { return false }
        return try await store.version(of: key) != nil
    }

    package func entomb(_ session: SessionID, _ tombstone: [UInt8]) async throws(DeliveryError) {
        if try await isForgotten(session) { return }
        try await inner.entomb(session, tombstone)
    }

    package func erase(_ session: SessionID, manifestsOnly: Bool) async throws(DeliveryError) {
        if canLook { return try await inner.erase(session, manifestsOnly: manifestsOnly) }
        throw DeliveryError(
            .permanent, "what was put of session \(session) cannot be deleted: the destination only takes objects",
            hint: "delete the folder \(layout.folder(of: session)) there yourself; its forgotten.json may stay")
    }
    package func eachManifest(_ body: @Sendable (Result<FoundManifest, DeliveryError>) async throws -> Void) {}

    package func object(_ relativePath: String, in folder: String) async throws(DeliveryError) -> any ObjectBytes
        & Sendable
    {
        try await inner.object(relativePath, in: folder)
    }

    /// Where nothing can be deleted, what is superseded stays.
    package func delete(_ relativePath: String, in folder: String) async throws(DeliveryError) {
        if canLook { try await inner.delete(relativePath, in: folder) }
    }

    package func folder(of session: SessionID, writer: String, place: WriterPlace) -> String {
        inner.folder(of: session, writer: writer, place: place)
    }
}
