import Shared

/// The kernel's queue of events is bounded. When it runs over, only a scan tells what the dropped ones would have told.
extension TreeScanner {
    static let overflowKind = "queue_overflow"
    static let overflowHint =
        "nothing is lost, it is only seen later; if this is frequent: sysctl fs.inotify.max_queued_events=131072, and "
        + "restart the service"

    /// Said until every one of these roots was scanned from its beginning.
    func overran(_ roots: Set<Int>) {
        // One that is not there is scanned when it comes.
        let known = roots.filter { open[$0] != nil }
        guard !known.isEmpty else { return }
        overrun.formUnion(known)
        raise(
            Self.overflowKind, Self.inotify, "the kernel dropped file events, so every root is scanned",
            hint: Self.overflowHint)
    }

    /// A root was scanned from its beginning, or has gone.
    func caughtUp(_ root: Int) {
        guard overrun.remove(root) != nil, overrun.isEmpty else { return }
        parts.inbox.post(.cleared(kind: Self.overflowKind, subject: Self.inotify))
    }
}
