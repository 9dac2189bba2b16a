import Shared
import Synchronization

/// When small segments are joined: some time after a seal, one look at many of them; and at once where somebody waits for
/// the end, for what is not joined yet may not be in a manifest yet either.
///
/// One round at a time, on a work lane.
final class MergeRounds: Sendable {
    private let service: MergeService
    private let board: StatusBoard
    private let world: Surroundings
    private let delivery: DeliveryService
    private let bell = Doorbell()
    private let hurry = Doorbell()
    private let waiting = Mutex(Waiting())

    private struct Waiting {
        var callers: [CheckedContinuation<Void, Never>] = []
        var isEnded = false
    }

    /// From a seal to the round that looks at it.
    private static let delay: Duration = .seconds(2)
    /// From a round that could not join all to the next one, twice as long after each: what waits to be joined may not be in
    /// a manifest yet.
    private static let retry: (first: Duration, longest: Duration) = (.seconds(60), .seconds(3600))

    init(_ service: MergeService, delivery: DeliveryService, board: StatusBoard, world: Surroundings) {
        self.service = service
        self.delivery = delivery
        self.board = board
        self.world = world
    }

    /// Something was sealed.
    func ring() { bell.ring() }

    /// Returns when a round that began after the call is over.
    func merged() async {
        await withCheckedContinuation { caller in
            let isEnded = waiting.withLock { waiting in
                if !waiting.isEnded { waiting.callers.append(caller) }
                return waiting.isEnded
            }
            if isEnded { caller.resume() }
            hurry.ring()
            bell.ring()
        }
    }

    /// Serves until it is cancelled; then nobody waits any more.
    func run() async {
        var next: Instant?
        var pause = Self.retry.first
        while !Task.isCancelled {
            _ = await bell.wait(until: next, on: world.time)
            if !isWaitedFor { _ = await hurry.wait(until: world.time.now + Self.delay, on: world.time) }
            if Task.isCancelled { break }
            let callers = waiting.withLock { waiting in
                defer { waiting.callers = [] }
                return waiting.callers
            }
            if await round() {
                (next, pause) = (nil, Self.retry.first)
            } else {
                next = world.time.now + pause
                pause = min(pause * 2, Self.retry.longest)
            }
            for caller in callers { caller.resume() }
        }
        let callers = waiting.withLock { waiting in
            waiting.isEnded = true
            return waiting.callers
        }
        for caller in callers { caller.resume() }
    }

    private var isWaitedFor: Bool { waiting.withLock { !$0.callers.isEmpty } }

    /// - Returns: whether all is joined that is to be.
    private func round() async -> Bool {
        do {
            let outcome = try await service.mergeAll()
            // What cannot be joined is listed as it is.
            if outcome.isJoined || outcome.isIncomplete { delivery.ring() }
            board.clear(MergeService.failed, "merge")
            return !outcome.isIncomplete
        } catch {
            board.report(MergeService.failed, "merge", "small segments could not be joined: \(error)")
            world.log.record(Event(.persistenceFailed, "small segments could not be joined: \(error)"))
            return false
        }
    }
}
