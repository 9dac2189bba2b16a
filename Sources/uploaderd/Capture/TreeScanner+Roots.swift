import LinuxSystem
import Shared

/// Roots come, go, and are replaced; the path is looked at, and the directory that it leads to is held open.
extension TreeScanner {
    /// Opens the root when it appeared, lets go of it when its path leads nowhere or elsewhere.
    func check(root index: Int) {
        let path = parts.roots[index].root
        do throws(SystemError) {
            let now = try RootDirectories.look(path)
            if let known = open[index] {
                if known.status.identity == now.status.identity {
                    // It could not be listed, and so not watched: only its parent tells that its mode has changed.
                    if unreadable.contains(path) { begin(index) }
                    return
                }
                lose(index)
            }
            adopt(now, index)
        } catch {
            if open[index] != nil { lose(index) }
            wait(for: index, error)
        }
    }

    private func adopt(_ root: RootDirectory, _ index: Int) {
        open[index] = root
        parts.directories.keep(root)
        polledRoots.remove(index)
        absent[index] = nil
        parts.registry.removeAnchors(root: index)
        // Its own watch cannot tell that it was removed, because it is held open: its parents' can.
        anchor(index, root.path)
        do throws(SystemError) {
            if let real = try root.descriptor.currentPath(), real != root.path { anchor(index, real) }
        } catch {
            // Safe: only a root that is a link is noticed later then, by the rescan.
            parts.log.record(Event(.debug, "\(root.path): \(error)"))
        }
        parts.log.record(Event(.rootWatched, "watching \(root.path)", fields: ["ROOT": root.path]))
        parts.inbox.post(.cleared(kind: Self.rootKind, subject: root.path))
        begin(index)
    }

    private func lose(_ index: Int) {
        let path = parts.roots[index].root
        open[index] = nil
        parts.directories.forget(path)
        leaveRoot(index)
    }

    /// Watches the nearest directory above that exists, for the next name on the way down.
    private func wait(for index: Int, _ error: SystemError) {
        let path = parts.roots[index].root
        if absent.updateValue(error, forKey: index) != error { say(path, error) }
        parts.registry.removeAnchors(root: index)
        var last = ""
        // Each round goes at least one directory down; the bound is for a path that changes all the time.
        for _ in 0..<64 {
            let target = nearestMissing(path)
            if target == last { return }
            last = target
            anchor(index, target)
            // Only after the watch: what appeared before it is seen now, what appears later rings.
            do throws(SystemError) {
                adopt(try RootDirectories.look(path), index)
                return
            } catch {
                // Not yet, which is the normal case.
            }
        }
    }

    private func say(_ path: String, _ error: SystemError) {
        if error.isNotFound {
            parts.log.record(
                Event(.rootMissing, "\(path) is not there yet: waiting for it", fields: ["ROOT": path]))
            return
        }
        let problem = CaptureError("open the root", path, error)
        parts.log.record(Event(.sourceUnreadable, problem.description, hint: problem.hint))
        raise(Self.rootKind, path, problem.description, hint: problem.hint)
    }

    /// - Returns: the first path on the way to `path` that does not exist.
    private func nearestMissing(_ path: String) -> String {
        var missing = path
        while missing != "/" {
            let parent = Files.parent(of: missing)
            // What cannot be looked at is taken as absent: its own parent is watched then.
            if Self.isDirectory(parent) { return missing }
            missing = parent
        }
        return path
    }

    /// Watches the directory of `path` for its last name.
    private func anchor(_ index: Int, _ path: String) {
        guard path != "/" else { return }
        let name = Files.name(of: path)
        do throws(SystemError) {
            let directory = try Descriptor.open(Files.parent(of: path), [.pathOnly, .directory])
            switch parts.registry.add(directory, as: .anchor(root: index, name: name), sweep: 0) {
            case .watched: break
            case .limited: polledRoots.insert(index)
            case .failed(let error): throw error
            }
        } catch {
            polledRoots.insert(index)
        }
    }
}
