/// A segment's row in the catalog. Never used again; not known outside this state directory.
package struct SegmentID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    package var description: String { "segment \(rawValue)" }

    package static func < (a: SegmentID, b: SegmentID) -> Bool { a.rawValue < b.rawValue }
}
