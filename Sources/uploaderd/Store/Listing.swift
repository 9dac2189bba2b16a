import Shared

/// Which segments of a stream a manifest at one store lists: the longest contiguous run from the beginning that the
/// store has. Pure.
///
/// A live segment that the store does not have yet is stood for by the parts that it superseded, as far as the store has
/// those: a manifest never takes back what it said before. Once a segment is listed, its parts that are there count as
/// superseded.
///
///     rows      1 2 3 4, and 5 merged from 2 3 4
///     store has 1 2 3        lists 1 2 3          (5 is waiting; 4 was never sent)
///     store has 1 2 3 5      lists 1 5            superseded: 2 3
struct Listing {
    private(set) var listed: [SegmentRow] = []
    private(set) var gaps: [SegmentRow] = []
    /// At the store, and replaced by something that is listed.
    private(set) var superseded: [SegmentRow] = []
    /// What the rows say of each other and cannot be, a sentence: a manifest made of them would be wrong, or never whole.
    let contradiction: String?

    private let parts: [SegmentID: [SegmentRow]]
    private let most: Int

    /// - Parameters:
    ///   - rows: of one stream, with their copies, ordered by generation, source offset and age.
    ///   - isRecut: part of what was lost is cut again: what it replaces is there beside it until it is whole.
    ///   - most: no more than so many are listed.
    init(_ rows: [SegmentRow], baseOffset: Int64, isRecut: Bool, most: Int = .max) {
        self.most = most
        var parts: [SegmentID: [SegmentRow]] = [:]
        var live: [SegmentRow] = []
        for row in rows {
            if let whole = row.supersededBy { parts[whole, default: []].append(row) } else { live.append(row) }
        }
        self.parts = parts
        contradiction = isRecut ? nil : Self.contradiction(among: live, baseOffset: baseOffset)
        var generation = 0
        var end: Int64 = 0
        for row in live {
            if row.record.generation != generation {
                generation = row.record.generation
                end = generation == 1 ? baseOffset : 0
            }
            guard row.record.sourceOffset == end, take(row) else { return }
            end = row.sourceEnd
        }
    }

    private static func contradiction(among live: [SegmentRow], baseOffset: Int64) -> String? {
        var generation = 0
        for row in live where row.record.generation != generation {
            generation = row.record.generation
            let start = generation == 1 ? baseOffset : 0
            if row.record.sourceOffset != start {
                return
                    "\(row.record.objectPath), the first of generation \(generation), begins at byte "
                    + "\(row.record.sourceOffset) of the source, not at \(start)"
            }
        }
        for (row, next) in zip(live, live.dropFirst()) where row.record.generation == next.record.generation {
            let (one, other) = (row.record, next.record)
            // A range that is lost has a row of its own.
            if other.sourceOffset != row.sourceEnd {
                return
                    "\(one.objectPath) ends at byte \(row.sourceEnd) of the source, and \(other.objectPath) begins at byte "
                    + "\(other.sourceOffset)"
            }
            guard row.state != .gap, next.state != .gap else { continue }
            if other.firstLine != one.firstLine + one.lines {
                return
                    "\(one.objectPath) has \(one.lines) lines from line \(one.firstLine) on, and \(other.objectPath) "
                    + "behind it begins at line \(other.firstLine)"
            }
        }
        return nil
    }

    /// - Returns: whether all of the row's range is listed, or known to be lost.
    private mutating func take(_ row: SegmentRow) -> Bool {
        if row.state == .gap {
            gaps.append(row)
            return true
        }
        // What comes behind it is not held up by what is never taken.
        if row.aside != nil, row.copy?.state != .stored {
            gaps.append(row)
            return true
        }
        // What a manifest said before is not taken back, should the object be missing there by now.
        if let copy = row.copy, copy.state == .stored || copy.isListed {
            guard listed.count < most else { return false }
            listed.append(row)
            supersede(partsOf: row)
            return true
        }
        var end = row.record.sourceOffset
        for part in parts[row.id] ?? [] {
            guard part.record.sourceOffset == end, take(part) else { break }
            end = part.sourceEnd
        }
        return end == row.sourceEnd && end > row.record.sourceOffset
    }

    /// How many of the listed cover what a manifest at this store listed before, itself or by its parts.
    static func known(of listed: [SegmentRow], among rows: [SegmentRow]) -> Int {
        let end = rows.filter { $0.copy?.isListed == true }.map { ($0.record.generation, $0.sourceEnd) }.max(by: <)
        guard let end else { return 0 }
        return listed.prefix { ($0.record.generation, $0.record.sourceOffset) < end }.count
    }

    private mutating func supersede(partsOf row: SegmentRow) {
        for part in parts[row.id] ?? [] {
            if part.copy?.wasPut == true { superseded.append(part) }
            supersede(partsOf: part)
        }
    }
}

extension SegmentRow {
    /// An entry of `gaps[]`.
    var manifestGap: JSONValue {
        .object([
            "stream": .string(record.stream.stream.rawValue), "generation": .integer(Int64(record.generation)),
            "seq": .integer(Int64(record.seq)), "first_line": .integer(Int64(record.firstLine)),
            "lines": .integer(Int64(record.lines)), "source_offset": .integer(record.sourceOffset),
            "source_bytes": .integer(record.sourceBytes), "reason": .string(aside ?? reason ?? "lost"),
        ])
    }
}
