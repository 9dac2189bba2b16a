package import ControlPlane
import Delivery
import LinuxSystem
package import Shared
import Store
import Synchronization

/// Answers what the control socket asks: a view on Store, StatusBoard and the services, which knows nothing of Varlink.
///
/// Lives on the loop. What reads objects or many rows is done on a work lane.
package actor ControlDesk: ControlHandler {
    private nonisolated let executor: any RoomExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let current: Mutex<EngineParts>
    /// The engine that runs now.
    nonisolated var engine: EngineParts { current.withLock { $0 } }
    /// Reads the configuration again; throws what is wrong with it.
    private let reloading: @Sendable () async throws(ControlError) -> ReloadReply
    private let showing: @Sendable () -> ConfigurationReply
    private var isReloading = false
    private nonisolated let gate = SpoolGate()
    private let started: Instant
    private let startedAt: WallTime

    package init(
        engine: EngineParts, reload: @escaping @Sendable () async throws(ControlError) -> ReloadReply,
        configuration: @escaping @Sendable () -> ConfigurationReply
    ) {
        current = Mutex(engine)
        reloading = reload
        showing = configuration
        executor = engine.world.loop
        started = engine.world.time.now
        startedAt = engine.world.time.wall
    }

    /// A reload stops the engine: who asks waits for the next one.
    package nonisolated func hold() { gate.set(closed: true) }

    /// A reload has made another engine.
    package nonisolated func serve(_ engine: EngineParts) {
        current.withLock { $0 = engine }
        gate.set(closed: false)
    }

    /// There will be none.
    package nonisolated func release() { gate.set(closed: false) }

    package func ready() async { await gate.pass() }

    // MARK: Status

    package func status() async throws(ControlError) -> StatusSnapshot {
        let seen = engine.board.snapshot()
        let overview = try await asking { () async throws(StoreError) in try await engine.store.counts() }
        let now = engine.world.time.now
        let unsealed = await engine.supervisor.unsealedSince.map { Int((now - $0).inSeconds) }
        var destinations: [DestinationStatus] = []
        for settings in engine.destinations {
            let live = seen.destinations[settings.name] ?? StatusBoard.Destination()
            var status = DestinationStatus(
                name: settings.name, type: settings.type, state: Self.state(of: live), required: settings.isRequired,
                queued: 0, queuedBytes: 0, lastError: live.lastError, storeID: live.storeID?.rawValue)
            status.limit = engine.world.rates()?.allowance(of: settings.name)?.rate
            let backlog = try await backlog(of: settings.name, live)
            status.queued = backlog.segments
            status.queuedBytes = backlog.bytes
            if let oldest = backlog.oldest {
                status.oldestUnsafeSeconds = Int(max(0, engine.world.time.wall.seconds - oldest.seconds))
            }
            if let unsealed { status.oldestUnsafeSeconds = max(unsealed, status.oldestUnsafeSeconds ?? 0) }
            destinations.append(status)
        }
        let total = seen.backlogBytes
        let reply = StatusReply(
            version: engine.world.machine.version, pid: engine.world.machine.process,
            startedAt: RFC3339.text(startedAt),
            uptimeSeconds: Int((engine.world.time.now - started).inSeconds), health: seen.health,
            redaction: RedactionStatus(rules: engine.rules), destinations: destinations,
            sessions: SessionCounts(live: seen.running, known: overview.sessions, unresolved: overview.unresolved),
            watching: WatchingStatus(roots: engine.roots(seen)),
            spool: SpoolStatus(bytes: engine.store.spool.bytes, maxBytes: engine.spoolLimit), rates: seen.rates,
            backfill: total > 0 || seen.isScanning
                ? BackfillStatus(bytesTotal: total + seen.takenBytes, bytesDone: seen.takenBytes) : nil,
            noticed: seen.noticed, storePath: engine.defaultStorePath)
        return StatusSnapshot(reply, revision: seen.revision)
    }

    /// Since when the oldest line that was seen is not in every required destination; `nil`: all are, or nobody can say.
    package func unsafeSince() async -> WallTime? {
        let seen = engine.board.snapshot()
        let clock = engine.world.time
        var since = await engine.supervisor.unsealedSince.map {
            WallTime(nanoseconds: clock.wall.nanoseconds - (clock.now - $0).nanoseconds)
        }
        for settings in engine.destinations where settings.isRequired {
            do throws(ControlError) {
                guard let oldest = try await backlog(of: settings.name, seen.destinations[settings.name]).oldest
                else { continue }
                since = min(oldest, since ?? oldest)
            } catch {
                // Safe: that the catalog cannot be read is in health, which comes first.
            }
        }
        return since
    }

    func backlog(
        of destination: String, _ live: StatusBoard.Destination?
    ) async throws(ControlError) -> Backlog {
        try await asking { () async throws(StoreError) in
            if let id = live?.storeID { return try await engine.store.backlog(at: id) }
            return try await engine.store.missing(at: try await engine.store.knownStore(of: destination))
        }
    }

    /// The store that a destination has, or had when it was open last; `nil`: it never was.
    func store(of destination: String) async throws(ControlError) -> StoreID? {
        if let open = engine.objects.id(named: destination) { return open }
        return try await asking { () async throws(StoreError) in try await engine.store.knownStore(of: destination) }
    }

    /// What the stores are called here: those that can be read, and those that destinations had when they were open last.
    func storeNames() async throws(ControlError) -> [StoreID: String] {
        try await asking { () async throws(StoreError) in
            var names: [StoreID: String] = [:]
            for settings in engine.destinations {
                if let id = try await engine.store.knownStore(of: settings.name) { names[id] = settings.name }
            }
            for readable in engine.objects.readable { names[readable.id] = readable.shelf.name }
            return names
        }
    }

    private static func state(of destination: StatusBoard.Destination) -> DestinationStatus.State {
        if destination.isPaused { return .paused }
        return switch destination.state {
        case .opening: destination.lastError == nil ? .idle : .retrying
        case .active: destination.inFlight > 0 ? .delivering : .idle
        case .waiting: .retrying
        case .held: .held
        }
    }

    package func statusChange(after revision: UInt64) async throws(CancellationError) {
        let bell = Doorbell()
        let listener = engine.board.subscribe(bell)
        defer { engine.board.unsubscribe(listener) }
        while engine.board.snapshot().revision == revision {
            _ = await bell.wait(on: engine.world.time)
            if Task.isCancelled { throw CancellationError() }
        }
    }

    // MARK: Operations

    package func reload() async throws(ControlError) -> ReloadReply {
        guard !isReloading else { throw ControlError(.busy, "a reload is under way", hint: "try again in a moment") }
        isReloading = true
        defer { isReloading = false }
        return try await reloading()
    }

    package func configuration() async throws(ControlError) -> ConfigurationReply { showing() }

    nonisolated func asking<Value: Sendable>(
        _ body: @Sendable () async throws(StoreError) -> Value
    ) async throws(ControlError) -> Value {
        do throws(StoreError) {
            return try await body()
        } catch {
            throw ControlError(error)
        }
    }
}

extension ControlError {
    /// Whoever asked before a reload began has asked an engine that is not there any more: no disk has failed.
    init(_ error: StoreError) {
        if error.code == .closed {
            self.init(
                .busy, "a reload has put another engine in place meanwhile",
                hint: "call again: what was begun goes on, and is not done twice")
        } else {
            self.init(.backendError, error.description, hint: error.hint)
        }
    }
}
