import Compression
private import Digests
private import Glibc
package import Shared

/// Reads an object back: the lines as they were stored, piece by piece, in bounded memory.
///
/// Takes any object of the layout, however many members it has, and agent-uploader's: one member, or plain lines. Read
/// whole, an object is checked against every size and digest that the outline promises, before the last `next` returns
/// `nil`; of a part each member is checked by its own CRC (gzip, zstd), and the part's size by `members`.
///
///     var reader = try MemberReader(outline, object: file, lines: 120...130)
///     while let piece = try reader.next() { try out.write(piece) }
package struct MemberReader<Object: ObjectBytes & ~Copyable>: ~Copyable {
    private let outline: SegmentOutline
    private let object: Object
    private let wanted: ClosedRange<Int>?

    private var decompressor: StreamDecompressor
    private let input = Room(byteCount: 64 << 10)
    private let output = Room(byteCount: 256 << 10)
    /// What of `input` is not decompressed yet.
    private var waiting: Range<Int> = 0..<0
    /// The next byte to read from the object, and the end of the needed part.
    private var position: Int64
    private let end: Int64
    /// What the needed part decompresses to, if known.
    private let expected: Int64?
    private var produced: Int64 = 0
    private var line: Int
    private var finished = false
    private var checksum = RunningDigest()
    private var objectChecksum = RunningDigest()

    /// - Parameter lines: in the generation, 1-based; `nil`: the whole object, fully checked. Lines that are not in the
    ///   segment are left out, in silence.
    package init(
        _ outline: SegmentOutline, object: consuming Object, lines: ClosedRange<Int>? = nil
    ) throws(SegmentError) {
        let size = object.size
        if let stored = outline.storedBytes, stored != size {
            throw .damaged(outline.name, at: min(stored, size), "it has \(size) bytes instead of \(stored)")
        }
        do throws(StreamDecompressor.Failure) {
            decompressor = try StreamDecompressor(codec: outline.codec)
        } catch {
            throw SegmentError(.compression, error.message)
        }
        self.outline = outline
        self.object = object
        wanted = lines
        if let lines, let parts = outline.parts(for: lines), parts.object.upperBound <= size {
            position = parts.object.lowerBound
            end = parts.object.upperBound
            expected = parts.uncompressed.upperBound - parts.uncompressed.lowerBound
            line = parts.line
        } else {
            position = 0
            end = size
            expected = outline.bytes
            line = outline.firstLine
        }
        guard let lines else { return }
        finished = lines.upperBound < outline.firstLine || lines.lowerBound > outline.lastLine
    }

    /// The next bytes, valid until the next call; never empty.
    ///
    /// - Returns: `nil` when all was given and all that could be checked was right.
    package mutating func next() throws(SegmentError) -> UnsafeRawBufferPointer? {
        while !finished {
            if waiting.isEmpty, position < end { try fill() }
            let step = decompressor.step(
                UnsafeRawBufferPointer(rebasing: input.bytes[waiting]), into: output.bytes)
            waiting = waiting.lowerBound + step.consumed..<waiting.upperBound
            if let damage = step.damage { throw .damaged(outline.name, at: place, damage) }
            if step.produced > 0 {
                produced += Int64(step.produced)
                if let expected, produced > expected {
                    throw .damaged(outline.name, at: place, "it holds more than \(expected) bytes")
                }
                let piece = UnsafeRawBufferPointer(rebasing: output.bytes[..<step.produced])
                if wanted == nil {
                    checksum.update(piece)
                    return piece
                }
                let part = select(piece)
                if !part.isEmpty { return part }
            } else if waiting.isEmpty, position >= end {
                try check()
                finished = true
            } else if step.consumed == 0 {
                throw .damaged(outline.name, at: place, "its bytes mean nothing")
            }
        }
        return nil
    }

    /// Where in the object the decompressor is.
    private var place: Int64 { position - Int64(waiting.count) }

    private mutating func fill() throws(SegmentError) {
        let room = UnsafeMutableRawBufferPointer(
            rebasing: input.bytes.prefix(Int(min(Int64(input.bytes.count), end - position))))
        let count: Int
        do {
            count = try object.read(at: position, into: room)
        } catch {
            throw SegmentError.notRead(outline.name, at: position, error)
        }
        guard count > 0 else { throw .damaged(outline.name, at: position, "it ends before byte \(end)") }
        let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
        if wanted == nil { objectChecksum.update(bytes) }
        waiting = 0..<count
        position += Int64(count)
    }

    /// Leaves out what comes before and behind the wanted lines.
    private mutating func select(_ piece: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let wanted, let start = piece.baseAddress else { return piece }
        var from = 0
        var index = 0
        while index < piece.count, line <= wanted.upperBound {
            guard let hit = memchr(start + index, 0x0A, piece.count - index) else {
                index = piece.count
                if line < wanted.lowerBound { from = index }
                break
            }
            index = UnsafeRawPointer(hit) - start + 1
            line += 1
            if line <= wanted.lowerBound { from = index }
        }
        if line > wanted.upperBound { finished = true }
        return UnsafeRawBufferPointer(rebasing: piece[from..<index])
    }

    private func check() throws(SegmentError) {
        guard decompressor.isBetweenMembers else {
            throw .damaged(outline.name, at: end, "it ends inside a member")
        }
        if let expected, produced != expected {
            throw .damaged(outline.name, at: end, "it holds \(produced) bytes instead of \(expected)")
        }
        guard wanted == nil else { return }
        if let promised = outline.objectChecksum, objectChecksum.digest() != promised {
            throw .damaged(outline.name, at: 0, "the object is not \(promised)")
        }
        if let promised = outline.checksum, checksum.digest() != promised {
            throw .damaged(outline.name, at: 0, "its contents are not \(promised)")
        }
    }
}

/// Memory of one size. A class: optimised, a generic type that cannot be copied is taken apart by who specialises it,
/// its `deinit` left out (Swift 6.3), and 320 KiB were lost with each object that was read.
private final class Room {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 16) }

    deinit { bytes.deallocate() }
}
