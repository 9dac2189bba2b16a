import Shared

/// A range of an object that came whole, clamped to it.
struct ObjectSlice: ObjectBytes, Sendable {
    private let object: any ObjectBytes & Sendable
    private let start: Int64
    let size: Int64

    init(_ object: any ObjectBytes & Sendable, _ range: Range<Int64>) {
        self.object = object
        start = min(range.lowerBound, object.size)
        size = max(0, min(range.upperBound, object.size) - start)
    }

    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let length = Int(min(Int64(room.count), size - offset))
        return try object.read(at: start + offset, into: UnsafeMutableRawBufferPointer(rebasing: room[..<length]))
    }
}
