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
    /// How what is listed is joined; `nil`: not at all.
    let policy: MergePolicy?
    let unjoined: UnjoinedSessions
    private let checkpoints = PutCheckpoints()

    init(
        store: Store, faults: any FaultHook, log: any EventLog, policy: MergePolicy?, unjoined: UnjoinedSessions
    ) {
        self.store = store
        self.faults = faults
        self.log = log
        self.policy = policy
        self.unjoined = unjoined
    }

    private static nonisolated func encoded(_ basis: ManifestBasis) async throws -> [UInt8] {
        try JSONText.encode(ManifestBuilder.manifest(basis), pretty: true)
    }

    private func bound(of session: SessionID) -> MergePolicy? {
        unjoined.contains(session) ? nil : policy
    }

    /// Nothing is put over a manifest that is not the one that was put last: that is read first, and taken up.
    ///
    /// - Parameter lane: where the manifest is written out: a long one is work.
    /// - Returns: the manifest's size in bytes.
    func publish(
        _ session: SessionID, to id: StoreID, _ places: WriterPlaces, encodingOn lane: any TaskExecutor
    ) async throws -> Int {
        var attempts = 0
        while true {
            // A conflict that this throws is for somebody to look at.
            let standing = try await places.claimed(session)
            do {
                return try await publish(session, to: id, places, standing, lane)
            } catch let error as DeliveryError where error.code == .conflict && attempts < 3 {
                attempts += 1  // it is not the manifest that we put last
            }
        }
    }

    private func publish(
        _ session: SessionID, to id: StoreID, _ places: WriterPlaces, _ standing: WriterPlaces.Standing,
        _ lane: any TaskExecutor
    ) async throws -> Int {
        let basis = try await store.manifestBasis(of: session, at: id, within: bound(of: session))
        guard basis.writer == standing.writer else {
            throw DeliveryError(.conflict, "an earlier life of session \(session) was found meanwhile")
        }
        if let contradiction = basis.contradiction {
            // The one that is there stays: it was right.
            throw DeliveryError(
                .conflict, "no manifest of session \(session) can be made: the catalog says that \(contradiction)",
                hint:
                    "stop uploaderd, move catalog.db and what begins with its name away, and start it: the catalog is made "
                    + "anew from the spool and the manifests")
        }
        let folder = PutCheckpoints.Folder(
            store: id, path: places.sink.folder(of: session, writer: basis.writer, place: standing.place))
        for checkpoint in checkpoints.missing(of: basis.streams.flatMap(\.newCheckpoints), in: folder) {
            try await places.sink.deliver(checkpoint, writer: basis.writer, place: standing.place)
            checkpoints.note(checkpoint, in: folder)
        }
        let bytes = try await withTaskExecutorPreference(lane) {
            try await Self.encoded(basis)
        }
        try await store.keep(bytes, for: basis)
        _ = try await places.publish(bytes, of: session, standing)
        faults.reach(.manifestPut)
        try await store.recordManifest(basis, digest: RunningDigest.digest(of: bytes))
        checkpoints.forget(folder)
        log.record(
            Event(
                .manifestPublished, "manifest \(basis.epoch) of the session is published", session: session,
                fields: ["EPOCH": "\(basis.epoch)", "BYTES": "\(bytes.count)"]))
        return bytes.count
    }
}
