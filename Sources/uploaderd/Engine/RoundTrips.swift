import Delivery
import Shared
import Synchronization

/// What goes to one far end side by side: how much may, and how long each took.
///
/// A directory has a fixed number: a disk tells nobody that it has too much to do. What a server takes is found out.
final class RoundTrips: Sendable {
    private struct State {
        var limit: ConcurrencyLimit
        /// Deliveries, the ones too that ask what is there before they put.
        var underWay = 0
    }

    private let most: Int
    private let isAdaptive: Bool
    private let time: any TimeSource
    private let state: Mutex<State>

    /// - Parameter most: from 1; what is begun with too where it is not adaptive.
    init(atMost most: Int, isAdaptive: Bool, time: any TimeSource) {
        self.most = max(most, 1)
        self.isAdaptive = isAdaptive
        self.time = time
        state = Mutex(State(limit: ConcurrencyLimit(atMost: most)))
    }

    /// How many may be under way now.
    var allowed: Int { isAdaptive ? state.withLock { $0.limit.allowed } : most }

    func note(underWay count: Int) { state.withLock { $0.underWay = count } }

    /// - Parameter bytes: that are sent.
    nonisolated(nonsending) func measure<Answer: Sendable>(
        _ bytes: Int64, _ trip: () async throws(DeliveryError) -> Answer
    ) async throws(DeliveryError) -> Answer {
        let began = time.now
        do throws(DeliveryError) {
            let answer = try await trip()
            end(.answered, bytes, since: began)
            return answer
        } catch {
            end(Self.outcome(of: error), bytes, since: began)
            throw error
        }
    }

    /// Something failed beside what went well: fewer at once may do better.
    func lapsed(since began: Instant) { end(.pushedBack, 0, since: began) }

    private func end(_ outcome: ConcurrencyLimit.Outcome, _ bytes: Int64, since began: Instant) {
        let now = time.now
        state.withLock { state in
            state.limit.ended(outcome, bytes: bytes, after: now - began, inFlight: state.underWay, at: now)
        }
    }

    private static func outcome(of error: DeliveryError) -> ConcurrencyLimit.Outcome {
        if error.isPushback { return .pushedBack }
        return switch error.code {
        case .authentication, .permanent, .unacceptable, .conflict, .notFound, .damaged: .answered
        case .transient, .unusable: .silent
        }
    }
}
