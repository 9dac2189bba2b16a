import Capture
import Shared

/// What is asked of the supervisor from outside: to flush, to come to an end.
extension SessionSupervisor {
    /// Returns when everything that the wanted sources held at the call is in durable segments, or could not be.
    ///
    /// - Parameter paths: these are looked at whether or not an event told of them; `nil`: all, by a scan.
    /// - Returns: those that were not taken to their end, though no store is waited for.
    @discardableResult
    func flush(_ paths: [SourcePath]?) async -> [SourcePath] {
        // While the spool is full nothing is taken; what was taken is sealed already.
        if context.gate.isClosed { return [] }
        if let paths { for path in paths { wake(path) } } else { await sweep() }
        let wanted = paths.map(Set.init)
        func isWanted(_ path: SourcePath) -> Bool { wanted?.contains(path) ?? true }
        // Who asks may have mended what they could not be taken for.
        for path in rested.keys.filter(isWanted).sorted(by: Self.inOrder) { pending.add(path) }
        // One may wake another. Each once: what comes after the call is not waited for.
        var flushed: Set<SourcePath> = []
        while !isStopping {
            let open = unsettled(where: { isWanted($0) && !flushed.contains($0) })
            if open.isEmpty { break }
            for path in open { await flush(path) }
            flushed.formUnion(open)
        }
        // What was answered for may have been looked for elsewhere since, and has its turn again: once more each.
        for path in unsettled(where: isWanted) { await flush(path) }
        let left =
            running.filter { $0.value.endless > 0 }.map(\.key) + endless.keys
            + following.filter { holder(of: $0) != nil }
            + resting.filter { !$0.value.isUnresolved }.map(\.key)
        // What a wanted source waits for is its own file.
        let isLeft = { path in isWanted(path) || self.behind[path]?.contains(where: isWanted) == true }
        return left.filter(isLeft).sorted(by: Self.inOrder)
    }

    /// Sources that are not taken to their ends, as far as is known after they were looked for.
    func untaken(of paths: [SourcePath]?) async -> [SourcePath] {
        if let paths { for path in paths { wake(path) } } else { await sweep() }
        let wanted = paths.map(Set.init)
        return unsettled(where: { wanted?.contains($0) ?? true })
    }

    /// Whether that much of each is in durable segments, or it is settled, as it is where it is nobody's to read any more.
    func hasTaken(_ lengths: [SourcePath: Int64]) -> Bool {
        let behind = Set(behind.values.joined())
        return lengths.allSatisfy { path, length in
            guard let mailbox = running[path] else {
                return !pending.contains(path) && !swapped.contains(path) && !behind.contains(path)
            }
            return mailbox.sealedEnd.map { $0 + mailbox.endless >= length } ?? false
        }
    }

    /// Somebody says that there is something to take; its root may not be looked through yet, or may miss events.
    func look(at path: SourcePath) {
        if !isStopping { wake(path) }
    }

    /// Reads the sources of a session that has ended to their ends, and seals them. A last line without its end is taken where
    /// no process has the file open for writing.
    func end(_ paths: [SourcePath]) async {
        ended.formUnion(paths)
        for path in paths { running[path]?.ask(.ended) }
        await flush(paths)
        ended.subtract(paths)
    }

    /// All that are neither a row nor resting, those first that are read already.
    private func unsettled(where isWanted: (SourcePath) -> Bool) -> [SourcePath] {
        busy(where: isWanted) + pending.values.filter(isWanted)
            + (swapped.filter(isWanted) + behind.values.joined().filter(isWanted)).sorted(by: Self.inOrder)
    }

    /// - Returns: why these are not taken to their end; nothing of those that are by now.
    func obstacles(of sources: [SourcePath]) -> [String] {
        sources.compactMap { path in
            if let rest = resting[path] { return rest.reason }
            if let holder = holder(of: path) {
                return
                    "\(path) goes on with the session that is read at \(holder), and waits until what is left there is taken"
            }
            let bytes = running[path]?.endless ?? endless[path] ?? 0
            return bytes > 0 ? Self.endlessSentence(path, bytes) : nil
        }
    }

    /// Asks the pipeline of one source; when that ends instead of answering, the one that takes its place. A source whose
    /// file is read under another path is flushed with that one.
    private func flush(_ path: SourcePath) async {
        while !isStopping {
            if let mailbox = running[path] {
                if await mailbox.flush() { return }
            } else if pending.contains(path) || swapped.contains(path) {
                await wait { running[path] == nil && (pending.contains(path) || swapped.contains(path)) }
            } else if let holder = holder(of: path), let mailbox = running[holder] {
                if await mailbox.flush(), self.holder(of: path) == holder { return }
            } else {
                return
            }
        }
    }

    /// Under which path the file, or the stream, is read that this source waits for.
    private func holder(of path: SourcePath) -> SourcePath? { behind.first { $0.value.contains(path) }?.key }

    /// Returns when every root was scanned, from its beginning, after the call, or was looked for and is not there.
    func sweep() async {
        // Before that nobody knows which roots there are.
        await wait { !isReady }
        // The first scan that ends may have begun, and passed a change, before the call; the second has not.
        for _ in 0..<2 {
            // One may have come of which nobody has heard yet.
            let before = intake.roots.keys.map { ($0, sweeps[$0]) }
            watching.rescan()
            await wait { before.contains { root, count in sweeps[root] == count } }
        }
    }

    /// Their session may be taken again; also what is below the roots that nobody knows is looked for.
    func reopened(_ paths: [SourcePath]) {
        for path in paths { wake(path) }
        watching.rescan()
    }

    /// Sources that wait for a store which may know their session.
    var unresolved: Int { resting.values.count(where: \.isUnresolved) }

    /// The stores were asked, or may answer now: those sources are tried again at once.
    func resolved() {
        let waiting = resting.filter { $0.value.isUnresolved && running[$0.key] == nil }
        for path in waiting.keys.sorted(by: Self.inOrder) { pending.add(path) }
    }

    /// Returns when every source was taken to its end, or could not be: `--once`.
    ///
    /// - Returns: why those that could not be were not.
    func settled() async -> [String] {
        await wait { !isReady || !running.isEmpty || !pending.isEmpty || !swapped.isEmpty }
        return obstacles(of: Set(resting.keys).union(endless.keys).sorted(by: Self.inOrder))
    }

    /// Asks every pipeline to seal what it has and to end; then `run` returns.
    func drain() {
        isStopping = true
        for mailbox in mailboxes(where: { _ in true }) { mailbox.ask(.shutdown) }
        context.gate.end()
    }
}
