package import Shared

/// How many requests a far end may have in flight: as many as it takes without becoming slower. Pure.
///
/// Additive increase, multiplicative decrease, once a round trip: one more when all that were allowed were needed and went
/// well; a tenth fewer when the far end pushed back, or took twice as long as it does for requests of that size when little is
/// asked of it. It begins with one, and with twice as many each round trip until the first such sign, which takes the last
/// doubling back: RFC 5681, 3.1, slow start. A far end that comes back is met with one, and one more each time: it is not to be
/// run over by all who waited for it.
///
/// The idea is that of Vector's adaptive request concurrency (vector.dev, 2020); its average of earlier round trips follows a far
/// end that is made slower step by step, and so lets a queue of any length build up there.
package struct ConcurrencyLimit: Sendable, Hashable {
    /// What a request that has ended says of the far end.
    package enum Outcome: Sendable, Hashable {
        /// Answered, whatever it said of the object.
        case answered
        /// Too many requests, overloaded, or no answer in time: fewer at once may do better.
        case pushedBack
        /// Nothing: it was not reached, or the request was none.
        case silent
    }

    private static let decrease = 0.9
    /// So many times as long as when little is asked is slower.
    private static let tolerance = 2.0
    /// In seconds. Of a far end that answers sooner twice as long says nothing: that is what this machine's own work takes from it.
    private static let negligible = 0.025

    /// From 1.
    package let most: Int
    private var exact = 1.0
    /// Until the first sign that it is too many.
    private var isStarting = true
    /// By size, about the shortest times, in seconds; they are forgotten slowly. 0: none is known.
    private var shortest = [Double](repeating: 0, count: 6)
    // The window: about one round trip.
    private var windowEnds: Instant?
    private var seconds = 0.0
    private var ratios = 0.0
    private var count = 0
    private var wasFull = false
    private var wasPushedBack = false

    package init(atMost most: Int) { self.most = max(most, 1) }

    /// From 1 to `most`.
    package var allowed: Int { Int(exact) }

    /// - Parameters:
    ///   - bytes: that were sent.
    ///   - duration: from the request's begin to its end.
    ///   - inFlight: how many there were right before it ended.
    package mutating func ended(
        _ outcome: Outcome, bytes: Int64, after duration: Duration, inFlight: Int, at now: Instant
    ) {
        switch outcome {
        case .silent: return
        case .pushedBack: wasPushedBack = true
        case .answered: note(max(duration.inSeconds, 1e-6), bytes, isAlone: allowed == 1)
        }
        if inFlight >= allowed { wasFull = true }
        guard let ends = windowEnds else {
            windowEnds = now + duration
            return
        }
        if now >= ends { closeWindow(at: now, lasting: duration) }
    }

    /// - Parameter isAlone: no other is let out beside it, so that what it took is what it takes, on the network of today.
    private mutating func note(_ taken: Double, _ bytes: Int64, isAlone: Bool) {
        // Up to 64 KiB, four times as much, and so on.
        let size = max(0, 64 - max(bytes, 1).leadingZeroBitCount - 16)
        let kind = min((size + 1) / 2, shortest.count - 1)
        let known = shortest[kind]
        if known == 0 {
            shortest[kind] = taken
        } else {
            shortest[kind] = taken < known || isAlone ? known + 0.3 * (taken - known) : known * 1.001
        }
        seconds += taken
        ratios += taken / max(shortest[kind], Self.negligible)
        count += 1
    }

    private mutating func closeWindow(at now: Instant, lasting duration: Duration) {
        if wasPushedBack || (count > 0 && ratios / Double(count) > Self.tolerance) {
            exact = max(1, (exact * (isStarting ? 0.5 : Self.decrease)).rounded(.down))
            isStarting = false
        } else if wasFull {
            if allowed == most { isStarting = false }
            exact = min(Double(most), isStarting ? exact * 2 : exact + 1)
        }
        windowEnds = now + (count > 0 ? .nanoseconds(Int64(min(seconds / Double(count), 3600) * 1e9)) : duration)
        (seconds, ratios, count, wasFull, wasPushedBack) = (0, 0, 0, false, false)
    }
}
