package import Shared
import Synchronization

/// How fast something may be sent bytes: a bucket that fills steadily and holds half a second's worth. All transfers of a
/// destination share one, and all destinations another.
///
/// The rate may be changed at any time: who waits looks again within a quarter of a second.
package final class UploadAllowance: Sendable {
    private struct State {
        /// In bytes a second; `nil`: as fast as it goes.
        var rate: Int64?
        var bytes: Int64 = 0
        var filled: Instant
    }

    private let time: any TimeSource
    private let state: Mutex<State>

    package init(_ rate: Int64?, time: any TimeSource) {
        self.time = time
        state = Mutex(State(rate: rate.map { max($0, 1) }, filled: time.now))
    }

    package var rate: Int64? {
        get { state.withLock { $0.rate } }
        set {
            state.withLock { state in
                state.rate = newValue.map { max($0, 1) }
                state.bytes = 0
                state.filled = time.now
            }
        }
    }

    /// How many of `wanted` bytes may go now: none, or enough to be worth sending. Else each byte would go alone as it comes.
    func allowed(_ wanted: Int) -> Int {
        state.withLock { state in
            guard let rate = state.rate else { return wanted }
            let now = time.now
            let gained = Int64(min((now - state.filled).inSeconds, 1) * Double(rate))
            if gained > 0 {
                state.bytes = min(Self.room(rate), state.bytes + gained)
                state.filled = now
            }
            return state.bytes >= min(Self.worth(rate), Int64(wanted)) ? Int(min(Int64(wanted), state.bytes)) : 0
        }
    }

    func spend(_ count: Int) {
        state.withLock { state in if state.rate != nil { state.bytes -= Int64(count) } }
    }

    /// When a piece that is worth sending may go. There is room for more, so that being late costs nothing.
    var next: Instant {
        state.withLock { state in
            guard let rate = state.rate else { return time.now }
            let missing = max(0, Self.worth(rate) - state.bytes)
            return state.filled + .nanoseconds(Int64(Double(missing) / Double(rate) * 1e9) + 1_000_000)
        }
    }

    private static func room(_ rate: Int64) -> Int64 { max(rate / 2, 8) }
    private static func worth(_ rate: Int64) -> Int64 { min(Int64(OutgoingBody.piece), room(rate) / 8) }
}

/// The rates in force: of each destination, and of all together. They outlive a reload's engine, and are changed while
/// transfers run.
package final class TransferRates: Sendable {
    package let all: UploadAllowance
    let time: any TimeSource
    private let own = Mutex<[String: UploadAllowance]>([:])

    package init(time: any TimeSource) {
        self.time = time
        all = UploadAllowance(nil, time: time)
    }

    /// What its configuration says is in force from here on.
    func begin(_ destination: String, at rate: Int64?) -> UploadAllowance {
        own.withLock { own in
            if let known = own[destination] {
                known.rate = rate
                return known
            }
            let made = UploadAllowance(rate, time: time)
            own[destination] = made
            return made
        }
    }

    /// - Returns: `nil` when nothing is sent there over a network.
    package func allowance(of destination: String) -> UploadAllowance? { own.withLock { $0[destination] } }
}
