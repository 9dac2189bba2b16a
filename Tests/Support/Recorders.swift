package import Shared
import Synchronization

/// Events as they came, with the simulated time.
package final class EventRecorder: EventLog {
    private let list = Mutex<[(at: Instant, event: Event)]>([])
    private let time: any TimeSource

    package init(time: any TimeSource) { self.time = time }

    package func record(_ event: Event) {
        let now = time.now
        list.withLock { $0.append((now, event)) }
    }

    package var events: [Event] { list.withLock { $0.map(\.event) } }
    package var kinds: [EventKind] { events.map(\.kind) }
    package func count(_ kind: EventKind) -> Int { events.count { $0.kind == kind } }

    /// One line for each event, without `hidden` (a folder's name that differs from run to run).
    package func lines(hiding hidden: String) -> [String] {
        list.withLock { list in
            list.map { at, event in
                let fields = event.fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                let text =
                    "\(at.nanoseconds) \(event.kind.rawValue) \(event.message) \(event.session?.rawValue ?? "") "
                    + "\(event.destination ?? "") \(fields.joined(separator: " "))"
                return text.split(separator: hidden, omittingEmptySubsequences: false).joined(separator: "…")
            }
        }
    }
}

/// Counts the fault points that were reached, and calls a closure at one of them.
package final class FaultScript: FaultHook {
    private struct State {
        var reached: [FaultPoint: Int] = [:]
        var wanted: (point: FaultPoint, left: Int, stop: @Sendable () -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    /// Calls `stop` once, when the point is reached for the `count`th time from now on.
    package func stop(at point: FaultPoint, count: Int = 1, _ stop: @escaping @Sendable () -> Void) {
        state.withLock { $0.wanted = (point, count, stop) }
    }

    /// What was to be stopped goes on.
    package func forget() { state.withLock { $0.wanted = nil } }

    package func reach(_ point: FaultPoint) {
        let stop = state.withLock { state -> (@Sendable () -> Void)? in
            state.reached[point, default: 0] += 1
            guard let wanted = state.wanted, wanted.point == point else { return nil }
            guard wanted.left <= 1 else {
                state.wanted?.left -= 1
                return nil
            }
            state.wanted = nil
            return wanted.stop
        }
        stop?()
    }

    package func count(_ point: FaultPoint) -> Int { state.withLock { $0.reached[point] ?? 0 } }
}
