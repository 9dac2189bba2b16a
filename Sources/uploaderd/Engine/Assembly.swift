package import Capture
import Delivery
import Digests
import LinuxSystem
package import Redaction
import Segments
package import Shared
import Store

/// Puts an engine together from a configuration. Nothing is decided here but who knows whom.
package enum Assembly {
    /// Makes the watcher of these roots; the simulation hands in one that rings by itself.
    package typealias Watching =
        @Sendable (
            _ roots: [WatchRoot], _ directories: RootDirectories, _ configuration: WatchingConfiguration
        ) -> any SourceWatching

    /// Takes the lock of the state directory, and recovers. Nothing is cut yet: what else the process needs for itself
    /// alone can be claimed before `engine` begins.
    ///
    /// - Parameter damaged: the catalog turned out to be damaged while it was used: an engine on a new state heals it.
    /// - Throws: `StoreError` when the state directory cannot be used.
    package static func state(
        _ directories: Directories, world: Surroundings, damaged: @escaping @Sendable () -> Void = {}
    ) async throws -> HeldState {
        let (store, report) = try await Store.open(
            StateDirectory(directories.state, spool: directories.spool), executor: world.storeLane, time: world.time,
            random: world.random, faults: world.faults, log: world.log, syncs: world.syncs,
            departures: world.departures,
            damaged: damaged)
        return HeldState(store: store, report: report)
    }

    /// Starts everything but the servers.
    ///
    /// - Parameters:
    ///   - state: the engine's from then on; it is closed when this throws.
    ///   - redactor: of this configuration: see `RulesCache`.
    ///   - bells: `nil`: the hooks' queue is read at the start only, and agents' processes are not watched.
    /// - Throws: `CaptureError` for a glob that cannot be understood; `StoreError`.
    package static func engine(
        _ configuration: UploaderConfiguration, on state: HeldState, directories: Directories, isOnce: Bool,
        redactor: Redactor, board: StatusBoard, world: Surroundings, watching: Watching,
        bells: (any CaptureBells)? = nil
    ) async throws -> Engine {
        let (store, report) = (state.store, state.report)
        var configuration = configuration
        configuration.destinations = configuration.destinations.flatMap { [$0] + [$0.beside].compactMap(\.self) }
        do {
            note(report, board)
            if let fault = await store.standingsFault { say(fault, board, world.log) }
            try await noteFaults(configuration, store, board)
            let roots = try configuration.watch.map { try WatchRoot($0) }
            let judge = PrivacyJudge(
                rules: PrivacyRules(configuration.privacy), store: store, board: board, log: world.log, time: world.time
            )
            // Directories are looked at, which may lie on any disk.
            try await withTaskExecutorPreference(world.work[0]) { try await judge.judgeKnown() }
            let objects = ObjectFinder(store: store, board: board, world: world)
            let lost = LostSegments()
            let context = try context(
                configuration, RootDirectories(of: roots), store, objects, lost, redactor, board, world)
            let rewriting = SegmentRewriting(context, objects: objects)
            await store.enforce(rules: rewriting?.rules)
            let resolver = SessionResolver(
                store: store, objects: objects, world: world, board: board, report: report,
                destinations: configuration.destinations.map(\.name), judge: judge)
            let unjoined = UnjoinedSessions()
            let forgetting = Forgetting(
                store: store, objects: objects, world: world, board: board,
                destinations: configuration.destinations.map(\.name))
            let delivery = try await delivery(
                configuration, directories, store, resolver, unjoined, lost, rewriting, forgetting, redactor, board,
                world)
            objects.observeMissing { [weak delivery] in delivery?.ring() }
            let intake = SourceIntake(
                store: store, context: context, resolver: resolver,
                roots: Dictionary(roots.map { ($0.root, $0) }) { first, _ in first },
                unchangedSince: try await store.value(SourceIntake.lookedThrough).flatMap { Int64($0) }.map {
                    WallTime(nanoseconds: $0)
                }, began: WallTime(nanoseconds: world.time.wall.nanoseconds - 2_000_000_000), judge: judge)
            let watcher = watching(roots, context.roots, configuration.watching)
            let supervisor = SessionSupervisor(
                context: context, world: world, watching: watcher, intake: intake, mode: isOnce ? .once : .live)
            let merger = MergeService(
                store: store, objects: objects, key: context.key, policy: MergePolicy(), unjoined: unjoined,
                log: world.log, board: board)
            let merging =
                configuration.canMerge
                ? MergeRounds(merger, delivery: delivery, board: board, world: world) : nil
            let parts = EngineParts(
                world: world, board: board, store: store, context: context, intake: intake, supervisor: supervisor,
                delivery: delivery, merging: merging, objects: objects, lost: lost, forgetting: forgetting,
                rewriting: Rewriting(
                    rewriting, context: context, objects: objects, world: world,
                    destinations: configuration.destinations.map(\.name)
                ) {
                    [weak delivery, weak merging] in
                    delivery?.ring()
                    merging?.ring()
                },
                replay: ReplayService(
                    store: store, objects: objects, destinations: configuration.destinations.map(\.name)),
                captures: CaptureService(
                    store: store, supervisor: supervisor, watched: roots, queue: HookQueue(state: directories.state),
                    world: world, board: board, bells: bells),
                destinations: configuration.destinations.map { EngineParts.Destination($0) },
                watched: roots, spoolLimit: configuration.spool.maxBytes.bytes,
                defaultStorePath: configuration.destinations.first { $0.isDefault }.map { _ in directories.store },
                remote: RemoteSessions(world: world, cache: directories.cache))
            let isInDoubt = !report.isUneventful || report.fresh || !report.awaited.isEmpty
            // No store has to be asked for what an earlier life has lost.
            if !isInDoubt { lost.add(report.lost) }
            return await Engine(
                parts: parts, watcher: watcher, resolver: resolver, resolving: isInDoubt ? report.lost : nil,
                clock: ClockWatch(time: world.time, board: board, log: world.log, lastWritten: report.lastWritten),
                isOnce: isOnce)
        } catch {
            await store.close()
            throw error
        }
    }

    private static func context(
        _ configuration: UploaderConfiguration, _ roots: RootDirectories, _ store: Store, _ objects: ObjectFinder,
        _ lost: LostSegments, _ redactor: Redactor, _ board: StatusBoard, _ world: Surroundings
    ) throws -> PipelineContext {
        let segments = configuration.segments
        return PipelineContext(
            store: store, roots: roots, redactor: redactor,
            limits: SegmentLimits(
                maxBytes: Int(segments.maxBytes.bytes), maxLines: segments.maxLines, maxAge: segments.maxAge,
                quiet: segments.quiet, maxLine: segments.maxLine.bytes),
            compressors: CompressorPool(codec: segments.codec, level: segments.level, keeping: world.work.count),
            key: MachineKey.derived(fromMachineID: world.machine.secret), permits: world.work.map { _ in Permits(2) },
            budget: MemoryBudget(bytes: 64 << 20), untaken: MemoryBudget(bytes: 32 << 20), gate: SpoolGate(),
            board: board, log: world.log, time: world.time,
            machine: world.machine, chains: ChainRebuilder(store: store, objects: objects), lost: lost)
    }

    private static func delivery(
        _ configuration: UploaderConfiguration, _ directories: Directories, _ store: Store,
        _ resolver: SessionResolver, _ unjoined: UnjoinedSessions, _ lost: LostSegments,
        _ rewriting: SegmentRewriting?, _ forgetting: Forgetting,
        _ redactor: Redactor, _ board: StatusBoard, _ world: Surroundings
    ) async throws(StoreError) -> DeliveryService {
        let objects = resolver.objects
        let tidier = Tidier(
            store: store, objects: objects, required: configuration.destinations.filter(\.isRequired).map(\.name))
        let parts = DeliveryParts(
            store: store, objects: objects,
            publisher: ManifestPublisher(
                store: store, faults: world.faults, log: world.log,
                policy: configuration.canMerge ? MergePolicy() : nil, unjoined: unjoined), tidier: tidier,
            lost: lost, rewriting: rewriting,
            policy: RetryPolicy(), world: world, board: board
        ) { id in
            forgetting.ring()
            await resolver.opened(id)
            try await store.use(objects.open.map(\.id))
        }
        let paused = try await store.pausedDestinations()
        var workers: [DestinationWorker] = []
        let openings = Dictionary(
            configuration.destinations.map { ($0.ownName, Permits(1)) }, uniquingKeysWith: { first, _ in first })
        for destination in configuration.destinations {
            let news = SessionNews(
                store: store, redactor: redactor, board: board, destination: destination.name, world: world)
            guard let sink = world.sinks?(destination) ?? sink(destination, directories, world, news) else { continue }
            board.update(destination.name) { _ in }
            workers.append(
                DestinationWorker(
                    destination, sink: sink, parts: parts, isPaused: paused.contains(destination.name),
                    opening: openings[destination.ownName] ?? Permits(1)))
        }
        let local = DestinationConfiguration.local(store: directories.store)
        if !configuration.destinations.contains(where: { $0.name == local.name || $0.place == local.place }) {
            // Asked at once, so that its sessions are known before the first line is cut; one that hangs is added late.
            _ = await Patience.wait(Patience.atStart, world) { await read(local, directories, parts, world) }
        }
        return DeliveryService(workers: workers, loop: world.loop)
    }

    /// The store that there was while no destination was configured is read on: what left the spool is nowhere else, and
    /// the destinations that took its place are to get it. It lies in the state directory, so that whose it is need not be
    /// asked where the catalog was lost, and with it the store's id.
    private static func read(
        _ local: DestinationConfiguration, _ directories: Directories, _ parts: DeliveryParts, _ world: Surroundings
    ) async {
        do {
            let known = try await parts.store.knownStore(of: local.name)
            guard let sink = world.sinks?(local) ?? sink(local, directories, world),
                let found = try await sink.store(known: known),
                known == nil || known == found
            else { return }
            if known == nil { try await parts.store.note(found, of: local.name) }
            let places = parts.places(of: local.name, sink)
            parts.objects.add(ObjectFinder.Shelf(places, isDestination: false), as: found)
        } catch {
            // Safe: who needs an object of it says that no store that has it can be read.
            world.log.record(Event(.debug, "the store \(local.name) is not read: \(error)"))
        }
    }

    /// More of them say nothing new, and verify lists all.
    private static let mostFaults = 500

    /// What destinations do not have any more, as far as an earlier life found out.
    private static func noteFaults(
        _ configuration: UploaderConfiguration, _ store: Store, _ board: StatusBoard
    ) async throws(StoreError) {
        for destination in configuration.destinations {
            guard let id = try await store.knownStore(of: destination.name) else { continue }
            for (record, fault) in try await store.faults(at: id, limit: mostFaults) {
                ObjectFinder.say(fault, ObjectFinder.name(of: record, in: destination.name), nil, on: board)
            }
        }
    }

    /// Of no session it is known whether it may leave.
    private static func say(_ fault: StoreError, _ board: StatusBoard, _ log: any EventLog) {
        let message = "nothing is delivered: it is not known which sessions are private, because \(fault.description)"
        board.report("privacy_unknown", "state", message, hint: fault.hint)
        log.record(Event(.persistenceFailed, message, hint: fault.hint))
    }

    /// What the start found in the state directory, for health; Store has told the log.
    private static func note(_ report: RecoveryReport, _ board: StatusBoard) {
        for refusal in report.refused { RecoveryReport.say(refusal.path, refusal.why, on: board) }
        if !report.missing.isEmpty { RecoveryReport.sayMissing(report.missing.count, on: board) }
        for session in report.unresolved {
            board.report(
                "session_unresolved", session.rawValue,
                "what is here of session \(session) begins in the middle; nothing of it is cut until a store says what it has",
                hint: "nothing is lost; it goes on as soon as every destination has answered")
        }
    }
}

