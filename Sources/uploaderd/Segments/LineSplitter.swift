import Shared

/// Finds the line at the front of a reader's buffer. Pure: it remembers how far it has looked, the caller has the bytes.
///
/// Each byte is looked at once, however often the reader comes back with a little more behind the same beginning.
///
///     "a\nbc"   → 2         the caller takes the line, and says passed(2)
///     "bc"      → nil
///     "bc\nd"   → 3         only "\n" was looked at
package struct LineSplitter: Sendable {
    /// Bytes from the front in which there is no line end.
    private var searched = 0

    package init() {}

    /// - Parameter bytes: from the first byte that was not passed.
    /// - Returns: the length of the first line, its `"\n"` included; `nil` when its end is not there.
    package mutating func line(in bytes: UnsafeRawBufferPointer) -> Int? {
        if let length = bytes.firstNewline(from: searched) { return length }
        searched = bytes.count
        return nil
    }

    /// So many bytes at the front are gone: a line, or a part of one that is too long to be held.
    package mutating func passed(_ count: Int) { searched = max(0, searched - count) }
}
