package import Digests
package import Shared

/// Remembers the first and the last 1,024 raw bytes before a place in a source, for the marks by which that place is
/// recognised later.
///
/// A value: a pipeline takes `FileTail.marker` once and advances its own line by line, so that the marks of a segment
/// are of the very bytes that went into it, and not of what the file holds by then.
package struct SourceMarker: Sendable {
    package static let length = 1024

    /// The place: the next byte that was not passed.
    package private(set) var offset: Int64
    private var head: [UInt8]
    /// Ends with the bytes before `offset`; may hold up to twice as many as are needed.
    private var recent: [UInt8]

    /// The beginning of a source.
    package init() {
        offset = 0
        head = []
        recent = []
    }

    /// - Parameters:
    ///   - head: the first bytes of the source, `min(offset, 1024)` of them.
    ///   - tail: the bytes before `offset`, as many.
    init(offset: Int64, head: [UInt8], tail: [UInt8]) {
        self.offset = offset
        self.head = head
        recent = tail
    }

    /// Passes the next bytes of the source.
    package mutating func advance(over bytes: UnsafeRawBufferPointer) {
        offset += Int64(bytes.count)
        if head.count < Self.length { head.append(contentsOf: bytes.prefix(Self.length - head.count)) }
        if bytes.count >= Self.length {
            recent.removeAll(keepingCapacity: true)
            recent.append(contentsOf: bytes.suffix(Self.length))
        } else {
            recent.append(contentsOf: bytes)
            if recent.count > 2 * Self.length { recent.removeFirst(recent.count - Self.length) }
        }
    }

    package func marks(_ key: MachineKey) -> SourceMarks {
        guard offset > 0 else { return SourceMarks() }
        return SourceMarks(
            headLength: head.count, headMAC: head.withBytes { key.mac($0) }, tailLength: tailLength,
            tailMAC: withTail { key.mac($0) })
    }

    var tailLength: Int { min(recent.count, Self.length) }

    func withTail<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        recent.withBytes { body(UnsafeRawBufferPointer(rebasing: $0.suffix(Self.length))) }
    }
}
