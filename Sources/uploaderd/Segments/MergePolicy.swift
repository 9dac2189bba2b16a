package import Shared

/// What the policy must know of a listed segment.
package struct MergeCandidate: Hashable, Sendable {
    package var generation: Int
    package var codec: Codec
    package var rules: String
    package var firstLine: Int
    package var lines: Int
    /// Uncompressed.
    package var bytes: Int64
    /// A checkpoint is at its end.
    package var isCheckpoint: Bool
    /// False for partial segments and for those of another program.
    package var isJoinable: Bool

    package init(
        generation: Int, codec: Codec, rules: String, firstLine: Int, lines: Int, bytes: Int64, isCheckpoint: Bool,
        isJoinable: Bool
    ) {
        self.generation = generation
        self.codec = codec
        self.rules = rules
        self.firstLine = firstLine
        self.lines = lines
        self.bytes = bytes
        self.isCheckpoint = isCheckpoint
        self.isJoinable = isJoinable
    }

    package init(_ record: SegmentRecord) {
        self.init(
            generation: record.generation, codec: record.codec, rules: record.rules, firstLine: record.firstLine,
            lines: record.lines, bytes: record.bytes, isCheckpoint: record.cut == .checkpoint,
            isJoinable: !record.partial)
    }
}

/// Neighbours to join.
package struct MergeJoin: Hashable, Sendable {
    /// Index into the streams that were given.
    package var stream: Int
    /// Of that stream's segments; at least two.
    package var segments: Range<Int>
}

/// Decides which neighbours to join, so that a manifest stays short. Pure.
///
/// A *run* is a stretch of neighbours that may be joined: one stream, generation, codec and set of rules, no gap, no
/// checkpoint but at its end. Of a run are joined
///
/// - small segments (under half of `full`) next to each other, as soon as they are `full` together: 8 MiB of them;
/// - small segments next to each other, when the session has ended;
/// - and, when the session lists `spare` objects more than one for each run and each `full` bytes of a run: the newest
///   two, and more as far back as none is larger than all behind it together. So what was joined before is seldom sent
///   again: a byte of 20,000 segments of 1 KB three times on its way to 8 MiB, where joining all would be a hundred times.
///   Where that gives nothing, the neighbours that are cheapest to join.
///
/// Hence a manifest never lists more than one object for each 8 MiB, plus 64, plus one for each run; and runs are begun
/// only by checkpoints, generations, codecs, other rules, and gaps. What is over `2 * full` is left alone: it is more than
/// its share.
package struct MergePolicy: Sendable {
    let full: Int64
    let spare: Int

    package init(full: Int64 = 8 << 20, spare: Int = 64) {
        self.full = full
        self.spare = spare
    }

    /// What to join in one session, given its streams' listed segments in order; to be asked again when it is done.
    package func joins(in streams: [[MergeCandidate]], ended: Bool) -> [MergeJoin] {
        var runs = streams.indices.flatMap { stream in self.runs(of: streams[stream], stream: stream) }
        for index in runs.indices { joinSmall(&runs[index], ended: ended) }
        shorten(&runs)
        return runs.flatMap { run in
            run.blocks.filter { $0.segments.count > 1 }.map { MergeJoin(stream: run.stream, segments: $0.segments) }
        }
    }

    /// The same for a session that has one stream.
    package func joins(in segments: [MergeCandidate], ended: Bool) -> [Range<Int>] {
        joins(in: [segments], ended: ended).map(\.segments)
    }

    /// Segments that are, or are going to be, one object.
    private struct Block {
        var segments: Range<Int>
        var bytes: Int64
    }

    private struct Run {
        var stream: Int
        var blocks: [Block]
        var isJoinable: Bool

        func excess(over full: Int64) -> Int {
            let share = blocks.reduce(0) { $0 + $1.bytes } / full
            return isJoinable ? max(0, blocks.count - 1 - Int(share)) : 0
        }

        mutating func join(_ range: Range<Int>) {
            let parts = blocks[range]
            guard let first = parts.first, let last = parts.last else { return }
            let joint = Block(
                segments: first.segments.lowerBound..<last.segments.upperBound,
                bytes: parts.reduce(0) { $0 + $1.bytes })
            blocks.replaceSubrange(range, with: [joint])
        }
    }

    private func runs(of segments: [MergeCandidate], stream: Int) -> [Run] {
        var runs: [Run] = []
        for (index, segment) in segments.enumerated() {
            let block = Block(segments: index..<index + 1, bytes: segment.bytes)
            if index > 0, continues(segment, segments[index - 1]) {
                runs[runs.count - 1].blocks.append(block)
            } else {
                runs.append(Run(stream: stream, blocks: [block], isJoinable: segment.isJoinable))
            }
        }
        return runs
    }

    func continues(_ segment: MergeCandidate, _ last: MergeCandidate) -> Bool {
        segment.isJoinable && last.isJoinable && !last.isCheckpoint && segment.generation == last.generation
            && segment.codec == last.codec && segment.rules == last.rules
            && segment.firstLine == last.firstLine + last.lines
    }

    private func joinSmall(_ run: inout Run, ended: Bool) {
        var index = 0
        while index < run.blocks.count {
            var end = index
            var bytes: Int64 = 0
            while end < run.blocks.count, run.blocks[end].bytes < full / 2, bytes < full {
                bytes += run.blocks[end].bytes
                end += 1
            }
            if end - index > 1, ended || bytes >= full { run.join(index..<end) }
            // One that was joined, or is not small, is passed; small ones that wait are passed together.
            index = max(index + 1, ended || bytes >= full ? index + 1 : end)
        }
    }

    private func shorten(_ runs: inout [Run]) {
        var excess = runs.reduce(0) { $0 + $1.excess(over: full) }
        while excess >= spare {
            guard let most = runs.indices.max(by: { runs[$0].excess(over: full) < runs[$1].excess(over: full) }),
                let range = newest(of: runs[most]) ?? cheapest(of: runs[most])
            else { return }
            excess -= runs[most].excess(over: full)
            runs[most].join(range)
            excess += runs[most].excess(over: full)
        }
    }

    private func newest(of run: Run) -> Range<Int>? {
        var from = run.blocks.count
        var bytes: Int64 = 0
        while from > 0, bytes < full, run.blocks[from - 1].bytes < full {
            let next = run.blocks[from - 1].bytes
            if run.blocks.count - from > 1, next > bytes { break }
            bytes += next
            from -= 1
        }
        return run.blocks.count - from > 1 ? from..<run.blocks.count : nil
    }

    private func cheapest(of run: Run) -> Range<Int>? {
        var best: (index: Int, bytes: Int64)?
        for index in run.blocks.indices.dropLast() {
            let (left, right) = (run.blocks[index].bytes, run.blocks[index + 1].bytes)
            guard left <= 2 * full, right <= 2 * full, left + right < best?.bytes ?? .max else { continue }
            best = (index, left + right)
        }
        return best.map { $0.index..<$0.index + 2 }
    }
}
