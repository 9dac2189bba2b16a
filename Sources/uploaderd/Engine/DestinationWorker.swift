import Delivery
import Digests
import LinuxSystem
import Segments
import Shared
import Store
import Synchronization

/// One destination: opens its store, delivers what the spool holds for it, publishes manifests, and waits when it must.
///
/// Every durable step is a row, so the worker may be stopped at any point and starts again from what Store says. Only
/// deliveries and publications run beside each other; everything else here is one after the other. They are in
/// `DestinationWorker+Deliveries.swift` and `+Publications.swift`, what goes afterwards in `+Tidying.swift`, what comes of
/// failures in `+Failures.swift`, its beginning in `+Opening.swift`; nobody else touches its fields.
actor DestinationWorker {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated let name: String
    nonisolated let isRequired: Bool
    let sink: any SessionSink
    /// How much goes there side by side.
    nonisolated let trips: RoundTrips
    let credentialFiles: [String]
    /// Of two that lie in one store one is to make it.
    let opening: Permits
    /// Those files may lie on a disk that hangs.
    let ownLane: any RoomExecutor
    /// As they were when they were refused, and when they are looked at again.
    var refusedCredentials: CredentialMarks?
    var credentialsDue: Instant?
    /// Somebody else's server, at the other end of a network.
    let isRemote: Bool
    let parts: DeliveryParts
    let places: WriterPlaces
    private let bell = Doorbell()

    /// Once it is open, and Store knows that it is to have everything.
    var storeID: StoreID?
    /// Its store was there when it was tried last.
    var hasAnswered = false
    var inFlight: Set<SegmentID> = []
    /// What this store will not take as it is, and when to ask again.
    var refused: [SegmentID: Instant] = [:]
    /// What failed while other segments went well.
    var lapses = Lapses<SegmentID>()
    /// What other stores have, and do not give now.
    var copies: UnreachedCopies
    var publications = PublicationQueue()
    var complaints = Complaints()
    /// There may be more to carry than is under way. If not, Store is asked once more when all that is has ended.
    private let news = Atomic<Bool>(true)
    /// When what may leave the spool does so at the latest; without other work it does at once. `nil`: no manifest was put
    /// since it was looked for.
    var tidyBy: Instant?
    /// When superseded objects were looked for last, and when the next one may be deleted.
    var supersededSwept: Instant?
    var supersededDue: Instant?
    /// When a session will have rested, whose file then goes as a whole.
    private var restDue: Instant?
    var breaker: Breaker
    /// Nothing is tried before: the last attempt failed.
    var notBefore: Instant? { breaker.notBefore }
    /// When something was taken last.
    var progressAt: Instant?
    private var waiters: [CheckedContinuation<Void, Never>] = []
    /// How many wait until all is published, and how many of them longer than until the first failure.
    var settling = 0
    var persevering = 0
    /// When the first of these came.
    var perseveringSince: Instant?
    /// Nothing is left to do now: all is delivered and published, or nothing can be.
    var isIdle = false
    /// Counts what happened beside a round: one during which something did has seen an older state of things.
    var happenings: UInt64 = 0
    var isStopping = false
    /// Somebody said that nothing is to be put there; what is under way ends.
    private(set) var isPaused: Bool
    /// Bytes of objects that were put since freed memory was last given back: a backlog leaves much of it behind.
    var deliveredSinceTrim: Int64 = 0
    private static let worthATrim: Int64 = 4 << 20

    init(
        _ destination: DestinationConfiguration, sink: any SessionSink, parts: DeliveryParts, isPaused: Bool = false,
        opening: Permits = Permits(1)
    ) {
        self.opening = opening
        self.isPaused = isPaused
        name = destination.name
        isRequired = destination.isRequired
        isRemote = destination.place.type != .directory
        trips = RoundTrips(
            atMost: min(
                destination.transport.concurrency,
                sink is any LineSink || sink is any WholeFileSink ? SessionNews.mostAtOnce : .max),
            isAdaptive: isRemote,
            time: parts.world.time)
        credentialFiles = destination.credentialFiles
        ownLane = parts.world.makeLane(destination.name)
        breaker = Breaker(parts.policy)
        copies = UnreachedCopies(parts.policy)
        self.sink = sink
        self.parts = parts
        places = parts.places(of: name, sink)
        executor = parts.world.loop
        // An earlier life may have left what may go.
        tidyBy = parts.world.time.now
        if isPaused { sayPaused() }
    }

    /// There may be something to do.
    nonisolated func ring() {
        noteNews()
        bell.ring()
    }

    /// Store is asked again what there is to carry.
    nonisolated func noteNews() { news.store(true, ordering: .releasing) }

    /// Serves until `stop`.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !isStopping {
                let deadline = await step(&group)
                if isStopping { break }
                _ = await bell.wait(until: deadline, on: parts.world.time)
            }
        }
    }

    /// Returns when the store has answered, or could not be opened at the first attempt.
    func tried() async {
        func isWaiting() -> Bool { !hasAnswered && notBefore == nil && !isStopping }
        while isWaiting() { await change(while: isWaiting) }
    }

    /// Ends `run` when what is in flight is over. What waits stays in the spool.
    func stop() {
        isStopping = true
        changed()
    }

    /// - Parameter isPaused: nothing more begins, or all goes on.
    func pause(_ isPaused: Bool) {
        self.isPaused = isPaused
        if isPaused { sayPaused() } else { parts.board.clear("destination_paused", name) }
        parts.board.update(name) { $0.isPaused = isPaused }
        isIdle = false
        noteNews()
        changed()
    }

    private nonisolated func sayPaused() {
        parts.board.update(name) { $0.isPaused = true }
        parts.board.report(
            "destination_paused", name, "delivery to \(name) is paused: what is new waits in the spool",
            hint: "uploaderctl resume \(name) lets it go on")
    }

    /// Somebody may have mended what was wrong: what was put off is tried at once.
    func retry() {
        breaker.askedAgain(at: parts.world.time.now)
        refused = [:]
        lapses.retry()
        copies.retry(at: parts.world.time.now)
        publications.retry()
        noteNews()
        changed()
    }

    func changed() {
        bell.ring()
        resumeWaiters()
    }

    /// Returns after the next change. It is asked where the waiter is put down: before that there may be a suspension.
    func change(while isWaiting: () -> Bool) async {
        await withCheckedContinuation { waiter in
            if isWaiting() { waiters.append(waiter) } else { waiter.resume() }
        }
    }

    private func resumeWaiters() {
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    // MARK: One round

    /// Does what can be done now.
    ///
    /// - Returns: when to look again without a ring; `nil`: never.
    private func step(_ group: inout DiscardingTaskGroup) async -> Instant? {
        let now = parts.world.time.now
        let before = happenings
        if let notBefore, notBefore > now {
            guard await hasOtherCredentials() else {
                let hope = hopeEnds(at: now)
                if inFlight.isEmpty, publications.running.isEmpty, hope == nil { rest() }
                return [notBefore, credentialsDue, hope].compactMap(\.self).min()
            }
        }
        // The pause is over: what is tried now says whether there is to be another.
        breaker.tryAgain()
        do {
            guard let id = try await opened() else { return notBefore }
            guard !isPaused else {
                if inFlight.isEmpty, publications.running.isEmpty { rest() }
                return nil
            }
            refused = refused.filter { $0.value > now }
            copies.prune(at: now)
            lapses.prune(at: now, after: .seconds(60))
            let lapsed = lapses.waiting(at: now)
            publications.prune(at: now)
            if isRemote { publications.keepUp(with: trips.allowed) }
            let free = room - inFlight.count
            if let due = restDue, due <= now { noteNews() }
            // Taken before Store is asked: what comes meanwhile is asked for again.
            let asks = free > 0 && news.exchange(false, ordering: .acquiringAndReleasing)
            let leave = copies.leave
            let seen: DestinationGlance
            do {
                seen = try await DestinationGlance(
                    of: parts, at: id, free: asks ? free : 0,
                    excluding: inFlight.union(refused.keys).union(copies.segments).union(lapsed), copies: leave,
                    takesFiles: sink is any WholeFileSink, atOnce: settling > 0)
            } catch {
                noteNews()
                throw error
            }
            if asks, seen.deliveries.count < free, leave != .none, seen.deliveries.allSatisfy(\.isSpooled) {
                noteAllReached()
            }
            restDue = seen.due
            // As many as were asked for, or some that cannot be had now: there may be others.
            if asks, seen.deliveries.count == free || !refused.isEmpty || !lapsed.isEmpty || copies.reason != nil {
                noteNews()
            }
            start(seen.deliveries, to: id, in: &group)
            let next = try await startPublications(of: seen.behind, to: id, in: &group)
            try await tidyIfDue(id)
            // Whatever happened meanwhile has rung: the next round sees it.
            let nextLapsed = lapses.next(after: now)
            if inFlight.isEmpty, publications.running.isEmpty, next == nil, nextLapsed == nil, happenings == before {
                if asks { rest() } else { ring() }
            }
            let dues = [
                // Where nothing more may begin the next end rings.
                next, nextLapsed, supersededDue, tidyBy, free > 0 ? restDue : nil, copies.next, refused.values.min(),
                publications.refused.values.min(),
            ]
            return dues.compactMap(\.self).min()
        } catch {
            failed(error, "could not serve destination \(name)")
            return notBefore
        }
    }

    /// How many deliveries may be under way.
    private var room: Int {
        guard breaker.isProbing else { return trips.allowed }
        return publications.running.isEmpty ? 1 : 0
    }

    private func rest() {
        isIdle = true
        if deliveredSinceTrim >= Self.worthATrim {
            deliveredSinceTrim = 0
            FreeMemory.giveBack()
        }
        resumeWaiters()
    }
}
