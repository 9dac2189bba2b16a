import Engine
import LinuxSystem
import Shared

/// One line at the bottom of a terminal while the backlog is taken, or while the rest is delivered at the end. Pure.
///
///     taking sessions  [########------------]  41 %  9.2MiB of 22MiB, 12 sessions to go
struct ProgressLine {
    private var total: Int64 = 0
    /// Somebody waits for the end: whom that depends on is said, too.
    private let isOnce: Bool

    init(isOnce: Bool) { self.isOnce = isOnce }

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
            return isOnce ? delivering(board) : nil
        }
        total = max(total, left)
        let done = total - left
        let share = total > 0 ? Double(done) / Double(total) : 0
        let filled = Int(share * 20)
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 20 - filled)
        return "taking sessions  [\(bar)] \(Int(share * 100)) %  \(ByteCount(done)) of \(ByteCount(total)), "
            + "\(board.pending + board.running) sessions to go"
    }

    private func delivering(_ board: StatusBoard.Snapshot) -> String? {
        var waited: [String] = []
        for (name, destination) in board.destinations.sorted(by: { $0.key < $1.key }) {
            switch destination.state {
            case .opening: waited.append("\(name), which has not answered")
            case .waiting: waited.append("\(name), which is tried again")
            case .active: if destination.inFlight > 0 || board.spoolBytes > 0 { waited.append(name) }
            case .held: break
            }
        }
        if waited.isEmpty { return nil }
        let names = TerminalText.escaped(waited.joined(separator: ", "))
        let bytes = board.spoolBytes > 0 ? "delivering \(ByteCount(board.spoolBytes)), " : ""
        return "\(bytes)waiting for \(names)"
    }

    /// Keeps the line on the terminal while there is one, at most ten times a second; sleeps while nothing changes.
    static func show(_ board: StatusBoard, isOnce: Bool, on time: any TimeSource) async {
        let bell = Doorbell()
        let listener = board.subscribe(bell)
        defer { board.unsubscribe(listener) }
        var progress = ProgressLine(isOnce: isOnce)
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
