private import Glibc

/// Finds the lines in a reader's buffer. Pure: it remembers places, the caller has the bytes.
///
/// The buffer begins with the bytes that were not given out yet; more are read behind them. Each byte is searched once,
/// however often the reader comes back with a little more. A line over `longLine` bytes is never gathered: it is given out
/// in pieces as they come.
///
///     buffer "a\nbc"          → .line(0..<2), .needsMore(kept: 2..<4)
///     caller keeps "bc", reads "\nd", rebased():
///     buffer "bc\nd"          → .line(0..<3), .needsMore(kept: 3..<4)
package struct LineSplitter: Sendable {
    package enum Step: Hashable, Sendable {
        /// A whole line, with its `"\n"`.
        case line(Range<Int>)
        /// The next bytes of a long line; with its `"\n"` when it ends.
        case piece(Range<Int>, begins: Bool, ends: Bool)
        /// No further line ends here; the bytes in `kept` must be at the buffer's front when the next call is made.
        case needsMore(kept: Range<Int>)
    }

    private let longLine: Int
    private var taken = 0
    private var searched = 0
    /// A long line has begun and not ended.
    package private(set) var isInLongLine = false

    /// - Parameter longLine: the longest line that is given out whole, in bytes, with its `"\n"`.
    package init(longLine: Int) { self.longLine = longLine }

    package mutating func next(in buffer: UnsafeRawBufferPointer) -> Step {
        guard let start = buffer.baseAddress, searched < buffer.count else { return unfinished(buffer.count) }
        guard let hit = memchr(start + searched, 0x0A, buffer.count - searched) else {
            searched = buffer.count
            return unfinished(buffer.count)
        }
        let line = taken..<(UnsafeRawPointer(hit) - start + 1)
        taken = line.upperBound
        searched = line.upperBound
        guard isInLongLine || line.count > longLine else { return .line(line) }
        let begins = !isInLongLine
        isInLongLine = false
        return .piece(line, begins: begins, ends: true)
    }

    /// The caller has moved the kept bytes to the front of its buffer.
    package mutating func rebased() {
        searched -= taken
        taken = 0
    }

    /// Gives out what is left as the source's unterminated end: the whole of a partial line, or the last piece of a long one.
    package mutating func takeRest(in buffer: UnsafeRawBufferPointer) -> Range<Int> {
        let rest = taken..<buffer.count
        taken = buffer.count
        searched = buffer.count
        isInLongLine = false
        return rest
    }

    private mutating func unfinished(_ count: Int) -> Step {
        let rest = taken..<count
        guard !rest.isEmpty, isInLongLine || rest.count > longLine else { return .needsMore(kept: rest) }
        let begins = !isInLongLine
        isInLongLine = true
        taken = count
        return .piece(rest, begins: begins, ends: false)
    }
}
