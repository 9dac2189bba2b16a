import Delivery
import LinuxSystem
import Shared
import Store
import Synchronization

/// Finds out what stores already have of a session that the catalog does not know: of an earlier life of this machine, or
/// of agent-uploader. Asked before the session's first line is cut, so that no sequence number is used twice and nothing
/// is uploaded again.
///
/// Only stores that can be read are asked, and not waited for longer than `Patience.withStore`. While the catalog is known to
/// be lost and a store does not answer, such a session is unresolved: nothing of it is cut, and health says so.
struct SessionResolver: Sendable {
    let store: Store
    let objects: ObjectFinder
    let world: Surroundings
    let board: StatusBoard
    /// The catalog was lost, and not every store was read since: what it knew may be in one.
    let isStateLost: Bool
    /// There is no catalog of an earlier life, and no trace of one either.
    let isStateNew: Bool
    /// Stores that the first life of this catalog opened, and did not read to their ends.
    let awaited: [StoreID]
    /// When this life began.
    let began: WallTime
    /// Names of all destinations that could have something.
    let destinations: [String]
    /// What is taken up may be nothing that is to leave.
    let judge: PrivacyJudge?
    var isInDoubt: Bool { isStateLost || isStateNew || !awaited.isEmpty }
    /// Stores that can be read are being read, or what they said is being sorted out: who is to say what is delivered waits.
    let asking = Undertaking()
    private let readings = StoreReadings()

    init(
        store: Store, objects: ObjectFinder, world: Surroundings, board: StatusBoard, report: RecoveryReport,
        destinations: [String], judge: PrivacyJudge? = nil
    ) {
        self.judge = judge
        self.store = store
        self.objects = objects
        self.world = world
        self.board = board
        isStateLost = report.storesUnread
        isStateNew = report.fresh
        awaited = report.awaited
        began = world.time.wall
        self.destinations = destinations
    }

    /// - Parameter file: the session's. One that was made in this life has lines in no earlier one's store: where nothing was
    ///   lost it does not wait for a store that is silent.
    /// - Throws: `EngineError.unreachable` while the session is unresolved; a store's error.
    func resolve(_ session: SessionID, of file: FileIdentity?) async throws {
        guard try await store.describe(session) == nil else { return }
        let open = objects.readable
        let isOfThisLife = file.map { $0.birth > began.nanoseconds } ?? false
        let mayBeForgotten = isStateLost || ((isStateNew || !awaited.isEmpty) && !isOfThisLife)
        if mayBeForgotten,
            let name = destinations.first(where: { name in !open.contains { $0.shelf.name == name } && mayKnow(name) })
        {
            throw unresolved(session, waitingFor: name)
        }
        for (id, shelf) in open {
            let found: [FoundManifest]
            do throws(DeliveryError) {
                // What an earlier life left there was read to its end, and taken up, or nothing was lost.
                let trustsListing = !mayBeForgotten || readings.isOver(id)
                found = try await asked(shelf, session, trustsListing: trustsListing)
            } catch {
                if mayBeForgotten { throw unresolved(session, waitingFor: shelf.name, for: error) }
                // No earlier life of ours began it: its lines are safer in the spool than in their source. Should the
                // store have a manifest of another program after all, we become a further writer there (WriterPlaces).
                continue
            }
            for found in found where found.manifest.writer == nil && found.manifest.unknownNeeds == nil {
                note(try await store.takeUp(found.manifest, at: id, as: .foreign), of: session)
                try await judge?.judgeTakenUp(session)
            }
            try await takeUp(found.filter(isOurs), on: shelf, id)
        }
        board.clear("session_unresolved", session.rawValue)
    }

    /// Whether a store that is not open is to be waited for. One that failed is not where nothing says that there was an
    /// earlier life; one that was never heard of yet may open any moment.
    private func mayKnow(_ name: String) -> Bool {
        isStateLost || (isStateNew && board.snapshot().destinations[name]?.state == .opening)
            || awaited.contains { objects.shelf($0) == nil }
    }

