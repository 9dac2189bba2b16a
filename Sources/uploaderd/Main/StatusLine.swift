import Engine
import LinuxSystem
import Shared

/// The daemon in one line, for `systemctl status`: STATUS= of sd_notify(3).
enum StatusLine {
    /// - Parameter since: when the oldest line was seen that is not safe; `nil`: all are.
    static func text(_ board: StatusBoard.Snapshot, unsafeSince since: WallTime? = nil) -> String {
        var parts: [String] = []
        if let first = board.health.first {
            let more = board.health.count > 1 ? " (and \(board.health.count - 1) more)" : ""
            parts.append("unhealthy: \(first.message)\(more)")
        } else {
            parts.append("healthy")
        }
        if let since { parts.append("oldest unsafe line of \(RFC3339.text(WallTime(seconds: since.seconds)))") }
        if board.backlogBytes > 0 { parts.append("\(ByteCount(board.backlogBytes)) to take") }
        parts.append("\(board.running) live sessions")
        if board.spoolBytes > 0 { parts.append("\(ByteCount(board.spoolBytes)) in the spool") }
        let noticed = board.noticed
        for (count, what) in [
            (noticed.generations, "new generation"), (noticed.withheldLines, "withheld line"),
            (noticed.anomalies.values.reduce(0, +), "odd line"),
        ] where count > 0 { parts.append("\(count) \(what)\(count == 1 ? "" : "s")") }
        // A line of its own in the datagram would be another assignment.
        return TerminalText.escaped(parts.joined(separator: ", "))
    }

    /// What is unsafe is asked of the catalog, and no more often than this.
    private static let pace = Duration.seconds(10)

    /// Sends it whenever it is another one, at most once a second; sleeps while nothing changes.
    static func keep(
        _ board: StatusBoard, _ parts: ProcessParts, unsafeSince: @Sendable () async -> WallTime?
    ) async {
        let bell = Doorbell()
        let listener = board.subscribe(bell)
        defer { board.unsubscribe(listener) }
        var last = ""
        var since: WallTime?
        var nextLook = parts.world.time.now
        while !Task.isCancelled {
            let seen = board.snapshot()
            let mayBeUnsafe = seen.spoolBytes > 0 || seen.running > 0 || seen.pending > 0
            let isDue = parts.world.time.now >= nextLook
            if !mayBeUnsafe {
                since = nil
            } else if isDue {
                since = await unsafeSince()
                nextLook = parts.world.time.now + pace
            }
            let text = text(seen, unsafeSince: since)
            if text != last {
                parts.manager.status(text)
                last = text
            }
            // What was not asked now is asked when it may be.
            _ = await bell.wait(until: mayBeUnsafe && !isDue ? nextLook : nil, on: parts.world.time)
            do throws(CancellationError) { try await parts.world.time.sleep(for: .seconds(1)) } catch { return }
        }
    }
}
