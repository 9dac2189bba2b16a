import Delivery
import Digests
import Segments
import Shared
import Testing

@testable import Engine

/// Each letter is a line; a writer's segments are words.
@Suite("Writers of one session, joined")
struct WriterJoinTests {
    /// - Parameters:
    ///   - segments: of each generation; a lower-case letter at the end is a line without its end.
    ///   - first: the number of the first line of the first generation.
    private static func branch(
        _ writer: String, _ segments: [Int: [String]], first: Int = 1, at created: String = "2026-11-20T00:00:00Z",
        after origin: (writer: String, generation: Int, line: Int)? = nil
    ) -> WriterBranch {
        WriterBranch(
            writer: writer, isFirst: origin == nil, createdAt: created,
            origin: origin.map {
                WriterBranch.Origin(writer: $0.writer, stream: .main, generation: $0.generation, line: $0.line)
            }, lastGeneration: segments.keys.max() ?? 0
        ) { generation in
            var line = generation == segments.keys.min() ? first : 1
            return (segments[generation] ?? []).compactMap { word in
                let isPartial = word.last?.isLowercase == true
                let bytes = Array(word.uppercased().map { "\($0)\n" }.joined().utf8.dropLast(isPartial ? 1 : 0))
                let entry: [String: JSONValue] = [
                    "seq": .integer(1), "path": .string("\(writer)-\(line)"), "lines": .integer(Int64(word.count)),
                    "first_line": .integer(Int64(line)), "codec": .string("none"),
                    "bytes_uncompressed": .integer(Int64(bytes.count)), "bytes_gzip": .integer(Int64(bytes.count)),
                    "checksum": .string("sha256:" + RunningDigest.digest(of: bytes).hex),
                ]
                line += word.count
                guard let text = try? JSONText.encode(JSONValue.object(entry)),
                    let segment = try? JSONText.decode(ManifestSegment.self, from: text)
                else { return nil }
                return Volume.Part(SegmentOutline(segment, firstLine: 1), isPartial: isPartial) {
                    FoundObject(MemoryObject(bytes))
                }
            }
        } checkpoints: { _, parts in
            parts.map { Volume.Checkpoint(id: "\(writer)-\($0.lines.upperBound)", line: $0.lines.upperBound) }
        }
    }

    private static func text(_ volume: Volume) async throws -> String {
        var text = ""
        var next = 1
        for part in volume.parts {
            #expect(part.firstLine == next)
            next = part.lastLine + 1
            var reader = try MemberReader(part.outline, object: try await part.bytes(), lines: part.lines)
            while let piece = try reader.next() { text += String(decoding: piece, as: UTF8.self) }
        }
        return text.replacing("\n", with: "")
    }

    private static func joined(_ branches: [WriterBranch], generation: Int? = nil) async throws -> String {
        var texts: Set<String> = []
        // The order in which manifests are found decides nothing.
        for order in [branches, branches.reversed()] {
            let join = WriterJoin(order, of: .main)
            let volume = try await join.volume(generation: generation ?? join.lastGeneration) {
                try await CommonLines(of: $0, and: $1)
            }
            texts.insert(try await text(volume))
        }
        #expect(texts.count == 1)
        return texts.first ?? ""
    }

    @Test("a copy that goes on elsewhere is given from where it goes on, however both are cut")
    func copy() async throws {
        let first = Self.branch("a", [1: ["ABC", "DE"]])
        for segments in [["ABCDE", "FG"], ["A", "BCDEFG"], ["ABC", "DE", "FG"], ["ABC", "DEFG"]] {
            #expect(try await Self.joined([first, Self.branch("b", [1: segments], after: ("a", 1, 5))]) == "ABCDEFG")
            // It had the lines before the first writer had delivered them.
            #expect(try await Self.joined([first, Self.branch("b", [1: segments], after: ("a", 1, 3))]) == "ABCDEFG")
        }
    }

