import Delivery
import Digests
import LinuxSystem
import Segments
import Shared
import Store

/// One destination: opens its store, delivers what the spool holds for it, publishes manifests, and waits when it must.
///
/// Every durable step is a row, so the worker may be stopped at any point and starts again from what Store says. Only
/// deliveries and publications run beside each other; everything else here is one after the other.
actor DestinationWorker {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated let name: String
    nonisolated let isRequired: Bool
    private let sink: any SessionSink
    private let concurrency: Int
    let parts: DeliveryParts
    private let bell = Doorbell()

    private var storeID: StoreID?
    private var inFlight: Set<SegmentID> = []
    /// What this store will not take as it is, and when to ask again.
    private var refused: [SegmentID: Instant] = [:]
    private var refusedSessions: [SessionID: Instant] = [:]
    private var publishing: Set<SessionID> = []
    private var schedule = ManifestSchedule()
    /// A manifest was put since the spool was last looked through for what may leave it.
    private var mustTidy = true
    /// When an object that was replaced may be deleted.
    private var tidyAt: Instant?
    private var failures = 0
    /// Nothing is tried before: the last attempt failed.
    private var notBefore: Instant?
    private var waiters: [CheckedContinuation<Void, Never>] = []
    /// How many wait until all is published.
    private var settling = 0
    /// Nothing is left to do now: all is delivered and published, or nothing can be.
    private var isIdle = false
    /// Counts what happened beside a round: one during which something did has seen an older state of things.
    private var happenings: UInt64 = 0
    private var isStopping = false
    /// Bytes of objects that were put since freed memory was last given back: a backlog leaves much of it behind.
    private var deliveredSinceTrim: Int64 = 0
    private static let worthATrim: Int64 = 4 << 20

    init(name: String, isRequired: Bool, concurrency: Int, sink: any SessionSink, parts: DeliveryParts) {
        self.name = name
        self.isRequired = isRequired
        self.concurrency = concurrency
        self.sink = sink
        self.parts = parts
        executor = parts.world.loop
    }

    /// There may be something to do.
    nonisolated func ring() { bell.ring() }

    var store: StoreID? { storeID }

    /// Why something is held back now; `nil`: nothing is.
    var obstacle: String? {
        if notBefore != nil || storeID == nil {
            return parts.board.snapshot().destinations[name]?.lastError ?? "its store has not answered yet"
        }
        let held = refused.count + refusedSessions.count
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
        while storeID == nil, notBefore == nil, !isStopping { await withCheckedContinuation { waiters.append($0) } }
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
        refusedSessions = [:]
        changed()
    }

    /// Returns when everything that was sealed is delivered and published here, or cannot be now.
    func settled() async {
        settling += 1
        defer { settling -= 1 }
        isIdle = false
        // A round that is under way may have looked before the last seal.
        happenings += 1
        bell.ring()
        while !isIdle, !isStopping { await withCheckedContinuation { waiters.append($0) } }
    }

    private func changed() {
        bell.ring()
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
            if inFlight.isEmpty, publishing.isEmpty { rest() }
            return notBefore
        }
        // The pause is over: what is tried now says whether there is to be another.
        notBefore = nil
        do {
            guard let id = try await opened() else { return notBefore }
            try await startDeliveries(to: id, in: &group)
            let next = try await startPublications(to: id, in: &group)
            try await tidyIfDue()
            // Whatever happened meanwhile has rung: the next round sees it.
            if inFlight.isEmpty, publishing.isEmpty, next == nil, happenings == before { rest() }
            return [next, tidyAt, refused.values.min(), refusedSessions.values.min()].compactMap(\.self).min()
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
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    /// Opens the store at the first need.
    private func opened() async throws -> StoreID? {
        if let storeID { return storeID }
        let proposal = StoreID(random: parts.world.random)
        let known = try await parts.store.value("destination.\(name)").map { StoreID($0) }
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
        try await parts.store.setValue("destination.\(name)", found.rawValue)
        storeID = found
        succeeded()
        changed()
        parts.board.update(name) { $0.storeID = found }
        parts.objects.add(ObjectFinder.Shelf(places), as: found)
        try await parts.opened(found)
        return found
    }

    nonisolated var places: WriterPlaces { parts.places(of: name, sink) }

    // MARK: Deliveries

    private func startDeliveries(to id: StoreID, in group: inout DiscardingTaskGroup) async throws {
        let now = parts.world.time.now
        refused = refused.filter { $0.value > now }
        while inFlight.count < concurrency, notBefore == nil, !isStopping {
            let excluded = inFlight.union(refused.keys)
            let next = try await parts.store.nextDeliveries(
                to: id, limit: concurrency - inFlight.count, excluding: excluded)
            if next.isEmpty { break }
            for delivery in next {
                isIdle = false
                inFlight.insert(delivery.id)
                group.addTask(executorPreference: executor) {
                    let result = await self.deliver(delivery, to: id)
                    await self.delivered(delivery, result)
                }
            }
        }
        let count = inFlight.count
        parts.board.update(name) { $0.inFlight = count }
    }

    private nonisolated func deliver(_ delivery: SegmentDelivery, to id: StoreID) async -> Result<Bool, any Error> {
        do {
            let session = delivery.record.stream.session
            let place = try await places.claimed(session).place
            guard try await parts.store.claim(delivery.id, for: id) else { return .success(false) }
            do {
                let bytes = try await parts.objects.bytes(of: delivery.id, delivery.record, holders: delivery.holders)
                let writer = try await parts.store.writer(of: session)
                try await sink.deliver(
                    OutgoingSegment(record: delivery.record, writer: writer, place: place, bytes: bytes))
            } catch let error as SegmentError where error.code == .damaged {
                // No fault of the destination's: everything else goes there.
                try await parts.store.release(delivery.id, for: id)
                throw DeliveryError(
                    .permanent, error.description,
                    hint: "restart uploaderd: what the source still has is cut again; else put a whole copy back")
            } catch {
                try await parts.store.release(delivery.id, for: id)
                throw error
            }
            parts.world.faults.reach(.deliverPut)
            try await parts.store.record(receiptFor: delivery.id, at: id)
            return .success(true)
        } catch {
            return .failure(error)
        }
    }

    private func delivered(_ delivery: SegmentDelivery, _ result: Result<Bool, any Error>) {
        inFlight.remove(delivery.id)
        happenings += 1
        switch result {
        case .success(let isDelivered):
            succeeded()
            if isDelivered {
                deliveredSinceTrim += delivery.record.storedBytes
                parts.board.update(name) {
                    $0.deliveredSegments += 1
                    $0.deliveredBytes += delivery.record.storedBytes
                }
            }
        case .failure(let error as DeliveryError) where error.code == .conflict || error.code == .permanent:
            refused[delivery.id] = parts.world.time.now + parts.policy.probe
            parts.refuse(error, by: name, session: delivery.record.stream.session)
        case .failure(let error): failed(error, "could not deliver to \(name)")
        }
        changed()
    }

    /// Only a manifest makes a segment safe, so there is nothing to let go before one was put, but for what was replaced
    /// a day ago.
    private func tidyIfDue() async throws {
        if let tidyAt, tidyAt <= parts.world.time.now { mustTidy = true }
        guard mustTidy else { return }
        mustTidy = false
        do {
            tidyAt = try await parts.tidier.tidy()
        } catch {
            mustTidy = true
            throw error
        }
    }

    // MARK: Manifests

    /// Manifests that are made and put at the same time.
    private static let publications = 4

    /// Publishes what is due, each session's by itself, on a work lane: a long manifest is work.
    ///
    /// - Returns: when the next one is due; `nil`: none is behind, or one that ends will look again.
    private func startPublications(to id: StoreID, in group: inout DiscardingTaskGroup) async throws -> Instant? {
        let now = parts.world.time.now
        refusedSessions = refusedSessions.filter { $0.value > now }
        schedule.prune(at: now)
        guard publishing.count < Self.publications, notBefore == nil, !isStopping else { return nil }
        let (due, next) = try await publishable(to: id, at: now)
        for session in due {
            isIdle = false
            publishing.insert(session)
            group.addTask(executorPreference: parts.world.lane(of: session)) { [parts, places] in
                let result: Result<Int, any Error>
                do {
                    result = .success(try await parts.publisher.publish(session, to: id, places))
                } catch {
                    result = .failure(error)
                }
                await self.published(session, result)
            }
        }
        return next
    }

    /// As many sessions as may be published beside those that are, and when the first of the others is due.
    ///
    /// The longest waiting are asked for first; only where most of them are not due yet, or refused, is there more to read.
    private func publishable(to id: StoreID, at now: Instant) async throws -> (due: [SessionID], next: Instant?) {
        for limit in [16, 512, Int.max] {
            let free = Self.publications - publishing.count
            let behind = try await parts.store.publishable(to: id, limit: limit)
            let possible = behind.filter { refusedSessions[$0] == nil && !publishing.contains($0) }
            // Where somebody waits for the end, and all is delivered, the last manifest of each session does not wait.
            let isLast = settling > 0 && inFlight.isEmpty
            let due = possible.filter { isLast || schedule.isDue($0, at: now) }
            if due.count >= free || behind.count < limit {
                let next = isLast ? nil : possible.compactMap { schedule.deadline(of: $0, after: now) }.min()
                return (Array(due.prefix(free)), next)
            }
        }
        return ([], nil)
    }

    private func published(_ session: SessionID, _ result: Result<Int, any Error>) {
        publishing.remove(session)
        happenings += 1
        switch result {
        case .success(let bytes):
            succeeded()
            mustTidy = true
            schedule.published(session, bytes: bytes, at: parts.world.time.now)
            parts.board.update(name) {
                $0.manifests += 1
                $0.manifestBytes += Int64(bytes)
            }
        case .failure(let error as DeliveryError) where error.code == .conflict || error.code == .permanent:
            refusedSessions[session] = parts.world.time.now + parts.policy.probe
            parts.refuse(error, by: name, session: session)
        case .failure(let error): failed(error, "could not publish a manifest to \(name)")
        }
        changed()
    }

    // MARK: Success and failure

    private func succeeded() {
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

    private func failed(_ error: any Error, _ what: String) {
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
