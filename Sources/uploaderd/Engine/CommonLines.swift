import Segments
import Shared

/// How far two streams hold the same lines, from their first on.
struct CommonLines: Sendable, Hashable {
    enum Side: Sendable, Hashable {
        case first, second
    }

    /// Lines that are the same.
    var lines: Int
    /// The side that ends in a line without its end, of which the other has more.
    var isBeginning: Side?

    /// As far as one of them goes on with nothing else.
    var reach: Int { lines + (isBeginning == nil ? 0 : 1) }

    init(lines: Int, isBeginning: Side? = nil) {
        self.lines = lines
        self.isBeginning = isBeginning
    }

    /// Longer ones are only the same where every byte is.
    private static let longestMarked = 16 << 20

    /// Reads both as far as they are the same; objects that both have under one digest are not read. Where they have passed
    /// different rules, a line is the same, too, when it is the other with more of it removed.
    init(of one: [Volume.Part], and other: [Volume.Part]) async throws {
        var (one, other) = (one[...], other[...])
        var lines = 0
        while let a = one.first, let b = other.first, a.lines == b.lines, a.isWhole, b.isWhole, !a.isPartial,
            let checksum = a.outline.checksum, checksum == b.outline.checksum
        {
            lines = a.lines.upperBound
            one.removeFirst()
            other.removeFirst()
        }
        self.init(lines: lines)
        let (left, right) = (LineBytes(one, from: lines + 1), LineBytes(other, from: lines + 1))
        // What both have of the line that they are in, where it may go on with a marker.
        var line: [UInt8] = []
        var isInLine = false
        while true {
            let (a, b) = (try await left.bytes(), try await right.bytes())
            guard !a.isEmpty, !b.isEmpty else {
                guard isInLine else { return }
                if a.isEmpty, b.isEmpty { self.lines += 1 } else { isBeginning = a.isEmpty ? .first : .second }
                return
            }
            let isLenient = left.rules != right.rules
            let count = min(a.count, b.count)
            var same = 0
            var lineStart = 0
            for (x, y) in zip(a, b) {
                guard x == y else { break }
                same += 1
                isInLine = x != 0x0A
                guard !isInLine else { continue }
                self.lines += 1
                lineStart = same
            }
            if lineStart > 0 || !isLenient { line = [] }
            if isLenient, line.count <= Self.longestMarked { line += a.prefix(same).dropFirst(lineStart) }
            left.drop(same)
            right.drop(same)
            if same == count { continue }
            let most = Self.longestMarked - line.count
            guard isLenient, most >= 0, let end = try await left.restOfLine(most),
                let otherEnd = try await right.restOfLine(most), MarkedLine.isSame(line + end, line + otherEnd)
            else { return }
            self.lines += 1
            line = []
            isInLine = false
        }
    }
}

/// The bytes of consecutive lines, piece by piece; ends where lines are missing.
private final class LineBytes {
    private var parts: ArraySlice<Volume.Part>
    private var next: Int
    private var reader: MemberReader<FoundObject>?
    private var piece: ArraySlice<UInt8> = []
    /// Those that the lines have passed which come next, once there is something of them.
    private(set) var rules: String?

    init(_ parts: ArraySlice<Volume.Part>, from line: Int) {
        self.parts = parts
        next = line
    }

    /// What comes next; empty at the end.
    func bytes() async throws -> ArraySlice<UInt8> {
        while piece.isEmpty {
            if let more = try reader?.next() {
                piece = Array(more)[...]
                continue
            }
            reader = nil
            guard let part = parts.first, part.lines.lowerBound == next, part.isThere else { return [] }
            parts.removeFirst()
            next = part.lines.upperBound + 1
            rules = part.outline.rules
            reader = try MemberReader(
                part.outline, object: try await part.bytes(), lines: part.isWhole ? nil : part.lines)
        }
        return piece
    }

    /// Takes what is left of the line, with its end.
    ///
    /// - Returns: `nil`: it has no end, or is longer than `most`.
    func restOfLine(_ most: Int) async throws -> [UInt8]? {
        var rest: [UInt8] = []
        while rest.count <= most {
            let piece = try await bytes()
            guard !piece.isEmpty else { return nil }
            let end = piece.firstIndex(of: 0x0A).map { $0 + 1 }
            rest += piece[..<(end ?? piece.endIndex)]
            drop((end ?? piece.endIndex) - piece.startIndex)
            if end != nil { return rest.count <= most ? rest : nil }
        }
        return nil
    }

    func drop(_ count: Int) { piece = piece.dropFirst(count) }
}
