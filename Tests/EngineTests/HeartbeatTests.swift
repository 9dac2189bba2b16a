import Shared
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("The heartbeat")
struct HeartbeatTests {
    private final class Manager: ServiceManager {
        let watchdog: Duration?
        let feeds = Atomic<Int>(0)
        init(_ watchdog: Duration?) { self.watchdog = watchdog }
        func ready(status: String) {}
        func status(_ text: String) {}
        func reloading() {}
        func stopping(status: String) {}
        func feedWatchdog() { feeds.add(1, ordering: .relaxed) }
        func extendTimeout(by duration: Duration) {}
        var count: Int { feeds.load(ordering: .relaxed) }
    }

    private func beating(
        _ watchdog: Duration?,
        _ body: @escaping @Sendable (SimulatedWorld, Manager, StatusBoard, EventRecorder) async throws -> Void
    ) throws {
        let world = SimulatedWorld(seed: 5)
        let manager = Manager(watchdog)
        let board = StatusBoard(time: world.time)
        let log = EventRecorder(time: world.time)
        try world.run {
            let lanes = ["store", "work.0", "work.1"].map {
                (name: $0, executor: world.executor($0) as any RoomExecutor)
            }
            let heartbeat = Heartbeat(
                loop: world.executor("loop"), lanes: lanes, manager: manager, time: world.time, board: board, log: log)
            let running = world.executor("loop").start { await heartbeat.run() }
            try await body(world, manager, board, log)
            running.cancel()
            await running.value
        }
    }

    @Test("feeds the watchdog four times in its limit while everything answers")
    func feeds() throws {
        try beating(.seconds(20)) { world, manager, board, _ in
            try await world.time.sleep(for: .seconds(101))
            #expect(manager.count == 20)
            #expect(board.snapshot().health.isEmpty)
        }
    }

    @Test("stops feeding while one lane hangs, says so once, and goes on when it answers")
    func stall() throws {
        try beating(.seconds(20)) { world, manager, board, log in
            try await world.time.sleep(for: .seconds(11))
            let lane = world.executor("store")
            lane.stall()
            let before = manager.count
            try await world.time.sleep(for: .seconds(60))
            // One beat was answered before.
            #expect(manager.count <= before + 1)
            #expect(log.kinds == [.laneStalled] && log.events[0].fields["LANE"] == "store")
            #expect(board.snapshot().health.map(\.subject) == ["store"])
            lane.goOn()
            try await world.time.sleep(for: .seconds(20))
            #expect(manager.count >= before + 3)
            #expect(board.snapshot().health.isEmpty)
            lane.stall()
            try await world.time.sleep(for: .seconds(60))
            #expect(log.kinds == [.laneStalled, .laneStalled])
            lane.goOn()
        }
    }

    @Test("has no timer where no watchdog wants to hear of it")
    func silent() throws {
        try beating(nil) { world, manager, _, _ in
            try await world.time.sleep(for: .seconds(60))
            #expect(manager.count == 0 && world.time.pending.isEmpty)
        }
    }
}
