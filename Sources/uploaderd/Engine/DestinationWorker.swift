import Delivery
import Digests
import Shared
import Store

/// One destination: opens its store, delivers what the spool holds for it, publishes manifests, and waits when it must.
///
/// Every durable step is a row, so the worker may be stopped at any point and starts again from what Store says. Only
/// deliveries run beside each other; everything else here is one after the other.
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
    private var schedule = ManifestSchedule()
    private var failures = 0
    /// Nothing is tried before: the last attempt failed.
    private var notBefore: Instant?
    private var waiters: [CheckedContinuation<Void, Never>] = []
    /// Nothing is left to do now: all is delivered and published, or nothing can be.
    private var isIdle = false
    private var isStopping = false

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

    /// Why nothing can be delivered now; `nil`: it can.
    var obstacle: String? { notBefore == nil ? nil : parts.board.snapshot().destinations[name]?.lastError }

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

    /// Returns when everything that was sealed is delivered and published here, or cannot be now.
    func settled() async {
        isIdle = false
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
        if let notBefore, notBefore > now {
            if inFlight.isEmpty { rest() }
            return notBefore
        }
        do {
            guard let id = try await opened() else { return notBefore }
            try await startDeliveries(to: id, in: &group)
            let next = try await publishDue(to: id)
            try await parts.tidier.tidy()
            if inFlight.isEmpty, next == nil { rest() }
            return [next, refused.values.min(), refusedSessions.values.min()].compactMap(\.self).min()
        } catch {
            failed(error, "could not serve destination \(name)")
            return notBefore
        }
    }

    private func rest() {
        isIdle = true
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    /// Opens the store at the first need.
    private func opened() async throws -> StoreID? {
        if let storeID { return storeID }
        let proposal = StoreID(random: parts.world.random)
        let found: StoreID
        do throws(DeliveryError) {
            found = try await sink.open(proposing: proposal)
        } catch {
            failed(error, "could not open destination \(name)")
            return nil
        }
        // Receipts belong to the store: the same name with another store is somebody's mistake until they say otherwise.
        if let known = try await parts.store.value("destination.\(name)"), known != found.rawValue {
            let message = "destination \(name) leads to another store than before (\(found), it was \(known))"
            failed(
                DeliveryError(
                    .unusable, message,
                    hint: "put the old store back, or give the new one another name in the configuration"), message)
            return nil
        }
        try await parts.store.setValue("destination.\(name)", found.rawValue)
        storeID = found
        succeeded()
        changed()
        parts.board.update(name) { $0.storeID = found }
        parts.objects.add(
            ObjectFinder.Shelf(name: name, sink: sink) { [places] session throws(DeliveryError) in
                try await places.place(of: session)
            }, as: found)
        try await parts.opened()
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
            let place = try await places.place(of: session)
            guard try await parts.store.claim(delivery.id, for: id) else { return .success(false) }
            do {
                let bytes = try await parts.objects.bytes(of: delivery.id, delivery.record, holders: delivery.holders)
                let writer = try await parts.store.writer(of: session)
                try await sink.deliver(
                    OutgoingSegment(record: delivery.record, writer: writer, place: place, bytes: bytes))
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
        switch result {
        case .success(let isDelivered):
            succeeded()
            if isDelivered {
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

    // MARK: Manifests

    /// Publishes what is due.
    ///
    /// - Returns: when the next one is due; `nil`: none is behind.
    private func publishDue(to id: StoreID) async throws -> Instant? {
        var next: Instant?
        let now = parts.world.time.now
        refusedSessions = refusedSessions.filter { $0.value > now }
        for session in try await parts.store.publishable(to: id) where refusedSessions[session] == nil {
            if isStopping { return nil }
            guard schedule.isDue(session, at: parts.world.time.now) else {
                next = [next, schedule.deadline(of: session)].compactMap(\.self).min()
                continue
            }
            isIdle = false
            do {
                let bytes = try await parts.publisher.publish(
                    session, to: id, sink, try await places.place(of: session))
                schedule.published(session, bytes: bytes, at: parts.world.time.now)
                parts.board.update(name) {
                    $0.manifests += 1
                    $0.manifestBytes += Int64(bytes)
                }
            } catch let error as DeliveryError where error.code == .conflict || error.code == .permanent {
                refusedSessions[session] = parts.world.time.now + parts.policy.probe
                parts.refuse(error, by: name, session: session)
            }
            // Receipts may have come meanwhile; they are published with the next round.
        }
        schedule.prune(at: now)
        return next
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
        let error = error as? DeliveryError ?? DeliveryError(.transient, "\(what): \(error)")
        failures += 1
        let delay = parts.policy.delay(after: error, failures: failures, random: parts.world.random.next())
        notBefore = parts.world.time.now + delay
        let isHeld = !error.isTransient && error.code != .notFound
        parts.board.update(name) {
            $0.state = isHeld ? .held : .waiting
            $0.lastError = error.message
        }
        parts.board.report("destination_failing", name, error.message, hint: error.hint)
        if failures == 1 || isHeld {
            parts.world.log.record(
                Event(isHeld ? .destinationHeld : .deliveryFailed, error.message, hint: error.hint, destination: name))
        }
        changed()
    }
}