    @Test("one that holds only what it adds follows its line")
    func added() async throws {
        let first = Self.branch("a", [1: ["ABC", "DE"]])
        #expect(
            try await Self.joined([first, Self.branch("b", [1: ["FG"]], first: 6, after: ("a", 1, 5))]) == "ABCDEFG")
        #expect(
            try await Self.joined([
                first, Self.branch("b", [1: ["FG"]], first: 6, after: ("a", 1, 5)),
                Self.branch("c", [1: ["ABCDEFGH"]], after: ("b", 1, 7)),
            ]) == "ABCDEFGH")
    }

    @Test("other bytes under the same name follow whole, behind the line that was the last one then")
    func unrelated() async throws {
        let first = Self.branch("a", [1: ["ABC", "DE"]])
        #expect(try await Self.joined([first, Self.branch("b", [1: ["XYZ"]], after: ("a", 1, 2))]) == "ABXYZCDE")
        #expect(try await Self.joined([first, Self.branch("b", [1: ["AXYZ"]], after: ("a", 1, 4))]) == "ABCDAXYZE")
        #expect(try await Self.joined([first, Self.branch("b", [1: ["XYZ"]], after: ("a", 1, 0))]) == "XYZABCDE")
    }

    @Test("several that follow one line come in the order of their beginning, each with what follows it")
    func siblings() async throws {
        let first = Self.branch("a", [1: ["ABCD"]])
        let late = Self.branch("b", [1: ["ABXY"]], at: "2026-11-20T00:00:09Z", after: ("a", 1, 2))
        let early = Self.branch("c", [1: ["ABMN"]], at: "2026-11-20T00:00:01Z", after: ("a", 1, 2))
        let child = Self.branch("d", [1: ["ABMNOP"]], at: "2026-11-20T00:00:20Z", after: ("c", 1, 4))
        #expect(try await Self.joined([first, late, early, child]) == "ABMNOPXYCD")
        // One that follows a line which its parent only shares stands with those that follow that line itself.
        let shared = Self.branch("e", [1: ["ABZ"]], at: "2026-11-20T00:00:05Z", after: ("b", 1, 2))
        #expect(try await Self.joined([first, late, early, shared]) == "ABMNZXYCD")
    }

    @Test("a session that went from machine to machine is given once, though all continue its first writer")
    func handedOn() async throws {
        let first = Self.branch("a", [1: ["AB"]])
        for (second, third) in [("ABC", "ABCDE"), ("ABCDE", "ABC"), ("ABCDE", "ABCDE")] {
            #expect(
                try await Self.joined([
                    first, Self.branch("b", [1: [second]], after: ("a", 1, 2)),
                    Self.branch("c", [1: [third]], after: ("a", 1, 2)),
                ]) == "ABCDE")
        }
        #expect(
            try await Self.joined([
                first, Self.branch("b", [1: ["ABCDE"]], after: ("a", 1, 2)),
                Self.branch("c", [1: ["ABCXY"]], after: ("a", 1, 2)),
            ]) == "ABCXYDE")
    }

    @Test("two that see one file give it once, whoever has more of it")
    func sameFile() async throws {
        let first = Self.branch("a", [1: ["ABC", "DE"]])
        for (segments, wanted) in [(["AB"], "ABCDE"), (["ABCDE"], "ABCDE"), (["ABCDEF"], "ABCDEF")] {
            for line in 0...5 {
                let other = Self.branch("b", [1: segments], after: ("a", 1, line))
                #expect(try await Self.joined([first, other]) == wanted, "\(segments) \(line)")
            }
        }
    }

    @Test("a last line without its end gives way to the whole one, and is given once where both have it")
    func partial() async throws {
        let first = Self.branch("a", [1: ["AB", "c"]])
        #expect(try await Self.joined([first, Self.branch("b", [1: ["ABCD"]], after: ("a", 1, 3))]) == "ABCD")
        #expect(try await Self.joined([first, Self.branch("b", [1: ["AB", "c"]], after: ("a", 1, 3))]) == "ABC")
        let whole = Self.branch("a", [1: ["ABCD"]])
        #expect(try await Self.joined([whole, Self.branch("b", [1: ["AB", "c"]], after: ("a", 1, 2))]) == "ABCD")
    }

    @Test("the first life of a file that goes on counts as the life that it continues")
    func generations() async throws {
        let first = Self.branch("a", [1: ["AB"], 2: ["CD"]])
        let other = Self.branch("b", [1: ["CDE"], 2: ["X"]], after: ("a", 2, 2))
        #expect(try await Self.joined([first, other], generation: 1) == "AB")
        #expect(try await Self.joined([first, other], generation: 2) == "CDE")
        #expect(try await Self.joined([first, other]) == "X")
    }

    @Test("a circle, a writer that is gone and a program without writers are joined all the same")
    func odd() async throws {
        let one = Self.branch("a", [1: ["ABC"]], at: "2026-11-20T00:00:01Z", after: ("b", 1, 3))
        let two = Self.branch("b", [1: ["ABCD"]], at: "2026-11-20T00:00:02Z", after: ("a", 1, 3))
        #expect(try await Self.joined([one, two]) == "ABCD")
        #expect(
            try await Self.joined([Self.branch("a", [1: ["AB"]]), Self.branch("b", [1: ["XY"]], after: ("z", 1, 9))])
                == "ABXY")
        #expect(
            try await Self.joined([Self.branch("", [1: ["AB"]]), Self.branch("b", [1: ["ABC"]], after: ("z", 1, 9))])
                == "ABC")
        #expect(try await Self.joined([Self.branch("a", [1: ["AB"]], after: ("a", 1, 1))]) == "AB")
    }

    @Test("checkpoints have the number of their line in the joined stream")
    func checkpoints() async throws {
        let join = WriterJoin(
            [
                Self.branch("a", [1: ["AB", "CD"]]), Self.branch("b", [1: ["AB", "XY"]], after: ("a", 1, 2)),
            ], of: .main)
        let volume = try await join.volume(generation: 1) { try await CommonLines(of: $0, and: $1) }
        #expect(try await Self.text(volume) == "ABXYCD")
        let lines = Dictionary(uniqueKeysWithValues: volume.checkpoints.map { ($0.id, $0.line) })
        #expect(lines == ["a-2": 2, "a-4": 6, "b-2": 2, "b-4": 4])
        #expect(volume.checkpoint(.latest)?.id == "a-4")
    }

    @Test("segments of a manifest that do not follow each other are said, not sorted out")
    func overlapping() async throws {
        var branch = Self.branch("a", [1: ["ABC"]])
        let parts = try await branch.parts(1)
        branch.parts = { _ in parts + parts }
        let join = WriterJoin([branch], of: .main)
        let error = await #expect(throws: ControlError.self) {
            _ = try await join.volume(generation: 1) { try await CommonLines(of: $0, and: $1) }
        }
        #expect(error?.code == .damaged)
    }
}
