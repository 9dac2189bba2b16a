import LinuxSystem
import Shared

/// Single files: what they are, and what is said of those that are not read.
extension TreeScanner {
    /// Asks what a path is; a file that is meant is found, a directory is scanned.
    func look(_ root: Int, _ path: String, sweep: Bool) async {
        guard let directory = open[root] else { return }
        do throws(SystemError) {
            let status = try Descriptor.open(beneath: directory.descriptor, path, [.pathOnly]).status()
            switch status.kind {
            case .directory: if parts.roots[root].mayHold(path) { push(root, path, sweep: sweep) }
            case .regular:
                guard parts.roots[root].includes(path) else { return }
                forgive(root, path)
                found.append(
                    FoundSource(
                        path: parts.roots[root].source(path), size: status.size,
                        // What writes in place and sets the time back is seen all the same.
                        modified: max(status.modified, status.changed), identity: status.identity,
                        isPacked: parts.roots[root].plain(path) != nil))
            case .symlink: refuseLink(root, path)
            case .fifo: refuseIfMeant(root, path, "is a FIFO, which is not read")
            case .socket: refuseIfMeant(root, path, "is a socket, which is not read")
            case .device: refuseIfMeant(root, path, "is a device, which is not read")
            case .other: refuseIfMeant(root, path, "is not a regular file, so it is not read")
            }
        } catch {
            if error.isEscape {
                refuseLink(root, path)
            } else if error.isNotFound {
                // Gone again: its own event tells.
            } else if parts.roots[root].includes(path) {
                // What it is nobody can say. Who opens it says why, and tries again: an empty one would not be opened.
                found.append(
                    FoundSource(
                        path: parts.roots[root].source(path), size: 1, modified: .max,
                        identity: FileIdentity(device: 0, inode: 0, birth: 0),
                        isPacked: parts.roots[root].plain(path) != nil))
            } else if parts.roots[root].mayHold(path) {
                push(root, path, sweep: sweep)
            }
        }
        if found.count >= Self.batch { await flush() }
    }

    /// Puts what was found into the inbox, and waits for its room.
    func flush() async {
        guard !found.isEmpty else { return }
        let batch = found
        found = []
        while !parts.inbox.offer(batch), !Task.isCancelled {
            _ = await parts.inbox.room.wait(on: parts.time)
        }
    }

    /// A link matters when it stands for a session file or for a directory that may hold some.
    func refuseLink(_ root: Int, _ path: String) {
        let isMeant: Bool
        if parts.roots[root].includes(path) {
            isMeant = true
        } else if parts.roots[root].mayHold(path) {
            isMeant = Self.isDirectory(parts.roots[root].source(path).absolute)
        } else {
            isMeant = false
        }
        guard isMeant else { return }
        refuse(
            root, path, "is a symbolic link, which is not followed",
            hint: "remove it, exclude it, or watch the place that it leads to as a root of its own")
    }

    /// Looks at what a path leads to, and opens nothing.
    static func isDirectory(_ path: String) -> Bool {
        do throws(SystemError) {
            return try Files.status(path, followLinks: true)?.kind == .directory
        } catch {
            // What cannot be looked at is none that we could use.
            return false
        }
    }

    private func refuseIfMeant(_ root: Int, _ path: String, _ reason: String) {
        if parts.roots[root].includes(path) { refuse(root, path, reason, hint: "remove it, or exclude it") }
    }

    /// Says once that a path is not taken.
    func refuse(_ root: Int, _ path: String, _ reason: String, hint: String, kind: String = refusedKind) {
        guard parts.registry.refuse(root: root, path: path) else { return }
        let absolute = absolute(root, path)
        parts.log.record(Event(.sourceRefused, "\(absolute) \(reason)", hint: hint))
        raise(kind, absolute, "\(absolute) \(reason)", hint: hint)
    }

    func raise(_ kind: String, _ subject: String, _ message: String, hint: String?) {
        parts.inbox.post(
            .raised(
                HealthEntry(
                    kind: kind, subject: subject, message: message, hint: hint,
                    since: RFC3339.text(parts.time.wall))))
    }

    /// A path that was refused is something that we take.
    func forgive(_ root: Int, _ path: String) {
        if parts.registry.unrefuse(root: root, path: path) { parts.inbox.postTaken(absolute(root, path)) }
    }

    /// - Parameter path: empty for the root itself.
    func absolute(_ root: Int, _ path: String) -> String {
        path.isEmpty ? parts.roots[root].root : parts.roots[root].source(path).absolute
    }

    /// A directory was listed: whatever was wrong with it is over.
    func isListed(_ root: Int, _ path: String) {
        forgive(root, path)
        clearUnreadable(root, path)
    }

    func clearUnreadable(_ root: Int, _ path: String) {
        guard !unreadable.isEmpty else { return }
        let absolute = absolute(root, path)
        if unreadable.remove(absolute) != nil {
            parts.inbox.post(.cleared(kind: Self.unreadableKind, subject: absolute))
        }
    }

    /// At the end of a sweep: entries of what vanished while no event told.
    func forgetHealthOfTheGone(_ root: Int) {
        for path in parts.registry.refused(root: root) {
            if !isUnnamable(root, path), !Self.exists(absolute(root, path)) { forgive(root, path) }
        }
        let folder = parts.roots[root].root + "/"
        for path in unreadable where path.hasPrefix(folder) && !Self.exists(path) {
            unreadable.remove(path)
            parts.inbox.post(.cleared(kind: Self.unreadableKind, subject: path))
        }
    }

    private static func exists(_ path: String) -> Bool {
        do throws(SystemError) {
            return try Files.status(path) != nil
        } catch {
            // What cannot be looked at is not known to be gone.
            return true
        }
    }
}
