import LinuxSystem
import Shared
import Synchronization

/// Says when the wall clock is not to be believed. Nothing depends on it but times that people read; so it is only said.
///
/// `clock_jumped`: it was set by more than a minute, until it is set back or an hour has passed. `clock_behind`: it is
/// earlier than when the catalog wrote last, until that moment has come, or it is set right.
final class ClockWatch: Sendable {
    static let jumped = "clock_jumped"
    static let behind = "clock_behind"
    private static let subject = "clock"
    /// Who keeps the time by small steps stays below it.
    static let tolerance: Duration = .seconds(60)
    static let remembered: Duration = .seconds(3600)

    private struct State {
        /// By how much it was set since all was well.
        var jump: Duration = .zero
        /// The end of each entry.
        var timers: [String: TimerToken] = [:]
    }

    private let time: any TimeSource
    private let board: StatusBoard
    private let log: any EventLog
    /// When the catalog was last written before this life.
    private let lastWritten: WallTime?
    private let state = Mutex(State())

    init(time: any TimeSource, board: StatusBoard, log: any EventLog, lastWritten: WallTime?) {
        self.time = time
        self.board = board
        self.log = log
        self.lastWritten = lastWritten
    }

    func start() {
        time.whenSet { [self] jump in wasSet(by: jump) }
        compare()
    }

    func stop() {
        time.whenSet(nil)
        for kind in [Self.jumped, Self.behind] { end(kind, after: nil) }
    }

    private func wasSet(by jump: Duration) {
        let sum = state.withLock { state in
            state.jump += jump
            return state.jump
        }
        if abs(sum.nanoseconds) >= Self.tolerance.nanoseconds {
            let way = sum < .zero ? "back" : "forward"
            say(
                Self.jumped, "the clock was set \(way) by \(Self.text(sum)) while uploaderd was running",
                until: Self.remembered)
        } else {
            forget(Self.jumped)
        }
        compare()
    }

    private func compare() {
        guard let lastWritten else { return }
        let late = lastWritten - time.wall
        if late >= Self.tolerance {
            say(Self.behind, "the clock is \(Self.text(late)) behind what was written last", until: late)
        } else {
            forget(Self.behind)
        }
    }

    private func say(_ kind: String, _ message: String, until length: Duration) {
        let hint = "see that it is right (timedatectl): only times that are shown are wrong, no line, order or name"
        board.report(kind, Self.subject, message, hint: hint)
        log.record(Event(.clockJumped, message, hint: hint))
        end(kind, after: length)
    }

    private func forget(_ kind: String) {
        end(kind, after: nil)
        board.clear(kind, Self.subject)
    }

    /// - Parameter length: until the entry goes by itself; `nil`: never.
    private func end(_ kind: String, after length: Duration?) {
        let timer = length.map { length in
            time.schedule(at: time.now + length) { [self] in
                if kind == Self.jumped { state.withLock { $0.jump = .zero } }
                forget(kind)
            }
        }
        let old = state.withLock { state in
            defer { state.timers[kind] = timer }
            return state.timers[kind]
        }
        if let old { time.cancel(old) }
    }

    private static func text(_ duration: Duration) -> String {
        let seconds = abs(duration.nanoseconds) / 1_000_000_000
        if seconds >= 2 * 86_400 { return "\(seconds / 86_400) days" }
        return seconds >= 7_200 ? "\(seconds / 3_600) h" : "\(seconds / 60) min"
    }
}
