import Engine
import LinuxSystem
import Shared

/// One line at the bottom of a terminal while the backlog is taken, or while the rest is delivered at the end. Pure.
///
///     taking sessions  [########------------]  41 %  9.2MiB of 22MiB, 12 sessions to go
struct ProgressLine {
    private var total: Int64 = 0

    /// - Returns: the text of the line, without an end; `nil` when there is nothing under way.
    mutating func text(_ board: StatusBoard.Snapshot) -> String? {
        if board.isStopping {
            let open = board.running
            return
                "stopping: \(open) open sessions, \(ByteCount(board.spoolBytes)) to deliver (Ctrl-C again stops at once)"
        }
        let left = board.backlogBytes
        guard left > 0 || board.pending > 0 else {
            total = 0
            return nil
        }
        total = max(total, left)
        let done = total - left
        let share = total > 0 ? Double(done) / Double(total) : 0
        let filled = Int(share * 20)
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 20 - filled)
        return "taking sessions  [\(bar)] \(Int(share * 100)) %  \(ByteCount(done)) of \(ByteCount(total)), "
            + "\(board.pending + board.running) sessions to go"
    }

    /// Keeps the line on the terminal while there is one, at most ten times a second; sleeps while nothing changes.
    static func show(_ board: StatusBoard, on time: any TimeSource) async {
        let bell = Doorbell()
        let listener = board.subscribe(bell)
        defer { board.unsubscribe(listener) }
        var progress = ProgressLine()
        var shown = false
        while !Task.isCancelled {
            if let text = progress.text(board.snapshot()) {
                Terminal.writeError("\r\u{1b}[K\(text)")
                shown = true
            } else if shown {
                Terminal.writeError("\r\u{1b}[K")
                shown = false
            }
            _ = await bell.wait(on: time)
            do throws(CancellationError) { try await time.sleep(for: .milliseconds(100)) } catch { break }
        }
        if shown { Terminal.writeError("\r\u{1b}[K") }
    }
}
