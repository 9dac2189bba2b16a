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
        while !Task.isCancelled {
            _ = await bell.wait(on: world.time)
            if !isWaitedFor { _ = await hurry.wait(until: world.time.now + Self.delay, on: world.time) }
            if Task.isCancelled { break }
            let callers = waiting.withLock { waiting in
                defer { waiting.callers = [] }
                return waiting.callers
            }
            await round()
            for caller in callers { caller.resume() }
        }
        let callers = waiting.withLock { waiting in
            waiting.isEnded = true
            return waiting.callers
        }
        for caller in callers { caller.resume() }
    }

    private var isWaitedFor: Bool { waiting.withLock { !$0.callers.isEmpty } }

    private func round() async {
        do {
            if try await service.mergeAll() { delivery.ring() }
            board.clear(MergeService.failed, "merge")
        } catch {
            board.report(MergeService.failed, "merge", "small segments could not be joined: \(error)")
            world.log.record(Event(.persistenceFailed, "small segments could not be joined: \(error)"))
        }
    }
}
