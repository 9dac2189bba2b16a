package import Shared

/// Where in a store this daemon writes a session.
package enum WriterPlace: String, Hashable, Sendable, Codable {
    /// In the session's own folder: it is the session's first writer.
    case first
    /// Below `writers/<writer>/`: the session has another first writer.
    case further
}

/// A segment on its way out.
package struct OutgoingSegment: Sendable {
    package var record: SegmentRecord
    package var writer: String
    package var place: WriterPlace
    package var bytes: any ObjectBytes & Sendable
    /// What is known of the session; only for a `LineSink`.
    package var facts: SessionFacts?
    /// The lines right before it are lost: nobody has them any more. Only for a `LineSink`.
    package var followsLost = false

    package init(
        record: SegmentRecord, writer: String, place: WriterPlace, bytes: any ObjectBytes & Sendable,
        facts: SessionFacts? = nil
    ) {
        self.record = record
        self.writer = writer
        self.place = place
        self.bytes = bytes
        self.facts = facts
    }
}

/// A manifest that was found, and where.
package struct FoundManifest: Sendable {
    package var manifest: Manifest
    package var bytes: [UInt8]
    /// The folder that its paths are relative to.
    package var folder: String

    package init(manifest: Manifest, bytes: [UInt8], folder: String) {
        self.manifest = manifest
        self.bytes = bytes
        self.folder = folder
    }
}

/// What a destination does with sessions. `ObjectLayoutSink` is the one over any object store; line and file services
/// are others.
///
/// Every call may be repeated. Order is the caller's: segments, then checkpoints, then the manifest that names them.
package protocol SessionSink: Sendable {
    /// The store's id, made when the store is empty of one.
    ///
    /// - Parameter known: the id that the store had before. Then a store without one is not made into another: that is
    ///   `unusable`.
    func open(proposing id: StoreID, known: StoreID?) async throws(DeliveryError) -> StoreID

    /// The id of the store that is there; changes nothing.
    ///
    /// - Returns: `nil` when there is none yet.
    /// - Throws: `unusable` when there was one, of the id `known`, and there is none.
    func store(known: StoreID?) async throws(DeliveryError) -> StoreID?

    func deliver(_ segment: OutgoingSegment) async throws(DeliveryError)
    func deliver(_ checkpoint: CheckpointRecord, writer: String, place: WriterPlace) async throws(DeliveryError)

    /// Puts a manifest of ours in the place of the one that we last saw there.
    ///
    /// - Parameter version: of that one; `nil`: there was none.
    /// - Returns: what is there now.
    /// - Throws: `conflict` when something else is there; it stays.
    func publish(
        _ manifest: [UInt8], of session: SessionID, writer: String, place: WriterPlace,
        replacing version: ObjectVersion?
    ) async throws(DeliveryError) -> ObjectVersion

    /// Of what is there now where our manifest is, or would be; `nil`: nothing.
    func version(of session: SessionID, writer: String, place: WriterPlace) async throws(DeliveryError)
        -> ObjectVersion?

    /// The bytes of our manifest there, or of what is in its place; `nil`: nothing.
    func manifest(of session: SessionID, writer: String, place: WriterPlace) async throws(DeliveryError) -> [UInt8]?

    /// All manifests of a session: its first writer's first; in the place of one that is damaged, why it cannot be read.
    ///
    /// - Parameter folder: of one that is left out.
    /// - Returns: `[]` only when there are none.
    /// - Throws: when the store does not answer.
    func readings(of session: SessionID, besides folder: String?) async throws(DeliveryError)
        -> [Result<FoundManifest, DeliveryError>]

    /// Whether a listing shows nothing of the session, of any writer: one request instead of several. Where listings come late
    /// it is not the last word.
    func isVacant(_ session: SessionID) async throws(DeliveryError) -> Bool

    /// Whether the session was forgotten: nothing of it is ever put again.
    func isForgotten(_ session: SessionID) async throws(DeliveryError) -> Bool

    /// Puts the tombstone, if there is none; from then on `isForgotten`.
    func entomb(_ session: SessionID, _ tombstone: [UInt8]) async throws(DeliveryError)

    /// Deletes what the store has of the session, of every writer: its manifests, or all but the tombstone.
    ///
    /// - Throws: `permanent` where the store deletes nothing.
    func erase(_ session: SessionID, manifestsOnly: Bool) async throws(DeliveryError)

    /// Every manifest in the store, one call of `body` each; one that cannot be read is handed over as the error that
    /// says so, and ends nothing.
    ///
    /// - Throws: what `body` throws; `DeliveryError` when the store cannot be listed.
    func eachManifest(_ body: @Sendable (Result<FoundManifest, DeliveryError>) async throws -> Void) async throws

    /// The object that a manifest in `folder` names `relativePath`.
    func object(_ relativePath: String, in folder: String) async throws(DeliveryError) -> any ObjectBytes & Sendable

    func delete(_ relativePath: String, in folder: String) async throws(DeliveryError)

    func folder(of session: SessionID, writer: String, place: WriterPlace) -> String

    /// Where its calls block; `nil`: nowhere. Several calls in a row are made from there, and change threads once.
    var lane: (any TaskExecutor)? { get }

    /// Whether what was put can be read back. Where it cannot there is one writer, by agreement, and nothing is asked.
    var isReadable: Bool { get }

    /// Whether what was put can be deleted, though it may not be readable.
    var isDeleting: Bool { get }
}

extension SessionSink {
    package var isReadable: Bool { true }
    package var isDeleting: Bool { isReadable }

    /// Nobody knows without asking more.
    package func isVacant(_ session: SessionID) async throws(DeliveryError) -> Bool { false }

    /// The same for whoever needs every one of them.
    ///
    /// - Throws: also when one is damaged.
    package func manifests(
        of session: SessionID, besides folder: String? = nil
    ) async throws(DeliveryError) -> [FoundManifest] {
        try await readings(of: session, besides: folder).map { (reading) throws(DeliveryError) in try reading.get() }
    }
}
