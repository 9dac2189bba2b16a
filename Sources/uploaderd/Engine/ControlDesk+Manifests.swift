import Delivery
import Digests
import Shared
import Store

/// Whether our manifests are in the stores as they were put: objects that no manifest lists are there, and no reader finds
/// them.
extension ControlDesk {
    /// What is wrong with the session's manifest, by store that was said to have it. It is to be put again there: the publisher
    /// reads what has its place, and takes it up, or says why it cannot.
    func faultsOfManifests(of session: SessionID) async -> [StoreID: Verdict] {
        var faults: [StoreID: Verdict] = [:]
        for (id, shelf) in engine.objects.open where shelf.sink.isReadable {
            do {
                guard let sentence = try await fault(ofManifestOf: session, in: id, on: shelf) else { continue }
                faults[id] = sentence
                try await engine.store.wantManifest(of: session, at: id)
                engine.objects.askAgain()
            } catch let error as DeliveryError where !error.isTransient {
                faults[id] = (.damaged, "the manifest there cannot be read: \(error.message)")
            } catch {
                faults[id] = (.delayed, "the manifest there could not be read: \(error)")
            }
        }
        return faults
    }

    /// - Returns: `nil`: it is what was put last, or none was put yet.
    private func fault(
        ofManifestOf session: SessionID, in id: StoreID, on shelf: ObjectFinder.Shelf
    ) async throws -> Verdict? {
        let writer = try await engine.store.writer(of: session)
        let lane = engine.world.lane(of: session)
        var attempt = 0
        while true {
            attempt += 1
            guard let put = try await engine.store.publishedManifest(of: session, at: id) else { return nil }
            let found = try await withTaskExecutorPreference(lane) {
                let place = try await shelf.readingPlace(session)
                return FoundBytes(try await shelf.sink.manifest(of: session, writer: writer, place: place))
            }
            guard let digest = put.digest else { return try await fault(of: found, session, in: id, put.isBehind) }
            if found.digest == digest { return nil }
            // One that is being put just now is there before it is known here.
            if put.isBehind, attempt < 3 {
                try await engine.world.time.sleep(for: .milliseconds(100))
                continue
            }
            if try await engine.store.publishedManifest(of: session, at: id)?.digest != digest, attempt < 9 { continue }
            return Self.verdict(found.digest == nil ? "is not there" : "is not the one that was put last", found)
        }
    }

    /// An earlier life put it, of which nobody knows any more what it was: it has to list what the store is said to have.
    private func fault(
        of found: FoundBytes, _ session: SessionID, in id: StoreID, _ isBehind: Bool
    ) async throws -> Verdict? {
        if found.digest != nil, found.manifest == nil { return Self.verdict("cannot be read", found) }
        // What it does not list yet the next one will.
        if isBehind { return nil }
        let missed = try await engine.store.received(session, at: id, besides: found.manifest)
        if missed.isEmpty { return nil }
        return Self.verdict(found.digest == nil ? "is not there" : "leaves out \(missed.count) segments", found)
    }

    private static func verdict(_ what: String, _ found: FoundBytes) -> Verdict {
        (
            found.digest == nil ? .missing : .damaged,
            "the manifest that lists it \(what): readers do not find it; it is put again, unless health says why not"
        )
    }
}

/// What was found where our manifest should be.
private struct FoundBytes: Sendable {
    /// `nil`: nothing.
    var digest: Digest256?
    /// `nil`: what is there is none.
    var manifest: Manifest?

    init(_ bytes: [UInt8]?) {
        digest = bytes.map { RunningDigest.digest(of: $0) }
        do { manifest = try bytes.map { try Manifest(reading: $0) } } catch { manifest = nil }
    }
}
