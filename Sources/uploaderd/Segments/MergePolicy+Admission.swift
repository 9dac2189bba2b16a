extension MergePolicy {
    /// How many of each stream's first segments a manifest may list: all of them, unless that is more than joining leaves.
    ///
    /// So the bound on a manifest's length holds while a backlog of small segments waits to be joined, too; what is left
    /// out is listed as soon as it is. Where `joins` has nothing to join all of them are listed: a place in the middle may
    /// be over the bound, and a large segment behind it brings the whole below.
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
        // One stream may make room for another: until none gets further.
        var isFurther = true
        while isFurther {
            isFurther = false
            for index in streams.indices {
                guard let next = furthest(of: streams[index], behind: counts[index], excess) else { continue }
                excess += next.excess - counts[index].excess
                counts[index] = next
                isFurther = true
            }
        }
        return counts.map(\.segments)
    }

    /// The last place behind `count` at which the session's excess is below the bound, or no larger than it is now.
    private func furthest(of stream: [MergeCandidate], behind count: RunCount, _ excess: Int) -> RunCount? {
        var found: RunCount?
        var next = count
        for segment in stream.dropFirst(count.segments) {
            next.add(segment, self)
            let changed = excess - count.excess + next.excess
            if changed < spare || changed <= excess { found = next }
        }
        return found
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
