package import Shared
import Synchronization

/// Feeds the watchdog by progress: only when the loop and every lane have answered since it was last fed.
///
/// A slow network, disk of a destination, or peer holds up none of these, so it cannot look like a hang; a lane that
/// is stuck stops the feeding, and systemd restarts us.
package actor Heartbeat {
    private nonisolated let executor: any RoomExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let lanes: [(name: String, executor: any RoomExecutor)]
    private let manager: any ServiceManager
    private let time: any TimeSource
    private let board: StatusBoard
    private let log: any EventLog
    /// Lanes whose last beat is not back yet, and since when.
    private var outstanding: [String: Instant] = [:]
    /// Said once for each stall.
    private var stalled: Set<String> = []

    package init(
        loop: any RoomExecutor, lanes: [(name: String, executor: any RoomExecutor)], manager: any ServiceManager,
        time: any TimeSource, board: StatusBoard, log: any EventLog
    ) {
        executor = loop
        self.lanes = lanes
        self.manager = manager
        self.time = time
        self.board = board
        self.log = log
    }

    /// Runs until cancelled; at once when there is no watchdog, for then there is nothing to feed.
    package func run() async {
        guard let limit = manager.watchdog else { return }
        let interval = limit / 4
        while !Task.isCancelled {
            beat(stalledAfter: limit / 2)
            // The bell of a cancelled sleep is all there is to hear.
            do { try await time.sleep(for: interval) } catch { return }
            if outstanding.isEmpty { manager.feedWatchdog() }
        }
    }

    private func beat(stalledAfter patience: Duration) {
        let now = time.now
        for lane in lanes {
            if let since = outstanding[lane.name] {
                if now - since > patience { sayStalled(lane.name, for: now - since) }
                continue
            }
            outstanding[lane.name] = now
            lane.executor.start { await self.answered(lane.name) }
        }
    }

    private func answered(_ lane: String) {
        outstanding[lane] = nil
        stalled.remove(lane)
        board.clear("lane_stalled", lane)
    }

    private func sayStalled(_ lane: String, for duration: Duration) {
        guard stalled.insert(lane).inserted else { return }
        let message = "lane \(lane) has not answered for \(Int(duration.inSeconds)) s; the watchdog is not fed"
        board.report(
            "lane_stalled", lane, message, hint: "systemd restarts the service; see journalctl --user -u uploaderd")
        log.record(Event(.laneStalled, message, fields: ["LANE": lane]))
    }
}
