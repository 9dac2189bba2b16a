import Shared
import TestSupport
import Testing

@testable import Segments

private let mebi: Int64 = 1 << 20

/// What a manifest lists of one stream, and what it cost to get there.
private struct Listed {
    var segments: [MergeCandidate] = []
    var lines = 0

    mutating func add(
        bytes: Int64, generation: Int = 1, codec: Codec = .gzip, isCheckpoint: Bool = false, isJoinable: Bool = true
    ) {
        if let last = segments.last, last.generation != generation { lines = 0 }
        segments.append(
            MergeCandidate(
                generation: generation, codec: codec, rules: "none", firstLine: lines + 1, lines: 1, bytes: bytes,
                isCheckpoint: isCheckpoint, isJoinable: isJoinable))
        if isJoinable { lines += 1 }
    }

    /// - Returns: the bytes that are sent again.
    mutating func join(_ range: Range<Int>) -> Int64 {
        let parts = segments[range]
        var joint = segments[range.lowerBound]
        joint.lines = parts.reduce(0) { $0 + $1.lines }
        joint.bytes = parts.reduce(0) { $0 + $1.bytes }
        joint.isCheckpoint = segments[range.upperBound - 1].isCheckpoint
        segments.replaceSubrange(range, with: [joint])
        return joint.bytes
    }
}

@Suite("A merge policy")
struct MergePolicyTests {
    @Test("leaves a session alone that lists few objects")
    func leavesAlone() {
        var listed = Listed()
        for _ in 0..<64 { listed.add(bytes: 1000) }
        #expect(MergePolicy().joins(in: listed.segments, ended: false) == [])
        var full = Listed()
        for _ in 0..<500 { full.add(bytes: 8 * mebi - 100) }
        #expect(MergePolicy().joins(in: full.segments, ended: false) == [])
        #expect(MergePolicy().joins(in: full.segments, ended: true) == [])
    }

    @Test("joins more than 64 adjacent small segments, 8 MiB of them, and what is left at the end")
    func joins() {
        var listed = Listed()
        for _ in 0..<65 { listed.add(bytes: 1000) }
        #expect(MergePolicy().joins(in: listed.segments, ended: false) == [0..<65])
        var eight = Listed()
        eight.add(bytes: 8 * mebi - 5)
        for _ in 0..<3 { eight.add(bytes: 3 * mebi) }
        eight.add(bytes: 1000)
        #expect(MergePolicy().joins(in: eight.segments, ended: false) == [1..<4])
        var few = Listed()
        few.add(bytes: 5)
        few.add(bytes: 6, isCheckpoint: true)
        few.add(bytes: 7)
        few.add(bytes: 8)
        #expect(MergePolicy().joins(in: few.segments, ended: true) == [0..<2, 2..<4])
    }

    @Test("never joins across a checkpoint, a generation, a codec, a gap or a partial segment")
    func separates() {
        var listed = Listed()
        listed.add(bytes: 1, isCheckpoint: true)
        listed.add(bytes: 1)
        listed.add(bytes: 1, codec: .zstd)
        listed.add(bytes: 1, isJoinable: false)
        listed.add(bytes: 1, generation: 2)
        listed.lines += 1
        listed.add(bytes: 1, generation: 2)
        #expect(MergePolicy().joins(in: listed.segments, ended: true) == [])
    }

    @Test("keeps every manifest below its bound, whatever arrives", arguments: seeds)
    func bound(seed: UInt64) {
        print("merge policy seed \(seed)")
        var random = Seeded(seed)
        for round in 0..<12 {
            let streams = round % 3 == 0 ? 1 : Int.random(in: 1...12, using: &random)
            var listed = [Listed](repeating: Listed(), count: streams)
            var generation = [Int](repeating: 1, count: streams)
            var codec = [Codec](repeating: .gzip, count: streams)
            var separators = streams  // each stream has a first generation
            let ended = round % 4 == 3
            for _ in 0..<600 {
                let stream = Int.random(in: 0..<streams, using: &random)
                if Int.random(in: 0..<60, using: &random) == 0 {
                    generation[stream] += 1
                    separators += 1
                } else if Int.random(in: 0..<60, using: &random) == 0 {
                    codec[stream] = codec[stream] == .gzip ? .zstd : .gzip
                    separators += 1
                }
                let isCheckpoint = Int.random(in: 0..<20, using: &random) == 0
                if isCheckpoint { separators += 1 }
                listed[stream].add(
                    bytes: size(round, &random), generation: generation[stream], codec: codec[stream],
                    isCheckpoint: isCheckpoint)
                apply(to: &listed, ended: ended)
                let objects = listed.reduce(0) { $0 + $1.segments.count }
                let bytes = listed.flatMap(\.segments).reduce(0) { $0 + $1.bytes }
                #expect(objects <= Int(bytes / (8 * mebi)) + 64 + separators)
                guard objects <= Int(bytes / (8 * mebi)) + 64 + separators else { return }
            }
        }
    }

