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
        bell.ring()
        for path in busy(where: isWanted) { await flush(path) }
        while !isStopping, pending.contains(where: isWanted) || swapped.contains(where: isWanted) { await change() }
        for path in busy(where: isWanted) { await flush(path) }
        let left =
            running.filter { $0.value.endless > 0 }.map(\.key) + endless.keys
            + resting.filter { !$0.value.isUnresolved }.map(\.key)
        return left.filter(isWanted).sorted(by: Self.inOrder)
    }

    /// - Returns: why these are not taken to their end; nothing of those that are by now.
    func obstacles(of sources: [SourcePath]) -> [String] {
        sources.compactMap { path in
            if let rest = resting[path] { return rest.reason }
            let bytes = running[path]?.endless ?? endless[path] ?? 0
            return bytes > 0 ? Self.endlessSentence(path, bytes) : nil
        }
    }

    /// Asks the pipeline of one source; when that ends instead of answering, the one that takes its place.
    private func flush(_ path: SourcePath) async {
        while !isStopping {
            if let mailbox = running[path] {
                if await mailbox.flush() { return }
            } else if pending.contains(path) || swapped.contains(path) {
                await change()
            } else {
                return
            }
        }
    }

    /// Returns when every root was scanned, from its beginning, after the call, or was looked for and is not there.
    func sweep() async {
        // Before that nobody knows which roots there are.
        while !isStopping, !isReady { await change() }
        // The first scan that ends may have begun, and passed a change, before the call; the second has not.
        for _ in 0..<2 {
            // One may have come of which nobody has heard yet.
            let before = intake.roots.keys.map { ($0, sweeps[$0]) }
            watching.rescan()
            while !isStopping, before.contains(where: { root, count in sweeps[root] == count }) { await change() }
        }
    }

    /// Sources that wait for a store which may know their session.
    var unresolved: Int { resting.values.count(where: \.isUnresolved) }

    /// The stores were asked: those sources are tried again at once.
    func resolved() {
        for path in rested.filter(\.value.isUnresolved).keys.sorted(by: Self.inOrder) { pending.add(path) }
        changed()
    }

    /// Returns when every source was taken to its end, or could not be: `--once`.
    ///
    /// - Returns: why those that could not be were not.
    func settled() async -> [String] {
        while !isStopping, !isReady || !running.isEmpty || !pending.isEmpty || !swapped.isEmpty { await change() }
        return obstacles(of: Set(resting.keys).union(endless.keys).sorted(by: Self.inOrder))
    }

    /// Asks every pipeline to seal what it has and to end; then `run` returns.
    func drain() {
        isStopping = true
        for mailbox in mailboxes(where: { _ in true }) { mailbox.ask(.shutdown) }
        context.gate.end()
        changed()
    }
}
