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

    /// Reads both as far as they are the same; objects that both have under one digest are not read.
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
        var isInLine = false
        while true {
            let (a, b) = (try await left.bytes(), try await right.bytes())
            guard !a.isEmpty, !b.isEmpty else {
                guard isInLine else { return }
                if a.isEmpty, b.isEmpty { self.lines += 1 } else { isBeginning = a.isEmpty ? .first : .second }
                return
            }
            let count = min(a.count, b.count)
            for (x, y) in zip(a, b) {
                guard x == y else { return }
                isInLine = x != 0x0A
                if !isInLine { self.lines += 1 }
            }
            left.drop(count)
            right.drop(count)
        }
    }
}

/// The bytes of consecutive lines, piece by piece; ends where lines are missing.
private final class LineBytes {
    private var parts: ArraySlice<Volume.Part>
    private var next: Int
    private var reader: MemberReader<FoundObject>?
    private var piece: ArraySlice<UInt8> = []

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
            reader = try MemberReader(
                part.outline, object: try await part.bytes(), lines: part.isWhole ? nil : part.lines)
        }
        return piece
    }

    func drop(_ count: Int) { piece = piece.dropFirst(count) }
}
