import Delivery
import Shared

/// Which sessions' manifests one destination makes next. Pure: it is told what Store says, and of time.
struct PublicationQueue {
    /// Manifests that are made and put at the same time.
    private static let fewest = 4

    private(set) var running: Set<SessionID> = []
    /// What the store will not take as it is, and when to ask again.
    private(set) var refused: [SessionID: Instant] = [:]
    private var lapses = Lapses<SessionID>()
    private var schedule = ManifestSchedule()
    private var most = PublicationQueue.fewest

    /// How many more may begin now.
    var free: Int { most - running.count }

    /// Lets a third as many go side by side as deliveries: a manifest is two requests, the delivery before it some six. With fewer
    /// a far end that is far away would be waited for by manifests alone.
    mutating func keepUp(with deliveries: Int) { most = max(Self.fewest, deliveries / 3) }

    /// Forgets what is past.
    mutating func prune(at now: Instant) {
        refused = refused.filter { $0.value > now }
        schedule.prune(at: now)
        lapses.prune(at: now, after: .seconds(60))
    }

    /// What somebody may have mended is tried at once.
    mutating func retry() {
        refused = [:]
        lapses.retry()
    }

    /// As many sessions as may be published beside those that are, and when the first of the others is due.
    ///
    /// - Parameters:
    ///   - behind: sessions whose manifest is behind, the longest waiting first.
    ///   - isAll: there are no others.
    ///   - isLast: nothing more is going to be delivered, and somebody waits for the end: the last manifest of each session
    ///     does not wait for its time.
    /// - Returns: `nil`: too few of these are due to say it without the others.
    func next(among behind: [SessionID], isAll: Bool, isLast: Bool, at now: Instant) -> (
        due: [SessionID], next: Instant?
    )? {
        let lapsed = lapses.waiting(at: now)
        let possible = behind.filter { refused[$0] == nil && !running.contains($0) && !lapsed.contains($0) }
        let due = possible.filter { isLast || schedule.isDue($0, at: now) }
        guard due.count >= free || isAll else { return nil }
        let scheduled = isLast ? nil : possible.compactMap { schedule.deadline(of: $0, after: now) }.min()
        let next = [scheduled, lapses.next(after: now)].compactMap(\.self).min()
        return (Array(due.prefix(free)), next)
    }

    mutating func begin(_ session: SessionID) { running.insert(session) }

    mutating func published(_ session: SessionID, bytes: Int, at now: Instant) {
        running.remove(session)
        lapses.succeeded(session)
        schedule.published(session, bytes: bytes, at: now)
    }

    /// It failed while others went well.
    mutating func lapsed(
        _ session: SessionID, _ error: DeliveryError, _ policy: RetryPolicy, at now: Instant, random: UInt64
    ) {
        running.remove(session)
        lapses.failed(session, error, policy, at: now, random: random)
    }

    /// - Parameter until: when it may be tried again; `nil`: that is for the destination to say.
    mutating func failed(_ session: SessionID, until: Instant?) {
        running.remove(session)
        if let until { refused[session] = until }
    }
}
