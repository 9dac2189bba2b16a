import Segments
import Shared

/// Raw bytes between a source and the redactor: whole lines leave at the front, reads go in at the back.
///
/// Memory of its own, at one address while lines of it are looked at; grows to what the longest held line needs, and is
/// given back by `shrink`.
struct LineBuffer: ~Copyable {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var start = 0
    private var end = 0
    private var splitter = LineSplitter()

    deinit { memory.deallocate() }

    var count: Int { end - start }
    var isEmpty: Bool { start == end }

    /// What is held, from the first byte of the next line.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[start..<end]) }

    /// Room for a read of `size` bytes.
    mutating func room(_ size: Int) -> UnsafeMutableRawBufferPointer {
        if memory.count - end < size {
            if start > 0, memory.count - count >= size {
                memory.copyMemory(from: bytes)
            } else {
                let grown = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: max(memory.count * 2, count + size), alignment: 64)
                grown.copyMemory(from: bytes)
                memory.deallocate()
                memory = grown
            }
            end -= start
            start = 0
        }
        return UnsafeMutableRawBufferPointer(rebasing: memory[end..<end + size])
    }

    /// `count` bytes were read into the room.
    mutating func fill(_ count: Int) { end += count }

    /// The next line with its end, if it is whole. It stays until `drop`.
    mutating func nextLine() -> UnsafeRawBufferPointer? {
        let held = bytes
        guard let length = splitter.line(in: held) else { return nil }
        return UnsafeRawBufferPointer(rebasing: held[..<length])
    }

    mutating func drop(_ count: Int) {
        start += count
        splitter.passed(count)
        if start == end { (start, end) = (0, 0) }
    }

    /// Gives the memory back that what is held does not need.
    mutating func shrink() {
        guard memory.count > 2 * count else { return }
        var small = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        if !isEmpty {
            small = .allocate(byteCount: count, alignment: 64)
            small.copyMemory(from: bytes)
        }
        memory.deallocate()
        memory = small
        (start, end) = (0, count)
    }
}