    /// - Parameter trustsListing: what a listing does not show yet would only be stored twice.
    /// - Throws: why the store's manifests of the session cannot be read, or that it does not answer.
    private func asked(
        _ shelf: ObjectFinder.Shelf, _ session: SessionID, trustsListing: Bool
    ) async throws(DeliveryError) -> [FoundManifest] {
        let answer = await Patience.wait(Patience.withStore, world) {
            () async -> Result<[FoundManifest], DeliveryError> in
            do throws(DeliveryError) {
                if trustsListing, try await shelf.isVacant(session) { return .success([]) }
                return .success(try await shelf.sink.manifests(of: session))
            } catch {
                return .failure(error)
            }
        }
        guard let answer else { throw DeliveryError(.transient, "it does not answer") }
        return try answer.get()
    }

    /// - Parameter error: why the destination cannot be read; `nil`: it is not open yet.
    private func unresolved(
        _ session: SessionID, waitingFor name: String, for error: DeliveryError? = nil
    ) -> EngineError {
        let cause = isStateLost ? "the catalog was lost" : "the state directory is new"
        board.report(
            "session_unresolved", session.rawValue,
            "\(cause), and destination \(name), which may have the session, cannot be read"
                + (error.map { ": \($0.message)" } ?? " yet"),
            hint: error?.hint ?? "nothing of the session is lost: it is taken when the destination answers")
        return EngineError(
            .unreachable,
            "session \(session) waits for destination \(name)" + (error.map { ": \($0.message)" } ?? ""))
    }

    /// Takes up every session of this machine that the stores have, as soon as each can be read; then lets every session be
    /// cut that waited for that. Returns when all stores were read.
    ///
    /// - Parameter waits: for stores that cannot be read yet; else sessions that wait for them stay as they are.
    /// - Returns: whether all were read: what is in none of them is lost.
    func resolveAll(on time: any TimeSource, waits: Bool) async -> Bool {
        let bell = Doorbell()
        let listener = board.subscribe(bell)
        defer { board.unsubscribe(listener) }
        var unread: [StoreID: Instant] = [:]
        while !Task.isCancelled {
            var names: Set<String> = []
            for (id, shelf) in objects.readable where unread[id].map({ $0 <= time.now }) ?? true {
                if await read(shelf, id) {
                    names.insert(shelf.name)
                    unread[id] = nil
                } else {
                    unread[id] = time.now + Self.betweenReadings
                }
            }
            if unread.isEmpty, names.isSuperset(of: destinations) { break }
            guard waits else { return false }
            asking.end()
            _ = await bell.wait(until: unread.values.min(), on: time)
            asking.begin()
        }
        guard !Task.isCancelled else { return false }
        do {
            for session in try await store.unresolved() { try await store.resolve(session.session) }
            // Those, and those that were taken up here before they were asked for again.
            for entry in board.snapshot().health where entry.kind == "session_unresolved" {
                board.clear(entry.kind, entry.subject)
            }
            try await store.noteStoresRead()
            return true
        } catch {
            board.report(
                "session_unresolved", "state", "what an earlier life left behind could not be sorted out: \(error)")
            return false
        }
    }

    /// A store has opened. Where its sessions may be unknown here they are taken up before anything is put there: else it
    /// would be chance under which writer's name a session goes on.
    func opened(_ id: StoreID) async {
        guard isStateLost || isStateNew || !awaited.isEmpty, let shelf = objects.shelf(id) else { return }
        // One that cannot be read is read again by `resolveAll`; until then each session asks for its own manifests.
        _ = await withTaskExecutorPreference(world.lane(of: "resolver")) { await read(shelf, id) }
    }

    /// From a reading that failed to the next one.
    private static let betweenReadings: Duration = .seconds(30)
    /// Of a stream, which is the subject.
    static let linesLost = "lines_lost"

    /// - Returns: whether all of it is read, now or before.
    private func read(_ shelf: ObjectFinder.Shelf, _ id: StoreID) async -> Bool {
        await readings.once(id) {
            do {
                try await readAll(shelf, id)
                board.clear("store_unread", shelf.name)
                return true
            } catch {
                board.report(
                    "store_unread", shelf.name,
                    "the manifests in destination \(shelf.name) could not all be read: \(error)",
                    hint: "sessions of an earlier life that only it knows are taken up when they can be")
                return false
            }
        }
    }

