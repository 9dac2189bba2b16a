import Capture
import LinuxSystem
import Shared
import Store

/// What agents' hooks tell: sessions to be looked at, and their ends.
///
/// An event is a row before anything follows from it, so a crash loses none. Hooks that find nobody leave theirs in the queue,
/// which is taken over at the start and whenever something was put there. Lives on the loop; files are read on lanes. What follows
/// from an event is in `CaptureService+Work.swift`, the queue in `CaptureService+Queue.swift`.
actor CaptureService {
    private nonisolated let executor: any RoomExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let store: Store
    let supervisor: SessionSupervisor
    let watched: [WatchRoot]
    let queue: HookQueue
    let world: Surroundings
    let board: StatusBoard
    let bells: (any CaptureBells)?
    let bell = Doorbell()
    var isQueueRung = true
    var isQueueWatched = false
    /// Whoever waits for the next commit, with what it is to hold.
    private var waiting: [(event: CapturedEvent, continuation: CheckedContinuation<Result<Void, StoreError>, Never>)] =
        []
    private var isCommitting = false
    /// By process that is watched.
    private var processes: Set<AgentProcess> = []
    private var gone: [AgentProcess] = []
    /// Sessions whose ends are to be told.
    private var ends: Set<SessionID> = []
    private var ending: Set<SessionID> = []
    /// Those of which nothing could be taken yet: how often that was tried, and when it is to be again; `nil`: it is under way.
    private var unsettled: [SessionID: (tries: Int, due: Instant?)] = [:]
    /// Sessions whose files, which lie elsewhere, are to be looked at.
    private var visits: [SessionID] = []
    private var isVisiting = false
    /// Two pipelines of one file would be in each other's way.
    let oneAtATime = Permits(1)

    init(
        store: Store, supervisor: SessionSupervisor, watched: [WatchRoot], queue: HookQueue, world: Surroundings,
        board: StatusBoard, bells: (any CaptureBells)?
    ) {
        self.store = store
        self.supervisor = supervisor
        self.watched = watched
        self.queue = queue
        self.world = world
        self.board = board
        self.bells = bells
        executor = world.loop
    }

    // MARK: Events

    /// Returns when the event is durable; what follows from it is done after that. Events that come together share a commit.
    func take(_ event: CapturedEvent) async throws(StoreError) {
        let result = await withCheckedContinuation { continuation in
            waiting.append((event, continuation))
            guard !isCommitting else { return }
            isCommitting = true
            world.loop.start { [self] in await commit() }
        }
        try result.get()
    }

    private func commit() async {
        while !waiting.isEmpty {
            let batch = waiting
            waiting = []
            let result: Result<Void, StoreError>
            do throws(StoreError) {
                try await note(batch.map(\.event))
                result = .success(())
            } catch {
                result = .failure(error)
            }
            for (_, continuation) in batch { continuation.resume(returning: result) }
        }
        isCommitting = false
    }

    /// Makes the events rows, and begins what follows from them.
    func note(_ events: [CapturedEvent]) async throws(StoreError) {
        var places: [(event: CapturedEvent, place: TranscriptPlace)] = []
        for event in events { places.append((event, await place(of: event.path))) }
        let elsewhere = places.filter { $0.place.isElsewhere }.map(\.event.sid)
        try await store.note(events, elsewhere: Set(elsewhere))
        for (event, place) in places {
            switch place {
            case .watched(let source): await supervisor.look(at: source)
            // The end looks at it anyway.
            case .elsewhere: if event.kind != .end { visits.append(event.sid) }
            case .excluded: break
            case .unknown: if event.kind != .queued { await lookForSources(of: event.sid) }
            }
            if event.kind == .end { ends.insert(event.sid) }
            if let process = event.process { watch(process) }
        }
        // Hooks may have left something before this one, and nobody rings for it.
        if !isQueueWatched { isQueueRung = true }
        bell.ring()
    }

    /// Of Codex only the session's id is told.
    private func lookForSources(of session: SessionID) async {
        do throws(StoreError) {
            let sources = try await store.describe(session)?.streams.compactMap(\.source) ?? []
            // Nothing was taken of it: its file is to be found.
            if sources.isEmpty { supervisor.watching.rescan() }
            for source in sources where watched.contains(where: { $0.root == source.root }) {
                await supervisor.look(at: source.path)
            }
        } catch {
            supervisor.watching.rescan()
        }
    }

    // MARK: Life

    /// Serves until it is cancelled.
    func run(_ parts: EngineParts) async {
        await begin()
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                if isQueueRung {
                    isQueueRung = false
                    await importQueue()
                }
                for process in gone { await noteGone(process) }
                gone = []
                for sid in ends.subtracting(ending).sorted() {
                    ends.remove(sid)
                    ending.insert(sid)
                    group.addTask(executorPreference: world.loop) { [self] in
                        let isSettled = await end(sid, parts)
                        await ended(sid, isSettled: isSettled)
                    }
                }
                if !visits.isEmpty, !isVisiting {
                    isVisiting = true
                    group.addTask(executorPreference: world.loop) { [self] in await visitAll(parts) }
                }
                let next = unsettled.values.compactMap(\.due).min()
                guard await bell.wait(until: next, on: world.time) == .timeout else { continue }
                for (sid, each) in unsettled where each.due.map({ $0 <= world.time.now }) == true {
                    unsettled[sid]?.due = nil
                    ends.insert(sid)
                }
            }
        }
        bells?.silence()
    }

    /// What an earlier life left to be done, and processes that it watched.
    private func begin() async {
        for row in await openCaptures() {
            if let process = row.process { watch(process) }
            if row.isDue { ends.insert(row.sid) }
            if row.isWaiting { visits.append(row.sid) }
        }
    }

    private func openCaptures() async -> [CaptureRow] {
        do throws(StoreError) {
            return try await store.openCaptures()
        } catch {
            note(failure: "what hooks have told could not be read: \(error)")
            return []
        }
    }

    private func ended(_ sid: SessionID, isSettled: Bool) {
        ending.remove(sid)
        let tries = (unsettled.removeValue(forKey: sid)?.tries ?? 0) + 1
        if !isSettled, tries < Self.mostTries {
            unsettled[sid] = (tries, world.time.now + min(.seconds(1 << min(tries - 1, 6)), Self.longestPause))
        }
        bell.ring()
    }

    /// A store that may know the session does not answer yet, or its file cannot be read: again after 1 s, 2 s, 4 s … After
    /// half an hour it is left to the next start: a daemon at rest has no timer.
    private static let longestPause: Duration = .seconds(60)
    private static let mostTries = 35

    private func visitAll(_ parts: EngineParts) async {
        while !visits.isEmpty, !Task.isCancelled {
            let sid = visits.removeFirst()
            if !visits.contains(sid) { await visit(sid, parts) }
        }
        isVisiting = false
    }

    // MARK: Processes

    /// More are not watched: the ends of those are noticed at the next start.
    private static let mostProcesses = 1_024

    private func watch(_ process: AgentProcess) {
        guard let bells, processes.count < Self.mostProcesses, processes.insert(process).inserted else { return }
        let isWatched = bells.watch(process) { [weak self] in
            self?.assumeIsolated { service in
                service.processes.remove(process)
                service.gone.append(process)
                service.bell.ring()
            }
        }
        if isWatched { return }
        processes.remove(process)
        if !process.isRunning { gone.append(process) }
    }

    private func noteGone(_ process: AgentProcess) async {
        do throws(StoreError) {
            ends.formUnion(try await store.noteGone(process))
        } catch {
            // Safe: at the next start it is not there either.
            note(failure: "the end of process \(process.pid) could not be noted: \(error)")
        }
    }

    // MARK: --once

    /// Imports what is in the queue, and takes what lies elsewhere.
    ///
    /// - Returns: what could not be, a sentence each.
    func imported(_ parts: EngineParts) async -> [String] {
        await importQueue()
        visits += await openCaptures().filter(\.isWaiting).map(\.sid)
        var reasons: [String] = []
        for sid in Set(visits).sorted() { reasons += await visit(sid, parts) }
        visits = []
        return reasons
    }

    /// Tells sessions their ends, once all that there is of them was taken.
    func settleEnds() async {
        for row in await openCaptures() {
            if let process = row.process, !process.isRunning { await noteGone(process) }
            if row.isDue { ends.insert(row.sid) }
        }
        for sid in ends.sorted() { _ = await settle(sid) }
        ends = []
    }
}
