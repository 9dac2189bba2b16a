import Shared

/// When a session's manifest may be put again: every 2 s, plus 1 s per 64 KiB of its size. Pure.
///
/// So a session of many small segments costs a bounded stream of manifests, not one for each segment.
struct ManifestSchedule {
    private var notBefore: [SessionID: Instant] = [:]

    static func interval(bytes: Int) -> Duration { .seconds(2) + .milliseconds(Int64(bytes) * 1000 / (64 << 10)) }

    func isDue(_ session: SessionID, at now: Instant) -> Bool { notBefore[session].map { $0 <= now } ?? true }

    /// - Returns: `nil` when it is due.
    func deadline(of session: SessionID, after now: Instant) -> Instant? {
        notBefore[session].flatMap { $0 > now ? $0 : nil }
    }

    mutating func published(_ session: SessionID, bytes: Int, at now: Instant) {
        notBefore[session] = now + Self.interval(bytes: bytes)
    }

    /// Forgets what is past: an entry that is due says nothing that its absence would not.
    mutating func prune(at now: Instant) {
        if notBefore.count > 64 { notBefore = notBefore.filter { $0.value > now } }
    }
}
