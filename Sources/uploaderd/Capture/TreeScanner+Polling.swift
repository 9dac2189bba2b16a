import LinuxSystem
import Shared

/// Directories that the kernel does not watch for us are looked at again and again.
extension TreeScanner {
    /// When the next look is due; `nil`: nothing is polled.
    func pollDeadline(_ now: Instant) -> Instant? {
        guard !polled.isEmpty || !polledRoots.isEmpty else {
            nextPoll = nil
            return nil
        }
        if nextPoll == nil { nextPoll = now + parts.poll }
        return nextPoll
    }

    func lookAtPolled() {
        for root in polledRoots.sorted() { check(root: root) }
        for (place, known) in polled {
            guard case .directory(let root, let path) = place, let directory = open[root] else { continue }
            // One that cannot be listed is scanned too: that finds out why, and stops polling it.
            let digest = DirectoryDigest.of(path, below: directory) ?? 0
            guard digest != known.digest || digest == 0 else { continue }
            // Taken before the scan: what changes from here on differs from it.
            polled[place]?.digest = digest
            stack.append(Item(root: root, path: path, isOfSweep: false))
        }
    }

    /// That the kernel has no more watches is said while something is polled for that.
    func sayLimit() {
        let unwatched = polled.count { $0.value.remote == nil && !$0.value.lacksDescriptor } + polledRoots.count
        let isLimited = unwatched > 0
        guard isLimited != isLimitSaid else { return }
        isLimitSaid = isLimited
        guard isLimited else {
            parts.inbox.post(.cleared(kind: Self.limitKind, subject: Self.inotify))
            return
        }
        let message = "not every directory can be watched, so \(unwatched) are polled"
        let hint =
            parts.registry.queue == nil ? Watcher.queueHint : "raise the limit: sysctl fs.inotify.max_user_watches"
        parts.log.record(Event(.watchLimit, message, hint: hint))
        raise(Self.limitKind, Self.inotify, message, hint: hint)
    }

    /// At the end of a sweep: that a root, or something below it, lies where others can change it unheard.
    func sayRemote(_ root: Int) {
        let kinds = Set(polled.lazy.filter { $0.key.root == root }.compactMap(\.value.remote)).sorted()
        let said = kinds.isEmpty ? nil : kinds.joined(separator: ", ")
        guard said != remoteSaid[root] else { return }
        remoteSaid[root] = said
        let path = parts.roots[root].root
        guard let said else { return parts.inbox.post(.cleared(kind: Self.remoteKind, subject: path)) }
        let message =
            "\(path) is polled, or directories below it are: they lie on a file system (\(said)) that does not tell what "
            + "others change there"
        let hint =
            "nothing is lost, it is only seen later: watching.poll says how often; or watch where the agent writes"
        parts.log.record(Event(.rootPolled, message, hint: hint, fields: ["ROOT": path]))
        raise(Self.remoteKind, path, message, hint: hint)
    }
}
