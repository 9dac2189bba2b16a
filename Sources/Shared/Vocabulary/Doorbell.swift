import Synchronization

/// Wakes one waiting task. Rings coalesce, and a ring before the wait is not lost.
package final class Doorbell: Sendable {
    package enum Wake: Sendable { case rung, timeout }

    private struct State {
        var isRung = false
        var waiter: (serial: UInt64, continuation: CheckedContinuation<Wake, Never>)?
        var serial: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func ring() {
        let waiter = state.withLock { state -> CheckedContinuation<Wake, Never>? in
            guard let waiter = state.waiter else {
                state.isRung = true
                return nil
            }
            state.waiter = nil
            return waiter.continuation
        }
        waiter?.resume(returning: .rung)
    }

    /// Whether there was a ring that no wait has heard.
    package var isRung: Bool { state.withLock { $0.isRung } }

    /// Waits for a ring, at most until `deadline`; a cancelled task's wait ends at once, as if rung.
    ///
    /// - Precondition: nobody else waits.
    package func wait(until deadline: Instant? = nil, on time: any TimeSource) async -> Wake {
        let serial = state.withLock { state in
            state.serial += 1
            return state.serial
        }
        let timer = deadline.map { time.schedule(at: $0) { self.end(serial, .timeout) } }
        let wake = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state -> Wake? in
                    precondition(state.waiter == nil, "a doorbell has one listener")
                    if state.isRung || Task.isCancelled {
                        state.isRung = false
                        return .rung
                    }
                    if state.serial != serial { return .timeout }
                    state.waiter = (serial, continuation)
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            end(serial, .rung)
        }
        if let timer { time.cancel(timer) }
        return wake
    }

    private func end(_ serial: UInt64, _ wake: Wake) {
        let waiter = state.withLock { state -> CheckedContinuation<Wake, Never>? in
            guard state.serial == serial else { return nil }
            guard let waiter = state.waiter else {
                // The deadline passed before the wait began: it must not begin.
                if wake == .timeout { state.serial += 1 }
                return nil
            }
            state.waiter = nil
            return waiter.continuation
        }
        waiter?.resume(returning: wake)
    }
}

extension TimeSource {
    /// Returns at the deadline, or at once when the task is cancelled.
    package func sleep(until deadline: Instant) async throws(CancellationError) {
        _ = await Doorbell().wait(until: deadline, on: self)
        if Task.isCancelled { throw CancellationError() }
    }

    package func sleep(for duration: Duration) async throws(CancellationError) {
        try await sleep(until: now + duration)
    }
}
