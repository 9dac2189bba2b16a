import Delivery
import Shared
import Store
import Synchronization

/// Where in one store each session is written by us: asked of the store before the first put of a session in this
/// process's life, then known.
///
/// No manifest: we become its first writer, by putting one that lists nothing; of several that do so one wins. Ours: we go
/// on. Another's: we write below `writers/<writer>/`, and our manifest says where theirs ended. A manifest of ours that
/// another has changed, or one that needs what we do not know, is a conflict: nothing of the session is put there.
final class WriterPlaces: Sendable {
    /// How we stand with a session.
    struct Standing: Sendable, Hashable {
        var place: WriterPlace
        /// As whom: an earlier life of ours may be found meanwhile, and then all of it is to be decided anew.
        var writer: String
        /// Of our manifest there; `nil`: it has none of ours yet.
        var version: ObjectVersion?
    }

    /// What a store has of a session.
    private struct Finding: Sendable {
        var isForgotten: Bool
        var first: ObjectVersion?
        var further: ObjectVersion?
        var manifests: [FoundManifest] = []

        /// - Parameter isVacant: a listing shows nothing of the session: what is there all the same meets our claim.
        init(
            of session: SessionID, writer: String, in sink: any SessionSink, isVacant: Bool
        ) async throws(DeliveryError) {
            isForgotten = try await sink.isForgotten(session)
            guard !isForgotten, !isVacant else { return }
            // Before they are read: if one changes meanwhile, what we know is an older one, and that is noticed.
            first = try await sink.version(of: session, writer: writer, place: .first)
            manifests = try await sink.manifests(of: session)
            let home = sink.folder(of: session, writer: writer, place: .first)
            guard let found = manifests.first, found.folder != home || found.manifest.writer != writer else { return }
            further = try await sink.version(of: session, writer: writer, place: .further)
            if further != nil { manifests = try await sink.manifests(of: session) }
        }
    }

    let destination: String
    let sink: any SessionSink
    let store: Store
    let objects: ObjectFinder
    private let known = Mutex<[SessionID: Standing]>([:])
    private let readingPlaces = Mutex<[SessionID: WriterPlace]>([:])
    private let vacant = VacantSessions()

    init(destination: String, sink: any SessionSink, store: Store, objects: ObjectFinder) {
        self.destination = destination
        self.sink = sink
        self.store = store
        self.objects = objects
    }

    /// Whether a listing shows nothing of the session in the store. Remembered for the claim that follows.
    func isVacant(_ session: SessionID) async throws(DeliveryError) -> Bool {
        let now = objects.world.time.now
        guard try await sink.isVacant(session) else { return false }
        vacant.note(session, at: now)
        return true
    }

    /// Whether the session is new in the store, as far as can be told by one look at a listing.
    private func isNew(_ session: SessionID) async throws(DeliveryError) -> Bool {
        // Of what we have put there a listing is not enough to say that it is gone.
        guard try await !hasReceipts(of: session) else { return false }
        if vacant.take(session, at: objects.world.time.now) { return true }
        return try await sink.isVacant(session)
    }

    /// Where our objects of the session are, or would be. Changes nothing in the store.
    func place(of session: SessionID) async throws(DeliveryError) -> WriterPlace {
        if !sink.isReadable { return .first }
        if let standing = known.withLock({ $0[session] }) { return standing.place }
        return try await standing(of: session).place
    }

    /// Where our objects of the session are, though somebody else may write there: reading them disturbs nobody.
    func readingPlace(of session: SessionID) async throws(DeliveryError) -> WriterPlace {
        if !sink.isReadable { return .first }
        if let standing = known.withLock({ $0[session] }) { return standing.place }
        if let place = readingPlaces.withLock({ $0[session] }) { return place }
        let writer = try await writer(of: session)
        let home = sink.folder(of: session, writer: writer, place: .first)
        // One that is damaged says nothing of where ours is: those that are whole do, and what lies below our own name.
        let readings = try await sink.readings(of: session, besides: nil)
        let found = readings.compactMap { if case .success(let found) = $0 { found } else { nil } }
        var place = WriterPlace.first
        if let ours = found.first(where: { $0.manifest.writer == writer }) {
            place = ours.folder == home ? .first : .further
        } else if try await sink.version(of: session, writer: writer, place: .further) != nil {
            place = .further
        } else if try await !hasReceipts(of: session) {
            // Nothing of ours was put: where it would be.
            for reading in readings { _ = try reading.get() }
            if found.contains(where: { $0.folder == home && $0.manifest.writer != nil }) { place = .further }
        }
        remember(place, of: session)
        return place
    }

    private func remember(_ place: WriterPlace, of session: SessionID) {
        readingPlaces.withLock { known in
            if known.count > 8192 { known.removeAll() }
            known[session] = place
        }
    }

    private func hasReceipts(of session: SessionID) async throws(DeliveryError) -> Bool {
        let id = try id()
        do throws(StoreError) {
            return try await store.hasReceipts(of: session, at: id)
        } catch {
            throw DeliveryError(.transient, error.description)
        }
    }

