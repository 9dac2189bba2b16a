import Shared

/// How fast counters grow, over the last ten seconds or so. Pure; costs nothing while nothing changes.
struct RateMeter {
    struct Counters: Hashable {
        var lines = 0
        var bytesRead: Int64 = 0
        var bytesDelivered: Int64 = 0
    }

    private static let window: Duration = .seconds(10)
    /// A second apart at least; oldest first.
    private var samples: [(at: Instant, counters: Counters)] = []

    mutating func note(_ counters: Counters, at now: Instant) {
        if let last = samples.last, now - last.at < .seconds(1) { return }
        samples.append((now, counters))
        samples.removeAll { now - $0.at > Self.window * 2 }
    }

    /// - Parameter counters: as they are now.
    func rates(_ counters: Counters, at now: Instant) -> Rates {
        guard let first = samples.first(where: { now - $0.at <= Self.window }) else { return Rates() }
        let seconds = max((now - first.at).inSeconds, 1)
        return Rates(
            lines: Double(counters.lines - first.counters.lines) / seconds,
            bytesRead: Double(counters.bytesRead - first.counters.bytesRead) / seconds,
            bytesDelivered: Double(counters.bytesDelivered - first.counters.bytesDelivered) / seconds)
    }
}
