import Engine
import LinuxSystem
import Shared

/// The daemon in one line, for `systemctl status`: STATUS= of sd_notify(3).
enum StatusLine {
    static func text(_ board: StatusBoard.Snapshot) -> String {
        var parts: [String] = []
        if let first = board.health.first {
            let more = board.health.count > 1 ? " (and \(board.health.count - 1) more)" : ""
            parts.append("unhealthy: \(first.message)\(more)")
        } else {
            parts.append("healthy")
        }
        if board.backlogBytes > 0 { parts.append("\(ByteCount(board.backlogBytes)) to take") }
        parts.append("\(board.running) live sessions")
        if board.spoolBytes > 0 { parts.append("\(ByteCount(board.spoolBytes)) in the spool") }
        // A line of its own in the datagram would be another assignment.
        return TerminalText.escaped(parts.joined(separator: ", "))
    }

    /// Sends it whenever it is another one, at most once a second; sleeps while nothing changes.
    static func keep(_ board: StatusBoard, _ parts: ProcessParts) async {
        let bell = Doorbell()
        let listener = board.subscribe(bell)
        defer { board.unsubscribe(listener) }
        var last = ""
        while !Task.isCancelled {
            let text = text(board.snapshot())
            if text != last {
                parts.manager.status(text)
                last = text
            }
            _ = await bell.wait(on: parts.world.time)
            do throws(CancellationError) { try await parts.world.time.sleep(for: .seconds(1)) } catch { return }
        }
    }
}
