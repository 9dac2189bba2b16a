import Segments
import Shared

/// One generation of one stream, as a list of objects in the order of its lines, of one writer or of several joined.
struct Volume: Sendable {
    /// Lines of one object.
    struct Part: Sendable {
        /// The object; its lines count in its writer's generation.
        var outline: SegmentOutline
        /// Which of its lines belong here.
        var lines: ClosedRange<Int>
        /// The number that the first of them has here.
        var firstLine: Int
        var isThere = true
        var isPartial = false
        var bytes: @Sendable () async throws -> FoundObject

        /// - Returns: `nil` for an object without a line.
        init?(
            _ outline: SegmentOutline, isThere: Bool = true, isPartial: Bool = false,
            bytes: @escaping @Sendable () async throws -> FoundObject
        ) {
            guard outline.lines > 0, outline.firstLine > 0 else { return nil }
            self.outline = outline
            lines = outline.firstLine...outline.lastLine
            firstLine = outline.firstLine
            self.isThere = isThere
            self.isPartial = isPartial
            self.bytes = bytes
        }

        var lastLine: Int { firstLine + lines.count - 1 }
        var isWhole: Bool { lines.lowerBound == outline.firstLine && lines.upperBound == outline.lastLine }

        /// The part without the lines outside of `range`, which counts as the object's do.
        func clamped(to range: ClosedRange<Int>) -> Part? {
            guard lines.overlaps(range) else { return nil }
            var part = self
            part.lines = lines.clamped(to: range)
            part.firstLine += part.lines.lowerBound - lines.lowerBound
            return part
        }

        /// Where in the object's uncompressed bytes a line begins; of the line behind the last one: where that ends.
        func offset(of line: Int) async throws -> Int64 {
            if line <= outline.firstLine { return 0 }
            if line > outline.lastLine, let bytes = outline.bytes { return bytes }
            let before = line - 1
            let member = outline.parts(for: before...before)
            let first = member?.line ?? outline.firstLine
            var offset = member?.uncompressed.lowerBound ?? 0
            var reader = try MemberReader(outline, object: try await bytes(), lines: first...before)
            while let piece = try reader.next() { offset += Int64(piece.count) }
            return offset
        }
    }

    /// A checkpoint, and the line that it has here.
    struct Checkpoint: Sendable {
        var id: String
        var line: Int
    }

    var stream: StreamName
    var generation: Int
    var parts: [Part]
    var checkpoints: [Checkpoint]
    /// What may have more lines and could not be read, a sentence each.
    var unread: [String] = []

    /// Lines that there are.
    var lines: Int { parts.last.map(\.lastLine) ?? 0 }

    /// - Returns: the volume, if it has the lines of an older one's part in another object; else `nil`.
    func renewing(_ old: Part) -> Volume? {
        let now = parts.first { ($0.firstLine...$0.lastLine).contains(old.firstLine) }
        return now.map { $0.outline.name != old.outline.name } == true ? self : nil
    }

    /// - Returns: `nil` when there is no such checkpoint.
    func checkpoint(_ choice: CheckpointChoice) -> Checkpoint? {
        switch choice {
        case .latest: return checkpoints.max { ($0.line, $0.id) < ($1.line, $1.id) }
        case .id(let id):
            if let exact = checkpoints.first(where: { $0.id == id }) { return exact }
            // A merge puts other lines before the compacted one, so the line's place in the segment is another; the
            // time and the sequence number stay, and a segment has one checkpoint, at its end.
            guard let wanted = Self.withoutLine(id) else { return nil }
            return checkpoints.first { Self.withoutLine($0.id) == wanted }
        }
    }

    /// The id up to its `-l`.
    private static func withoutLine(_ id: String) -> Substring? {
        guard let dash = id.lastIndex(of: "-") else { return nil }
        let line = id[id.index(after: dash)...]
        return line.first == "l" && line.count > 1 && line.dropFirst().allSatisfy(\.isNumber) ? id[..<dash] : nil
    }
}
