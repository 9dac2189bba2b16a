extension MergePolicy {
    /// How many of each stream's first segments a manifest may list: all of them, unless that is more than joining leaves.
    ///
    /// So the bound on a manifest's length holds while a backlog of small segments waits to be joined, too; what is left
    /// out is listed as soon as it is.
    ///
    /// - Parameter least: of each stream, those that are listed already: a manifest takes nothing back.
    package func admitted(of streams: [[MergeCandidate]], atLeast least: [Int]) -> [Int] {
        var counts: [RunCount] = []
        for (stream, least) in zip(streams, least) {
            var count = RunCount()
            for segment in stream.prefix(least) { count.add(segment, self) }
            counts.append(count)
        }
        var excess = counts.reduce(0) { $0 + $1.excess }
        for index in streams.indices {
            for segment in streams[index].dropFirst(least[index]) {
                var next = counts[index]
                next.add(segment, self)
                let changed = excess - counts[index].excess + next.excess
                // One that begins a run, or completes a share of it, makes nothing longer than it may be.
                guard changed < spare || changed <= excess else { break }
                counts[index] = next
                excess = changed
            }
        }
        return counts.map(\.segments)
    }

    /// The first segments of a stream, and how many of them there may be.
    private struct RunCount {
        var segments = 0
        private var allowed: Int64 = 0
        /// Of the run that is open.
        private var bytes: Int64 = 0
        private var last: MergeCandidate?

        /// More than one for each run and each `full` bytes of a run.
        var excess: Int { segments - Int(allowed) }

        mutating func add(_ segment: MergeCandidate, _ policy: MergePolicy) {
            if let last, policy.continues(segment, last) {
                allowed += (bytes + segment.bytes) / policy.full - bytes / policy.full
                bytes += segment.bytes
            } else {
                allowed += 1 + segment.bytes / policy.full
                bytes = segment.bytes
            }
            last = segment
            segments += 1
        }
    }
}
