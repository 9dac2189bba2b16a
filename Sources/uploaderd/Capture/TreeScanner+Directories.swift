import LinuxSystem
import Shared

/// One directory: watched first and listed after that, so that nothing is made in between unseen.
extension TreeScanner {
    /// Looks at all that is in a directory.
    func scan(_ item: Item) async {
        let place = WatchPlace.directory(root: item.root, path: item.path)
        var strange: Set<String> = []
        for entry in watchAndList(item, place) {
            let path = item.path.isEmpty ? entry.name : "\(item.path)/\(entry.name)"
            guard entry.isExact else {
                if isMeant(item.root, path, entry.kind) { strange.insert(path) }
                continue
            }
            switch entry.kind {
            case .directory:
                if parts.roots[item.root].mayHold(path) { push(item.root, path, sweep: item.isOfSweep) }
            case .symlink: refuseLink(item.root, path)
            case .regular, .fifo, .socket, .device, .other, nil:
                if entry.kind == nil || parts.roots[item.root].includes(path) {
                    await look(item.root, path, sweep: item.isOfSweep)
                }
            }
        }
        note(strange, in: item.root, place)
        await done(item)
    }

    /// Whether it would be looked at had it a name that is text. The one file of a root has such a name.
    private func isMeant(_ root: Int, _ path: String, _ kind: FileKind?) -> Bool {
        let watched = parts.roots[root]
        return watched.onlyFile == nil && (kind == .directory ? watched.mayHold(path) : watched.includes(path))
    }

    /// What stands for such a name is no path, so that only the directory's next listing tells that it is gone.
    private func note(_ strange: Set<String>, in root: Int, _ place: WatchPlace) {
        let before = unnamable[place] ?? []
        guard !strange.isEmpty || !before.isEmpty else { return }
        unnamable[place] = strange.isEmpty ? nil : strange
        for path in before.subtracting(strange) { forgive(root, path) }
        for path in strange.sorted() {
            refuse(
                root, path, "is not taken: its name is no UTF-8", hint: "give it another name, or remove it",
                kind: WatchEvent.nameKind)
        }
    }

    func isUnnamable(_ root: Int, _ path: String) -> Bool {
        !unnamable.isEmpty
            && unnamable[.directory(root: root, path: path.contains("/") ? Files.parent(of: path) : "")]?.contains(path)
                == true
    }

    /// - Returns: `[]` also when it cannot be listed, which is said.
    private func watchAndList(_ item: Item, _ place: WatchPlace) -> [DirectoryEntry] {
        guard let root = open[item.root] else { return [] }
        do throws(SystemError) {
            let directory =
                item.path.isEmpty
                ? try root.descriptor.duplicate()
                : try Descriptor.open(beneath: root.descriptor, item.path, [.pathOnly, .directory])
            let remote = try parts.remote(directory)
            let added = parts.registry.add(directory, as: place, sweep: serials[item.root])
            // One that is remote is watched all the same: what this machine writes there is heard at once.
            switch added {
            case .watched: polled[place] = remote.map { Polled(digest: polled[place]?.digest ?? 0, remote: $0) }
            case .limited: polled[place] = Polled(digest: polled[place]?.digest ?? 0, remote: remote)
            // Whoever may not watch may not list: that is said below.
            case .failed: break
            }
            let entries = try directory.entries()
            isListed(item.root, item.path)
            return entries
        } catch {
            failed(item, place, error)
            return []
        }
    }

    private func failed(_ item: Item, _ place: WatchPlace, _ error: SystemError) {
        if error.isNotFound {
            leave(item.root, item.path)
            clearUnreadable(item.root, item.path)
        } else if error.isEscape {
            leave(item.root, item.path)
            refuseLink(item.root, item.path)
        } else {
            // What passes by itself is looked at again soon; the rest by the next rescan, or when its attributes change.
            polled[place] = error.isTooManyOpen ? polled[place] ?? Polled(lacksDescriptor: true) : nil
            let path = absolute(item.root, item.path)
            guard unreadable.count < Self.unreadableLimit, unreadable.insert(path).inserted else { return }
            let problem = CaptureError("list", path, error)
            parts.log.record(Event(.sourceUnreadable, problem.description, hint: problem.hint))
            raise(Self.unreadableKind, path, problem.description, hint: problem.hint)
        }
    }

    /// A directory is not where it was.
    private func leave(_ root: Int, _ path: String) {
        let place = WatchPlace.directory(root: root, path: path)
        let was = polled.removeValue(forKey: place)
        if was?.remote != nil, !polled.contains(where: { $0.key.root == root && $0.value.remote != nil }) {
            sayRemote(root)
        }
        guard was != nil || parts.registry.isWatched(place) else { return }
        parts.registry.remove(root: root, below: path)
        parts.inbox.post(.directoryGone(root: parts.roots[root].root, relativePath: path))
    }

    /// All directories of a root, polled ones too.
    func leaveRoot(_ root: Int) {
        caughtUp(root)
        polled = polled.filter { $0.key.root != root }
        sayRemote(root)
        parts.registry.remove(root: root, below: "")
        parts.inbox.post(.directoryGone(root: parts.roots[root].root, relativePath: ""))
    }
}
