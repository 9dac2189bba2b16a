/// Bytes that grow at the end, without a class, a reference count or zeroing: the byte path's array.
struct RawBuffer: ~Copyable {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    init() {}

    deinit { memory.deallocate() }

    var capacity: Int { memory.count }
    var isEmpty: Bool { count == 0 }

    /// Valid until the next change.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        reserve(bytes.count)
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    /// Lets `body` write up to `room` bytes behind the last; it returns how many it wrote.
    mutating func append(room: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(room)
        count += body(UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + room]))
    }

    /// Forgets the bytes and keeps the memory.
    mutating func removeAll() { count = 0 }

    private mutating func reserve(_ more: Int) {
        guard count + more > memory.count else { return }
        let size = max(count + more, memory.count * 2, 4096)
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        larger.copyMemory(from: bytes)
        memory.deallocate()
        memory = larger
    }
}
