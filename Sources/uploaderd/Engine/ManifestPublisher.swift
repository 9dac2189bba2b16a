import Delivery
import Digests
import Segments
import Shared
import Store

/// Publishes what of a session is safe in a store: checkpoint objects first, then the manifest that names them.
///
/// The manifest is kept in the state directory before it is put, so that a lost catalog can be rebuilt without any store.
struct ManifestPublisher: Sendable {
    let store: Store
    let faults: any FaultHook
    let log: any EventLog
    let board: StatusBoard
    /// How what is listed is joined; `nil`: not at all.
    let policy: MergePolicy?

    private func bound(of session: SessionID) -> MergePolicy? {
        board.has(MergeService.failed, session.rawValue) ? nil : policy
    }

    /// - Returns: the manifest's size in bytes.
    func publish(
        _ session: SessionID, to id: StoreID, _ sink: any SessionSink, _ place: WriterPlace
    ) async throws -> Int {
        let basis = try await store.manifestBasis(of: session, at: id, within: bound(of: session))
        for checkpoint in basis.streams.flatMap(\.newCheckpoints) {
            try await sink.deliver(checkpoint, writer: basis.writer, place: place)
        }
        let bytes = try JSONText.encode(ManifestBuilder.manifest(basis), pretty: true)
        try await store.keep(bytes, for: basis)
        faults.reach(.manifestKept)
        try await sink.publish(bytes, of: session, writer: basis.writer, place: place)
        faults.reach(.manifestPut)
        try await store.recordManifest(basis, digest: RunningDigest.digest(of: bytes))
        log.record(
            Event(
                .manifestPublished, "manifest \(basis.epoch) of the session is published", session: session,
                fields: ["EPOCH": "\(basis.epoch)", "BYTES": "\(bytes.count)"]))
        return bytes.count
    }
}
