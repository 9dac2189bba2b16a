package import Shared
import Synchronization

/// Ties what a simulated process does to its life: once it is cut, nothing of it is seen outside.
///
/// A crash in one process cannot free the tasks that it stops, so they go on until they end by themselves; but the far
/// end does not hear them, the log does not, and their state directory is no longer the one that counts.
package final class Lifeline: Sendable {
    private let state = Mutex(false)

    package init() {}

    package var isCut: Bool { state.withLock { $0 } }

    /// - Returns: `false` when it was cut before.
    @discardableResult
    package func cut() -> Bool {
        state.withLock { isCut in
            defer { isCut = true }
            return !isCut
        }
    }

    package func log(_ log: any EventLog) -> any EventLog { LivingLog(line: self, log: log) }
    package func faults(_ faults: any FaultHook) -> any FaultHook { LivingFaults(line: self, faults: faults) }
}

private struct LivingLog: EventLog {
    let line: Lifeline
    let log: any EventLog
    func record(_ event: Event) { if !line.isCut { log.record(event) } }
}

private struct LivingFaults: FaultHook {
    let line: Lifeline
    let faults: any FaultHook
    func reach(_ point: FaultPoint) { if !line.isCut { faults.reach(point) } }
}
