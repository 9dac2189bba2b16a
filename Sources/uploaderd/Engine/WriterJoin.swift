import Shared

/// Joins what several writers have of one stream: docs/formats.md, "Writers", has the rule.
///
/// A branch follows the line that it continues. Where it holds that line and all before it itself, with the same bytes, these
/// are not given twice, nor what it and any other branch go on with. What a writer has is never left out: a branch that holds other bytes
/// follows whole. Several that follow one line do so in the order of their beginning, and before the lines with which the
/// writer that they continue goes on.
struct WriterJoin {
    /// Compares the lines of two branches from their first on.
    typealias Comparing = (_ one: [Volume.Part], _ other: [Volume.Part]) async throws -> CommonLines

    let stream: StreamName
    /// Sorted; each is named by its place here.
    let branches: [WriterBranch]
    /// The branch that each goes on from, or is put behind.
    private(set) var parents: [Int?]
    /// What is added to a branch's generation to have the joined one: the continuing file's first life is one more life of the
    /// continued one's at that time.
    private(set) var offsets: [Int]

    init(_ unordered: [WriterBranch], of stream: StreamName) {
        self.stream = stream
        branches = unordered.sorted(by: WriterBranch.precedes)
        parents = branches.map { _ in nil }
        offsets = branches.map { _ in 0 }
        // The first ones last: in a circle they are where it begins.
        for index in branches.indices.reversed() {
            guard let origin = branches[index].origin,
                let parent = branches.firstIndex(where: { $0.writer == origin.writer && !$0.writer.isEmpty }),
                !ancestors(of: parent).contains(index)
            else { continue }
            parents[index] = parent
        }
        for index in branches.indices.dropFirst() where parents[index] == nil && !ancestors(of: 0).contains(index) {
            parents[index] = 0
        }
        for index in parentsFirst {
            guard let parent = parents[index] else { continue }
            offsets[index] = offsets[parent]
            if let origin = anchor(of: index) { offsets[index] += origin.generation - 1 }
        }
    }

    /// The line that the branch says it continues, of this stream.
    private func anchor(of index: Int) -> WriterBranch.Origin? {
        guard let origin = branches[index].origin, let parent = parents[index], origin.stream == stream,
            origin.writer == branches[parent].writer
        else { return nil }
        return origin
    }

    private func ancestors(of index: Int) -> [Int] {
        var found = [index]
        while let parent = parents[found[found.count - 1]] { found.append(parent) }
        return found
    }

    private var parentsFirst: [Int] {
        branches.indices.sorted { (ancestors(of: $0).count, $0) < (ancestors(of: $1).count, $1) }
    }

    /// 0: nobody has anything of the stream.
    var lastGeneration: Int {
        zip(branches, offsets).map { $0.lastGeneration == 0 ? 0 : $0.lastGeneration + $1 }.max() ?? 0
    }

    // MARK: One generation

    /// A branch in one generation; its lines count as the writer's own do.
    private struct Strand {
        var parts: [Volume.Part] = []
        /// From the generation's first line on: its own parts, and before them those that it continues and does not hold.
        var path: [Volume.Part] = []
        /// The first line that is given here; those before it are its parent's, with the same numbers.
        var start = 1
        var end = 0
        var isShared = false
        /// The branch that gives the lines before `start`.
        var host: Int?
        /// By the line that they follow.
        var followers: [Int: [Int]] = [:]
    }

    /// Lines of one branch in the joined order.
    private struct Run {
        var branch: Int
        var lines: ClosedRange<Int>
        var firstLine: Int
    }

    func volume(generation: Int, comparing: Comparing) async throws -> Volume {
        var strands = branches.map { _ in Strand() }
        var placed: [Int] = []
        for index in parentsFirst {
            let own = generation - offsets[index]
            if own >= 1, own <= branches[index].lastGeneration {
                strands[index].parts = try checked(try await branches[index].parts(own), of: index)
            }
            try await place(index, generation, beside: placed, &strands, comparing)
            placed.append(index)
        }
        let roots = branches.indices.filter { parents[$0] == nil }
        var runs: [Run] = []
        for root in roots { emit(root, strands, &runs) }
        var volume = Volume(stream: stream, generation: generation, parts: [], checkpoints: [])
        for run in runs {
            for part in strands[run.branch].parts {
                guard var given = part.clamped(to: run.lines) else { continue }
                given.firstLine = run.firstLine + given.lines.lowerBound - run.lines.lowerBound
                volume.parts.append(given)
            }
        }
        for index in branches.indices where !strands[index].parts.isEmpty {
            let own = generation - offsets[index]
            for checkpoint in try await branches[index].checkpoints(own, strands[index].parts) {
                let (branch, line) = Self.giver(of: checkpoint.line, index, strands)
                guard let run = runs.first(where: { $0.branch == branch && $0.lines.contains(line) }) else { continue }
                volume.checkpoints.append(
                    Volume.Checkpoint(id: checkpoint.id, line: run.firstLine + line - run.lines.lowerBound))
            }
        }
        return volume
    }