    private func readAll(_ shelf: ObjectFinder.Shelf, _ id: StoreID) async throws {
        // Those of one session come one after the other.
        let ours = Mutex<[FoundManifest]>([])
        try await shelf.sink.eachManifest { found in
            do {
                let found = try found.get()
                // Another program's are taken up when a source of theirs is found here.
                if isOurs(found) {
                    let before = ours.withLock { ours -> [FoundManifest] in
                        let isOfAnother = ours.first.map { $0.manifest.sid != found.manifest.sid } ?? false
                        defer { ours = (isOfAnother ? [] : ours) + [found] }
                        return isOfAnother ? ours : []
                    }
                    try await takeUp(before, on: shelf, id)
                }
                if let unknown = found.manifest.unknownNeeds {
                    let message =
                        "the manifest of session \(found.manifest.sid) in destination \(shelf.name) needs what this version "
                        + "does not know: \(unknown)"
                    board.report(
                        "manifest_unreadable", "\(shelf.name)/\(found.manifest.sid)", message,
                        hint: "upgrade uploaderd on this machine")
                }
            } catch let error as DeliveryError where !error.isTransient {
                // One that is damaged stands in nobody else's way.
                board.report(
                    "manifest_unreadable", shelf.name, "in destination \(shelf.name): \(error.message)",
                    hint: error.hint)
            }
        }
        try await takeUp(ours.withLock { $0 }, on: shelf, id)
    }

    /// A segment that no store has: its lines are cut again, or, when their source is gone too, they are a gap.
    ///
    /// - Returns: `false` as long as neither is so.
    @discardableResult
    func settle(_ id: SegmentID) async throws -> Bool {
        guard let segment = try await store.segment(id), segment.state == .lost, segment.supersededBy == nil else {
            return true
        }
        let stream = segment.record.stream
        do throws(StoreError) {
            try await store.requireOpen(stream.session)
        } catch {
            // Nothing of a private one is cut, or missing.
            guard error.code == .notOpen else { throw error }
            return true
        }
        // What is in its place does not hold those lines any more.
        let isReplaced = try await store.cursor(of: stream).map { $0.generation > segment.record.generation } ?? false
        if !isReplaced, let source = try await store.source(of: stream) {
            // A root that is away may come back with all that was in it.
            let isRootThere = try Files.status(source.root, followLinks: true) != nil
            guard isRootThere, try source.path.isVacant else { return false }
        }
        let fate = isReplaced ? "its source holds other lines now" : "its source is gone"
        try await store.recordGap(id, reason: "its file in the spool was lost, and \(fate)")
        board.report(
            Self.linesLost, "\(stream)",
            "lines \(segment.record.firstLine) to \(segment.record.firstLine + segment.record.lines - 1) of \(stream) are lost: "
                + "they were only in the spool, and \(fate)",
            hint: "put a copy of its source back, if there is one: they are cut again; else the manifest's gaps say so")
        return true
    }

    /// Another user of this machine is another writer, with a state directory of their own.
    private func isOurs(_ found: FoundManifest) -> Bool {
        found.manifest.writer != nil && found.manifest.session?.machine == world.machine.machine
            && found.manifest.session?.user == world.machine.user
    }

    /// Takes up one of the manifests that lives of ours put of one session: the longest that fits what is known here. What
    /// the others list is other writers'; so are all of them, where none fits.
    private func takeUp(_ manifests: [FoundManifest], on shelf: ObjectFinder.Shelf, _ id: StoreID) async throws {
        let usable = manifests.filter { $0.manifest.unknownNeeds == nil }
        for found in usable.sorted(by: { $0.manifest.lines > $1.manifest.lines }) {
            guard let session = SessionID(found.manifest.sid) else { continue }
            let result = try await ManifestIntake(store: store, objects: objects).takeUp(found, in: shelf.sink, at: id)
            switch result.standing {
            case .own:
                try await judge?.judgeTakenUp(session)
                return note(result, of: session)
            case .unfit:
                world.log.record(
                    Event(
                        .sessionTakenUp,
                        "a manifest of an earlier life lists the session's lines otherwise than they were cut here: it stays "
                            + "another writer's",
                        session: session, destination: shelf.name, fields: ["WHY": result.conflicts.first ?? ""]))
            case .another: continue
            }
        }
    }

    private func note(_ result: TakeUpResult, of session: SessionID) {
        guard let first = result.conflicts.first else { return }
        board.report(
            "manifest_conflict", session.rawValue,
            "the manifest of the session in a store does not fit what is known here: \(first)",
            hint: "uploaderctl show \(session)")
    }
}