extension RecoveryReport {
    /// A file of the spool was set aside; `nil`: it was gone.
    static func say(_ file: String?, _ why: String, on board: StatusBoard) {
        guard let file else { return sayMissing(1, on: board) }
        board.report(
            "spool_file_refused", file, "a file in the spool could not be used: \(why)",
            hint: "it was moved to spool/.refused; what it held is cut again where the source still has it")
    }

    fileprivate static func sayMissing(_ count: Int, on board: StatusBoard) {
        board.report(
            "segments_missing", "spool", "\(count) segments were lost from the spool",
            hint: "they are cut again where the source still has their lines; uploaderctl verify lists them")
    }
}

/// A state directory that is locked and recovered, before its engine.
package struct HeldState: Sendable {
    let store: Store
    let report: RecoveryReport

    /// Gives it up: no engine takes it.
    package func close() async { await store.close() }
}

extension UploaderConfiguration {
    /// What is joined has to be read, and most of it has left the spool by then.
    fileprivate var canMerge: Bool { merge.enabled && destinations.contains(where: \.isReadable) }
}

extension WatchRoot {
    /// - Throws: `CaptureError.invalidPattern`.
    init(_ configuration: WatchConfiguration) throws(CaptureError) {
        if let file = configuration.file {
            self.init(
                file: "\(configuration.root)/\(file)", agent: configuration.agent, sid: configuration.sid)
            return
        }
        var include: [Glob] = []
        for pattern in configuration.include { include.append(try Glob(pattern)) }
        var exclude: [Glob] = []
        for pattern in configuration.exclude { exclude.append(try Glob(pattern)) }
        self.init(
            agent: configuration.agent, root: configuration.root, include: include, exclude: exclude,
            sid: configuration.sid)
        isNamed = configuration.isNamed
    }
}
