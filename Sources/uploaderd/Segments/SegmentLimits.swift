/// When a segment is sealed, and how it is cut inside; every value is configurable.
package struct SegmentLimits: Hashable, Sendable {
    /// Uncompressed bytes of a segment.
    package var maxBytes: Int
    package var maxLines: Int
    /// Since the segment's first line.
    package var maxAge: Duration
    /// Since the segment's last line.
    package var quiet: Duration
    /// A longer line is never held whole: it is streamed into a segment of its own.
    package var longLine: Int
    /// A longer line is withheld.
    package var maxLine: Int64
    /// Uncompressed bytes of a member, about.
    package var memberBytes: Int

    package init(
        maxBytes: Int = 8 << 20, maxLines: Int = 10_000, maxAge: Duration = .seconds(60), quiet: Duration = .seconds(5),
        longLine: Int = 8 << 20, maxLine: Int64 = 256 << 20, memberBytes: Int = 256 << 10
    ) {
        self.maxBytes = maxBytes
        self.maxLines = maxLines
        self.maxAge = maxAge
        self.quiet = quiet
        self.longLine = longLine
        self.maxLine = maxLine
        self.memberBytes = memberBytes
    }
}
