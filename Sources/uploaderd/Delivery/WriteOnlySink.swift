import Digests
package import Shared

/// Sessions in a store that cannot be read: everything is put, nothing is asked. There is one writer, by agreement, so each put
/// may take the place of what is there.
package struct WriteOnlySink: SessionSink {
    private let store: any ObjectStore
    private let layout: ObjectLayout
    private let inner: ObjectLayoutSink

    package init(store: any ObjectStore, layout: ObjectLayout) {
        self.store = store
        self.layout = layout
        inner = ObjectLayoutSink(store: store, layout: layout)
    }

    package var lane: (any TaskExecutor)? { store.lane }
    package var isReadable: Bool { false }

    /// Puts the store's id, the known one again: whether anything can be put is known then.
    package func open(proposing id: StoreID, known: StoreID?) async throws(DeliveryError) -> StoreID {
        let id = known ?? id
        guard let key = layout.storeID else {
            throw DeliveryError(.permanent, "the store's id cannot be the name of an object")
        }
        let bytes: [UInt8]
        do { bytes = try JSONText.encode(StoreIdentity(id: id, layout: Manifest.layout)) } catch {
            throw DeliveryError(.permanent, "could not write JSON: \(error)")
        }
        try await store.put(MemoryObject(bytes), to: key, .immutable(RunningDigest.digest(of: bytes)))
        return id
    }

    package func store(known: StoreID?) -> StoreID? { known }

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
        try await inner.publish(manifest, of: session, writer: writer, place: place, replacing: version)
    }

    package func version(of session: SessionID, writer: String, place: WriterPlace) -> ObjectVersion? { nil }
    package func manifest(of session: SessionID, writer: String, place: WriterPlace) -> [UInt8]? { nil }
    package func readings(of session: SessionID, besides folder: String?) -> [Result<FoundManifest, DeliveryError>] {
        []
    }
    package func isForgotten(_ session: SessionID) -> Bool { false }

    package func entomb(_ session: SessionID, _ tombstone: [UInt8]) async throws(DeliveryError) {
        try await inner.entomb(session, tombstone)
    }

    package func erase(_ session: SessionID, manifestsOnly: Bool) throws(DeliveryError) {
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

    /// What is superseded stays there: nobody may remove it with such a URL.
    package func delete(_ relativePath: String, in folder: String) {}

    package func folder(of session: SessionID, writer: String, place: WriterPlace) -> String {
        inner.folder(of: session, writer: writer, place: place)
    }
}