    /// A manifest may come from anybody: its segments must follow each other.
    private func checked(_ parts: [Volume.Part], of index: Int) throws -> [Volume.Part] {
        var found: [Volume.Part] = []
        for part in parts {
            // The whole line takes the place of what was stored of it before it had its end.
            if let last = found.last, last.isPartial, part.lines.lowerBound == last.lines.lowerBound {
                found.removeLast()
            }
            if let last = found.last, part.lines.lowerBound <= last.lines.upperBound {
                throw ControlError(
                    .damaged,
                    "the manifest of writer \(branches[index].writer) lists line \(part.lines.lowerBound) of stream \(stream) twice"
                )
            }
            found.append(part)
        }
        return found
    }

    /// Decides from which line on a branch is given, and which line it follows.
    private func place(
        _ index: Int, _ generation: Int, beside placed: [Int], _ strands: inout [Strand], _ comparing: Comparing
    ) async throws {
        var strand = strands[index]
        strand.path = strand.parts
        strand.start = strand.parts.first?.lines.lowerBound ?? 1
        strand.end = strand.parts.last?.lines.upperBound ?? 0
        guard let parent = parents[index] else {
            strands[index] = strand
            return
        }
        let origin = anchor(of: index).flatMap { offsets[parent] + $0.generation == generation ? $0 : nil }
        var line = min(origin?.line ?? .max, strands[parent].end)
        var host = parent
        if strand.start > 1, origin != nil {
            // It holds only what it adds.
            strand.isShared = true
            line = min(strand.start - 1, strands[parent].end)
            strand.path = strands[parent].path.compactMap { $0.clamped(to: 1...strand.start - 1) } + strand.parts
        } else if !strand.parts.isEmpty {
            let (nearest, common) = try await nearest(to: strand, [parent] + placed, strands, comparing)
            if common.reach >= min(line, strand.end) {
                (host, line) = (nearest, common.lines)
                strand.isShared = common.lines > 0
                strand.start = common.lines + 1
                // A last line without its end is the beginning of the other's whole one.
                if common.isBeginning == .second { strand.end = min(strand.end, common.lines) }
                if common.isBeginning == .first {
                    let (giver, _) = Self.giver(of: common.lines + 1, nearest, strands)
                    strands[giver].end = min(strands[giver].end, common.lines)
                }
            }
        }
        strand.host = host
        strands[index] = strand
        let (giver, place) = Self.giver(of: line, host, strands)
        strands[giver].followers[place, default: []].append(index)
    }

    /// The branch with which a strand has the most lines in common: of a session that went from one machine to the next all
    /// copies continue its first writer. The first of several.
    private func nearest(
        to strand: Strand, _ candidates: [Int], _ strands: [Strand], _ comparing: Comparing
    ) async throws -> (Int, CommonLines) {
        var nearest = (candidates[0], CommonLines(lines: -1))
        for candidate in candidates where nearest.1.lines < 0 || candidate != candidates[0] {
            let common = try await comparing(strands[candidate].path, strand.path)
            if common.reach > nearest.1.reach { nearest = (candidate, common) }
        }
        return nearest
    }

    /// The branch that gives a line which `index` holds, too.
    private static func giver(of line: Int, _ index: Int, _ strands: [Strand]) -> (branch: Int, line: Int) {
        var branch = index
        while strands[branch].isShared, line < strands[branch].start, let host = strands[branch].host { branch = host }
        return (branch, line)
    }

    private func emit(_ index: Int, _ strands: [Strand], _ runs: inout [Run]) {
        let strand = strands[index]
        var line = strand.start
        func give(to end: Int) {
            guard line <= end else { return }
            let first = (runs.last.map { $0.firstLine + $0.lines.count }) ?? 1
            runs.append(Run(branch: index, lines: line...end, firstLine: first))
            line = end + 1
        }
        for place in strand.followers.keys.sorted() {
            give(to: min(place, strand.end))
            for follower in strand.followers[place, default: []].sorted() { emit(follower, strands, &runs) }
        }
        give(to: strand.end)
    }
}