    private func size(_ round: Int, _ random: inout Seeded) -> Int64 {
        switch round % 4 {
        case 0: Int64.random(in: 1...5000, using: &random)
        case 1: Int64.random(in: 1...8 * mebi, using: &random)
        case 2: Bool.random(using: &random) ? 1000 : 9 * mebi
        default: Int.random(in: 0..<10, using: &random) == 0 ? 100 * mebi : 6 * mebi
        }
    }

    private func apply(to listed: inout [Listed], ended: Bool) {
        let joins = MergePolicy().joins(in: listed.map(\.segments), ended: ended)
        for join in joins.reversed() {
            let parts = listed[join.stream].segments[join.segments]
            #expect(parts.count > 1)
            for (left, right) in zip(parts, parts.dropFirst()) {
                #expect(!left.isCheckpoint)
                #expect(left.isJoinable && right.isJoinable)
                #expect(left.generation == right.generation && left.codec == right.codec)
                #expect(left.firstLine + left.lines == right.firstLine)
            }
            _ = listed[join.stream].join(join.segments)
        }
    }

    @Test("sends a byte of 5,000 small segments again a few times, not for every merge", arguments: [true, false])
    func cost(areEqual: Bool) {
        var random = Seeded(6)
        var listed = Listed()
        var total: Int64 = 0
        var sent: Int64 = 0
        for _ in 0..<5000 {
            let bytes =
                areEqual ? 1000 : Int64.random(in: 1...Int64.random(in: 1...10_000, using: &random), using: &random)
            total += bytes
            listed.add(bytes: bytes)
            for range in MergePolicy().joins(in: listed.segments, ended: false).reversed() {
                sent += listed.join(range)
            }
        }
        #expect(sent < 4 * total)
        #expect(listed.segments.count <= 65)
        #expect(listed.segments.reduce(0) { $0 + $1.bytes } == total)
        for range in MergePolicy().joins(in: listed.segments, ended: true).reversed() { _ = listed.join(range) }
        #expect(listed.segments.count <= 2)
    }

    @Test("lets a manifest list all where nothing is joined, though a place in the middle is over the bound")
    func admitsWhatIsLeftAlone() {
        var listed = Listed()
        for _ in 0..<175 { listed.add(bytes: 5 * mebi) }
        #expect(MergePolicy().joins(in: listed.segments, ended: false) != [])
        listed.add(bytes: 40 * mebi)
        #expect(MergePolicy().joins(in: listed.segments, ended: false) == [])
        #expect(MergePolicy().admitted(of: [listed.segments], atLeast: [100]) == [176])
    }

    @Test("lets a manifest list no more than its bound, and all that joining leaves", arguments: seeds)
    func admits(seed: UInt64) {
        print("merge policy seed \(seed)")
        var random = Seeded(seed)
        for round in 0..<12 {
            var listed = [Listed](repeating: Listed(), count: Int.random(in: 1...5, using: &random))
            for _ in 0..<Int.random(in: 50...400, using: &random) {
                let stream = Int.random(in: listed.indices, using: &random)
                let isCheckpoint = Int.random(in: 0..<20, using: &random) == 0
                listed[stream].add(bytes: size(round, &random), isCheckpoint: isCheckpoint)
            }
            let none = [Int](repeating: 0, count: listed.count)
            let first = MergePolicy().admitted(of: listed.map(\.segments), atLeast: none)
            expectBound(zip(listed, first).map { Array($0.segments.prefix($1)) })
            let rest = zip(listed, first).map { Array($0.segments.dropFirst($1)) }
            let isLeft = MergePolicy().joins(in: listed.map(\.segments), ended: false).isEmpty
            #expect(!isLeft || rest.allSatisfy(\.isEmpty))
            while !MergePolicy().joins(in: listed.map(\.segments), ended: false).isEmpty {
                apply(to: &listed, ended: false)
            }
            let all = listed.map(\.segments.count)
            #expect(MergePolicy().admitted(of: listed.map(\.segments), atLeast: none) == all)
        }
    }

    private func expectBound(_ listed: [[MergeCandidate]]) {
        let runs = listed.reduce(0) { sum, segments in
            sum + segments.indices.filter { $0 == 0 || !MergePolicy().continues(segments[$0], segments[$0 - 1]) }.count
        }
        let bytes = listed.joined().reduce(0) { $0 + $1.bytes }
        #expect(listed.joined().count <= Int(bytes / (8 * mebi)) + 64 + runs)
    }
}
