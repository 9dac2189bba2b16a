import Glibc
import LinuxSystem
import Shared
import Synchronization

/// Faults on purpose, for the tests of the built program; described in docs/operations.md.
enum FaultInjection {
    /// - Parameter text: `$UPLOADERD_FAULT`; anything that names no fault is none.
    static func hook(_ text: String) -> any FaultHook {
        if text == "stall:store" { return StallStore() }
        if text == "slow:deliver" { return SlowDelivery() }
        return CrashAt(text) ?? NoFaults() as any FaultHook
    }

    /// What each destination's lane does first: `stall:destinations:FIFO` hangs it in open(2), as a dead network file
    /// system does, until somebody opens the FIFO for writing.
    static func stall(_ text: String) -> (@Sendable () -> Void)? {
        let word = "stall:destinations:"
        guard text.hasPrefix(word) else { return nil }
        let path = String(text.dropFirst(word.utf8.count))
        return {
            do throws(SystemError) {
                _ = try Descriptor.open(path, [.readOnly])
            } catch {
                // Not there: nothing hangs, and the test finds destinations that answer.
            }
        }
    }
}

/// Stops lane "store" for ever at the first seal: what the watchdog is for.
struct StallStore: FaultHook {
    func reach(_ point: FaultPoint) {
        guard point == .sealWritten else { return }
        while true { pause() }
    }
}

/// Holds every put up for five seconds, on the destination's own lane: slow is not stuck.
struct SlowDelivery: FaultHook {
    func reach(_ point: FaultPoint) {
        if point == .deliverStarted { sleep(5) }
    }
}

/// Stops the process with SIGKILL at a point of the crash protocol: `UPLOADERD_FAULT=seal.2` or `seal.2:3` for the
/// third time. For the tests of the built program; described in docs/operations.md.
struct CrashAt: FaultHook {
    private let point: FaultPoint
    private let remaining: Remaining

    private final class Remaining: Sendable {
        let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
    }

    /// - Returns: `nil` unless the text names a point.
    init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard let name = parts.first, let point = FaultPoint(rawValue: String(name)) else { return nil }
        self.point = point
        remaining = Remaining(parts.count == 2 ? Int(parts[1]) ?? 1 : 1)
    }

    func reach(_ point: FaultPoint) {
        guard point == self.point else { return }
        if remaining.count.subtract(1, ordering: .relaxed).newValue == 0 { kill(getpid(), SIGKILL) }
    }
}
