import LinuxSystem
import Shared

/// Directories that the kernel does not watch for us are looked at again and again.
extension TreeScanner {
    func pollDeadline(_ now: Instant) -> Instant? {
        guard !polled.isEmpty || !polledRoots.isEmpty else { return nil }
        if nextPoll == nil { nextPoll = now + parts.poll }
        return nextPoll
    }

    func lookAtPolled() {
        for root in polledRoots.sorted() { check(root: root) }
        for (place, known) in polled {
            guard case .directory(let root, let path) = place, let directory = open[root] else { continue }
            // One that cannot be listed is scanned too: that finds out why, and stops polling it.
            let digest = DirectoryDigest.of(path, below: directory) ?? 0
            guard digest != known || digest == 0 else { continue }
            // Taken before the scan: what changes from here on differs from it.
            polled[place] = digest
            stack.append(Item(root: root, path: path, isOfSweep: false))
        }
    }

    func sayLimit() {
        let isLimited = !polled.isEmpty || !polledRoots.isEmpty
        guard isLimited != isLimitSaid else { return }
        isLimitSaid = isLimited
        guard isLimited else {
            parts.inbox.post(.cleared(kind: Self.limitKind, subject: "inotify"))
            nextPoll = nil
            return
        }
        let setting = parts.registry.queue == nil ? "fs.inotify.max_user_instances" : "fs.inotify.max_user_watches"
        let message = "not every directory can be watched, so \(polled.count + polledRoots.count) are polled"
        let hint = "raise the limit: sysctl \(setting)"
        parts.log.record(Event(.watchLimit, message, hint: hint))
        raise(Self.limitKind, "inotify", message, hint: hint)
    }
}
