import Delivery
import Segments
import Shared
import Store

/// `resend --redact`: makes the segments of sessions anew by the rules in force, and sees to it that no destination keeps an old one.
///
/// New objects are put and a manifest names them, as of anything that is sealed; then the old ones go, at once
/// (`DestinationWorker+Tidying`). What is done is a row, so it may be stopped at any point; the next start goes on. Costs nothing
/// while nobody has asked. Lives on the loop; sessions are read one after the other, on their lanes.
actor Rewriting {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// `nil`: nothing is redacted, and what was asked for waits.
    nonisolated let segments: SegmentRewriting?
    private let store: Store
    private let objects: ObjectFinder
    private let chains: ChainRebuilder
    /// The names of those that are configured.
    private let destinations: [String]
    private let world: Surroundings
    private let board: StatusBoard
    /// Rung when something was rewritten: it is to be put.
    private let changed: @Sendable () -> Void
    private let bell = Doorbell()
    /// Never rung: between two rounds there is always some time.
    private let rest = Doorbell()
    /// Sessions that could not be read, until when they are left alone, and why.
    private var resting: [SessionID: (until: Instant, why: String)] = [:]
    /// Sessions of which health says that they could not be read.
    private var reported: Set<SessionID> = []

    /// From a failure to the next attempt.
    private static let pause: Duration = .seconds(30)
    private static let atOnce = 64
    /// Of one session, while it is rewritten.
    private static let mostReplaced = 1_000
    private static let betweenRounds: Duration = .milliseconds(200)
    /// Kind of our health entries; the subject is the session.
    private static let kind = "rewrite_pending"

    init(
        _ segments: SegmentRewriting?, context: PipelineContext, objects: ObjectFinder, world: Surroundings,
        destinations: [String], changed: @escaping @Sendable () -> Void
    ) {
        self.segments = segments
        store = context.store
        chains = context.chains
        self.objects = objects
        self.world = world
        board = context.board
        self.changed = changed
        self.destinations = destinations
        executor = world.loop
    }

    /// Something was asked for.
    nonisolated func ring() { bell.ring() }

    /// What failed is tried at once.
    func retry() {
        resting = [:]
        ring()
    }

    func run() async {
        guard let segments else { return }
        var listener: Int?
        while !Task.isCancelled {
            let left = await round(segments)
            if let known = listener, !left.isAny {
                board.unsubscribe(known)
                listener = nil
            } else if listener == nil, left.isAny {
                // What goes from a store is told there. Heard only then; what was told since the look is seen by another one.
                listener = board.subscribe(bell)
                continue
            }
            _ = await bell.wait(until: left.next, on: world.time)
            _ = await rest.wait(until: world.time.now + Self.betweenRounds, on: world.time)
        }
        if let listener { board.unsubscribe(listener) }
    }

    /// - Returns: whether anything is not done, and when to look again without a ring.
    private func round(_ segments: SegmentRewriting) async -> (isAny: Bool, next: Instant?) {
        let now = world.time.now
        resting = resting.filter { $0.value.until > now }
        do {
            var isAny = false
            while !Task.isCancelled {
                let waiting = try await store.rewriting(
                    settledBy: segments.rules, false, limit: Self.atOnce + resting.count)
                isAny = isAny || !waiting.isEmpty
                guard let next = waiting.first(where: { resting[$0.session] == nil }) else { break }
                await rewrite(next.session, segments)
            }
            for job in try await store.rewriting(settledBy: segments.rules, true, limit: Self.atOnce) {
                guard try await isOver(job.session), resting[job.session] == nil else {
                    isAny = true
                    continue
                }
                // What was sealed meanwhile, behind lines that were rewritten, has no digest either.
                if try await !store.unchained(of: job.session).isEmpty { await rewrite(job.session, segments) }
                if resting[job.session] != nil {
                    isAny = true
                    continue
                }
                try await store.endRewriting(of: job.session)
                world.log.record(
                    Event(.rewritten, "no destination has what newer rules remove", session: job.session))
            }
            try await dropForgotten()
            board.clear(Self.kind, "state")
            return (isAny, resting.values.map(\.until).min())
        } catch {
            board.report(Self.kind, "state", "what is to be redacted again could not be looked at: \(error)")
            return (true, now + Self.pause)
        }
    }

    /// What was forgotten since, or may not be rewritten any more, is not pending.
    private func dropForgotten() async throws(StoreError) {
        for session in reported where try await !store.isRewriting(session) {
            reported.remove(session)
            resting[session] = nil
            board.clear(Self.kind, session.rawValue)
        }
    }

    /// Whether no destination has an old object, but those that delete nothing.
    private func isOver(_ session: SessionID) async throws(StoreError) -> Bool {
        let left = try await store.condemned(of: session)
        return try await destinations(having: Set(left.keys)).isEmpty
    }

    /// Those of the stores that will delete it, whether they are here now or not.
    private func destinations(having stores: Set<StoreID>) async throws(StoreError) -> Set<StoreID> {
        let ours = try await configured()
        return stores.filter { ours.contains($0) && objects.shelf($0)?.sink.isDeleting != false }
    }

    /// The stores of the destinations that are configured, also of those that are away.
    private func configured() async throws(StoreError) -> Set<StoreID> {
        var ours: Set<StoreID> = []
        for name in destinations { if let id = try await store.knownStore(of: name) { ours.insert(id) } }
        return ours
    }

    private func rewrite(_ session: SessionID, _ segments: SegmentRewriting) async {
        do {
            var isSeen: Set<SegmentID> = []
            var replaced = 0
            while true {
                let left = try await store.segments(of: session, notBy: segments.rules).filter {
                    isSeen.insert($0.id).inserted
                }
                if left.isEmpty { break }
                for segment in left {
                    if Task.isCancelled { return }
                    switch try await segments.renew(segment.id, segment.record, holders: segment.holders) {
                    case .unchanged: try await store.countRewritten(false, of: session)
                    case .rewritten:
                        try await store.countRewritten(true, of: session)
                        changed()
                    case .stale:
                        // Joined meanwhile, mostly: what holds it now is looked at.
                        replaced += 1
                        guard replaced < Self.mostReplaced else {
                            throw EngineError(.inconsistent, "segments of session \(session) do not keep still")
                        }
                    }
                    board.update { _ in }
                }
            }
            try await segments.renewFacts(of: session)
            try await rechain(session)
            try await store.settleRewriting(of: session, by: segments.rules)
            reported.remove(session)
            board.clear(Self.kind, session.rawValue)
            changed()
        } catch {
            let hint = (error as? any HintedError)?.hint
            let message = "session \(session) is to be redacted again, and could not be yet: \(error)"
            resting[session] = (world.time.now + Self.pause, "\(error)")
            reported.insert(session)
            if board.report(Self.kind, session.rawValue, message, hint: hint) {
                world.log.record(Event(.rewriteFailed, message, hint: hint, session: session))
            }
        }
        board.update { _ in }
    }

    /// Equal chains mean equal sessions: those of other bytes are made anew.
    private func rechain(_ session: SessionID) async throws {
        for (stream, generation) in try await store.unchained(of: session) {
            var isTold = false
            // What came, or was joined, while they were read makes another list of segments: it is read again.
            for _ in 0..<Self.mostReadings where !isTold {
                let lane = world.lane(of: session)
                let digests = try await withTaskExecutorPreference(lane) { [chains] in
                    try await chains.digests(of: stream, generation: generation)
                }
                isTold = try await store.setChains(digests, of: stream, generation: generation)
            }
            // A session that grows as fast as it can be read: the next pass may find it at rest.
            guard isTold else {
                throw StoreError(
                    .stale, "stream \(stream.stream) got new segments each time that its digest was to be noted")
            }
        }
    }

    private static let mostReadings = 4

    // MARK: For whoever waits

    /// How far it is.
    struct Progress: Sendable, Hashable {
        var counts = RewritingProgress()
        /// Destinations that have old objects, which are on their way out.
        var busy: [String] = []
        /// Those that cannot be reached now, or delete nothing, and why; and whether it will be deleted there.
        var left: [String: Leftover] = [:]
        /// Sessions that could not be read, and why.
        var failed: [SessionID: String] = [:]

        struct Leftover: Sendable, Hashable {
            var why: String
            var willGo: Bool
        }

        /// Nothing more comes of waiting.
        var isOver: Bool { busy.isEmpty && counts.open <= failed.count }
    }

    /// - Parameters:
    ///   - session: `nil`: of all that were asked for.
    ///   - names: of all stores that are known here.
    func progress(of session: SessionID?, names: [StoreID: String]) async throws(StoreError) -> Progress {
        var progress = Progress()
        progress.counts = try await store.rewritingProgress(of: session, by: segments?.rules ?? "")
        progress.failed = resting.mapValues(\.why).filter { session == nil || $0.key == session }
        let ours = try await configured()
        let seen = board.snapshot()
        for (id, count) in try await store.condemned(of: session) where count > 0 {
            let name = names[id] ?? "store \(id)"
            guard ours.contains(id) else {
                progress.left[name] = Progress.Leftover(
                    why: "it is not configured any more, so nothing is deleted there", willGo: false)
                continue
            }
            if let shelf = objects.shelf(id), !shelf.sink.isDeleting {
                progress.left[name] = Progress.Leftover(why: "it only takes objects, and deletes none", willGo: false)
            } else if let error = seen.destinations[name]?.lastError {
                progress.left[name] = Progress.Leftover(why: error, willGo: true)
            } else if let session, let entry = seen.health.first(where: { $0.subject == "\(name)/\(session)" }) {
                progress.left[name] = Progress.Leftover(why: entry.message, willGo: true)
            } else {
                progress.busy.append(name)
            }
        }
        return progress
    }
}
