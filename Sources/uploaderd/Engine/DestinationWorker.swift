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
/// `DestinationWorker+Deliveries.swift` and `+Publications.swift`, what goes afterwards in `+Tidying.swift`; nobody else
/// touches its fields.
actor DestinationWorker {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated let name: String
    nonisolated let isRequired: Bool
    private let sink: any SessionSink
    private let concurrency: Int
    let parts: DeliveryParts
    let places: WriterPlaces
    private let bell = Doorbell()

    var storeID: StoreID?
    var inFlight: Set<SegmentID> = []
    /// What this store will not take as it is, and when to ask again.
    var refused: [SegmentID: Instant] = [:]
    var publications = PublicationQueue()
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
    private var failures = 0
    /// Nothing is tried before: the last attempt failed.
    var notBefore: Instant?
    private var waiters: [CheckedContinuation<Void, Never>] = []
    /// How many wait until all is published.
    var settling = 0
    /// Nothing is left to do now: all is delivered and published, or nothing can be.
    var isIdle = false
    /// Counts what happened beside a round: one during which something did has seen an older state of things.
    var happenings: UInt64 = 0
    var isStopping = false
    /// Bytes of objects that were put since freed memory was last given back: a backlog leaves much of it behind.
    var deliveredSinceTrim: Int64 = 0
    private static let worthATrim: Int64 = 4 << 20

    init(name: String, isRequired: Bool, concurrency: Int, sink: any SessionSink, parts: DeliveryParts) {
        self.name = name
        self.isRequired = isRequired
        self.concurrency = concurrency
        self.sink = sink
        self.parts = parts
        places = parts.places(of: name, sink)
        executor = parts.world.loop
        // An earlier life may have left what may go.
        tidyBy = parts.world.time.now
    }

    /// There may be something to do.
    nonisolated func ring() {
        noteNews()
        bell.ring()
    }

    /// Store is asked again what there is to carry.
    nonisolated func noteNews() { news.store(true, ordering: .releasing) }

    /// Why something is held back now; `nil`: nothing is.
    var obstacle: String? {
        if notBefore != nil || storeID == nil {
            return parts.board.snapshot().destinations[name]?.lastError ?? "its store has not answered yet"
        }
        let held = refused.count + publications.refused.count
        return held == 0 ? nil : "\(held) objects or sessions cannot be put there as they are"
    }

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

    /// Returns when the store was opened, or could not be at the first attempt.
    func tried() async {
        func isWaiting() -> Bool { storeID == nil && notBefore == nil && !isStopping }
        while isWaiting() { await change(while: isWaiting) }
    }

    /// Ends `run` when what is in flight is over. What waits stays in the spool.
    func stop() {
        isStopping = true
        changed()
    }

    /// Somebody may have mended what was wrong: what was put off is tried at once.
    func retry() {
        notBefore = nil
        refused = [:]
        publications.retry()
        noteNews()
        changed()
    }

    /// Returns when everything that was sealed is delivered and published here, or cannot be now.
    ///
    /// - Returns: whether what came since is still on its way.
    @discardableResult
    func settled() async -> Bool {
        settling += 1
        defer { settling -= 1 }
        isIdle = false
        // A round that is under way may have looked before the last seal.
        happenings += 1
        ring()
        do {
            var goal = try await DeliveryGoal(parts)
            while !isIdle, !isStopping {
                if let storeID, notBefore == nil,
                    try await goal.isReached(
                        at: storeID, parts, besides: Set(refused.keys), Set(publications.refused.keys))
                {
                    return true
                }
                await change { !isIdle && !isStopping }
            }
        } catch {
            // Safe: without a goal it waits for the end.
            while !isIdle, !isStopping { await change { !isIdle && !isStopping } }
        }
        return false
    }

    func changed() {
        bell.ring()
        resumeWaiters()
    }

    /// Returns after the next change. It is asked where the waiter is put down: before that there may be a suspension.
    private func change(while isWaiting: () -> Bool) async {
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
            if inFlight.isEmpty, publications.running.isEmpty { rest() }
            return notBefore
        }
        // The pause is over: what is tried now says whether there is to be another.
        notBefore = nil
        do {
            guard let id = try await opened() else { return notBefore }
            refused = refused.filter { $0.value > now }
            publications.prune(at: now)
            let free = concurrency - inFlight.count
            if let due = restDue, due <= now { noteNews() }
            // Taken before Store is asked: what comes meanwhile is asked for again.
            let asks = free > 0 && news.exchange(false, ordering: .acquiringAndReleasing)
            let seen: DestinationGlance
            do {
                seen = try await DestinationGlance(
                    of: parts, at: id, free: asks ? free : 0, excluding: inFlight.union(refused.keys),
                    takesFiles: sink is any WholeFileSink, atOnce: settling > 0)
            } catch {
                noteNews()
                throw error
            }
            restDue = seen.due
            // As many as were asked for, or some that cannot be had now: there may be others.
            if asks, seen.deliveries.count == free || !refused.isEmpty { noteNews() }
            start(seen.deliveries, to: id, in: &group)
            let next = try await startPublications(of: seen.behind, to: id, in: &group)
            try await tidyIfDue(id)
            // Whatever happened meanwhile has rung: the next round sees it.
            if inFlight.isEmpty, publications.running.isEmpty, next == nil, happenings == before {
                if asks { rest() } else { ring() }
            }
            return [next, supersededDue, tidyBy, restDue, refused.values.min(), publications.refused.values.min()]
                .compactMap(\.self).min()
        } catch {
            failed(error, "could not serve destination \(name)")
            return notBefore
        }
    }

    private func rest() {
        isIdle = true
        if deliveredSinceTrim >= Self.worthATrim {
            deliveredSinceTrim = 0
            FreeMemory.giveBack()
        }
        resumeWaiters()
    }

    /// Opens the store at the first need.
    private func opened() async throws -> StoreID? {
        if let storeID { return storeID }
        let proposal = StoreID(random: parts.world.random)
        let known = try await parts.store.knownStore(of: name)
        let found: StoreID
        do throws(DeliveryError) {
            found = try await sink.open(proposing: proposal, known: known)
        } catch {
            failed(error, "could not open destination \(name)")
            return nil
        }
        // Receipts belong to the store: the same name with another store is somebody's mistake until they say otherwise.
        if let known, known != found {
            let message = "destination \(name) leads to another store than before (\(found), it was \(known))"
            failed(
                DeliveryError(
                    .unusable, message,
                    hint: "put the old store back, or give the new one another name in the configuration"), message)
            return nil
        }
        if let other = parts.objects.claim(found, for: name) {
            let message = "destination \(name) leads to the same store as destination \(other)"
            failed(
                DeliveryError(
                    .unusable, message, hint: "give each a store of its own, or take one out of the configuration"),
                message)
            return nil
        }
        try await parts.store.note(found, of: name)
        if sink is any LineSink { try await parts.store.takesLines(found) }
        if sink is any WholeFileSink { try await parts.store.takesFiles(found) }
        storeID = found
        succeeded()
        changed()
        parts.board.update(name) { $0.storeID = found }
        parts.objects.add(ObjectFinder.Shelf(places), as: found)
        try await parts.opened(found)
        noteNews()
        return found
    }

    // MARK: Success and failure

    func succeeded() {
        failures = 0
        guard notBefore != nil || parts.board.snapshot().destinations[name]?.state != .active else { return }
        notBefore = nil
        if parts.board.clear("destination_failing", name) {
            parts.world.log.record(
                Event(.destinationRecovered, "destination \(name) takes objects again", destination: name))
        }
        parts.board.update(name) {
            $0.state = .active
            $0.lastError = nil
        }
    }

    func failed(_ error: any Error, _ what: String) {
        // Left alone by a stop that did not wait for it: after a reload the board is another worker's.
        guard !isStopping else { return }
        let error = error as? DeliveryError ?? DeliveryError(.transient, "\(what): \(error)")
        // Those that were in flight together fail together: that is one failure.
        if notBefore == nil { failures += 1 }
        let delay = parts.policy.delay(after: error, failures: failures, random: parts.world.random.next())
        notBefore = parts.world.time.now + delay
        let isHeld = !error.isTransient && error.code != .notFound
        let wasHeld = parts.board.snapshot().destinations[name]?.state == .held
        // Where it leads may be another store by the time it answers again.
        if error.code == .unusable { storeID = nil }
        parts.board.update(name) {
            $0.state = isHeld ? .held : .waiting
            $0.lastError = error.message
        }
        parts.board.report("destination_failing", name, error.message, hint: error.hint)
        if failures == 1 || isHeld != wasHeld {
            parts.world.log.record(
                Event(isHeld ? .destinationHeld : .deliveryFailed, error.message, hint: error.hint, destination: name))
        }
        changed()
    }
}