    /// Where the session is to be written, which nobody else does: our manifest is there.
    func claimed(_ session: SessionID) async throws(DeliveryError) -> Standing {
        let writer = try await writer(of: session)
        // Nobody could be asked: by agreement nobody else writes there.
        if !sink.isReadable { return Standing(place: .first, writer: writer, version: nil) }
        if let standing = known.withLock({ $0[session] }), standing.version != nil, standing.writer == writer {
            return standing
        }
        var standing = try await standing(of: session, isVacant: isNew(session))
        // Whoever else was first is looked at again; a claim of ours whose answer was lost, too.
        for _ in 0..<3 where standing.version == nil {
            do throws(DeliveryError) {
                let claim = try await emptyManifest(of: session, as: standing.writer)
                let put = try await publish(claim, of: session, standing)
                // Read back: of several that put theirs, where a store cannot tell them apart, one has won.
                let found = try await sink.manifest(of: session, writer: put.writer, place: put.place)
                if found == claim { return put }
            } catch {
                if error.code != .conflict { throw error }
            }
            standing = try await self.standing(of: session)
        }
        guard standing.version != nil else {
            throw DeliveryError(
                .transient, "the manifest of session \(session) was put in destination \(destination) and is not there")
        }
        return standing
    }

    /// Puts our manifest in the place of the one that we know, which is looked at right before.
    ///
    /// - Throws: `conflict` when something else is there; who asks then how we stand with the session reads that.
    func publish(
        _ manifest: [UInt8], of session: SessionID, _ standing: Standing
    ) async throws(DeliveryError) -> Standing {
        var next = standing
        do throws(DeliveryError) {
            next.version = try await sink.publish(
                manifest, of: session, writer: standing.writer, place: standing.place,
                replacing: standing.version)
        } catch {
            // It may be there all the same.
            known.withLock { _ = $0.removeValue(forKey: session) }
            throw error
        }
        know(next, of: session)
        return next
    }

    private func know(_ standing: Standing, of session: SessionID) {
        remember(standing.place, of: session)
        known.withLock { known in
            // Asking again costs a read; knowing every session for ever costs memory.
            if known.count > 8192 { known.removeAll() }
            known[session] = standing
        }
    }

    private func standing(of session: SessionID, isVacant: Bool = false) async throws(DeliveryError) -> Standing {
        var writer = try await writer(of: session)
        var survey: Finding
        while true {
            let asked = writer
            survey = try await finding(session, asked, isVacant)
            writer = try await self.writer(of: session)
            if writer == asked { break }
        }
        if survey.isForgotten {
            try await removeOurs(of: session, as: writer)
            throw DeliveryError(
                .conflict, "session \(session) was forgotten in destination \(destination): nothing of it is put there",
                hint:
                    "uploaderctl forget \(session) forgets it here, too; or remove its forgotten.json there, if that is not "
                    + "meant any more")
        }
        let standing: Standing
        do {
            let place = try await decided(session, writer, survey.manifests)
            standing = Standing(
                place: place, writer: writer, version: place == .first ? survey.first : survey.further)
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw DeliveryError(.transient, "could not read what is known of session \(session): \(error)")
        }
        know(standing, of: session)
        return standing
    }

    /// - Throws: about a manifest that cannot be read, with the destination's name.
    private func finding(
        _ session: SessionID, _ writer: String, _ isVacant: Bool
    ) async throws(DeliveryError) -> Finding {
        do throws(DeliveryError) {
            return try await withTaskExecutorPreference(sink.lane) { () async throws(DeliveryError) in
                try await Finding(of: session, writer: writer, in: sink, isVacant: isVacant)
            }
        } catch {
            guard error.code == .conflict else { throw error }
            var named = error
            named.message = "in destination \(destination): \(error.message)"
            throw named
        }
    }

    private func decided(
        _ session: SessionID, _ writer: String, _ found: [FoundManifest]
    ) async throws -> WriterPlace {
        for manifest in found {
            if let unknown = manifest.manifest.unknownNeeds {
                throw DeliveryError(
                    .conflict,
                    "the manifest of session \(session) in destination \(destination) needs what this version does not know: "
                        + unknown,
                    hint: "upgrade uploaderd on this machine")
            }
        }
        let home = sink.folder(of: session, writer: writer, place: .first)
        if let ours = found.first(where: { $0.manifest.writer == writer }) {
            try await requireOurs(ours, session)
            return ours.folder == home ? .first : .further
        }
        guard let first = found.first(where: { $0.folder == home }) else {
            try await requireReceipts(of: session, besides: nil, in: home)
            return .first
        }
        if let theirs = first.manifest.writer, try await hasReceipts(of: session) {
            // What we put was listed by a manifest of ours; below another folder nobody would find it.
            throw DeliveryError(
                .conflict,
                "our manifest of session \(session) in destination \(destination) is gone, and there is one of writer \(theirs)",
                hint:
                    "put ours back: manifests/ in the state directory has it as it was put last"
            )
        }
        guard let theirs = first.manifest.writer else {
            // agent-uploader's: we go on behind it, unless segments of ours lie there already.
            return try await store.takeUp(first.manifest, at: id(), as: .foreign).conflicts.isEmpty ? .first : .further
        }
        // It says where we began: that the other went on since does not change it.
        if try await store.continues(of: session) == nil {
            try await store.setContinues(Self.continuation(of: first.manifest, writer: theirs), of: session)
        }
        return .further
    }

    private func writer(of session: SessionID) async throws(DeliveryError) -> String {
        do throws(StoreError) {
            return try await store.writer(of: session)
        } catch {
            throw DeliveryError(.transient, error.description)
        }
    }

    func id() throws(DeliveryError) -> StoreID {
        guard let id = objects.id(named: destination) else {
            throw DeliveryError(.transient, "destination \(destination) is not open")
        }
        return id
    }
}
