import Digests
import Shared
import Testing

@testable import Segments

@Suite("An object that is checked while it is read")
struct CheckedBytesTests {
    private static let content = [UInt8]((0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) })

    private static func record(of bytes: [UInt8]) throws -> SegmentRecord {
        var record = try sealed(Array("{}\n".utf8), at: try start()).record
        record.storedBytes = Int64(bytes.count)
        record.objectChecksum = RunningDigest.digest(of: bytes)
        return record
    }

    /// Reads it as a put does.
    private static func readAll(_ object: CheckedBytes, piece: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        var room = [UInt8](repeating: 0, count: piece)
        while Int64(all.count) < object.size {
            let offset = Int64(all.count)
            let count = try room.withUnsafeMutableBytes { try object.read(at: offset, into: $0) }
            all += room[..<count]
        }
        return all
    }

    @Test(
        "gives every byte of one that is what its record says, and again from the front",
        arguments: [1, 333, 1000, 4096])
    func whole(piece: Int) throws {
        let object = try CheckedBytes(MemoryObject(Self.content), of: try Self.record(of: Self.content))
        #expect(try Self.readAll(object, piece: piece) == Self.content)
        #expect(try Self.readAll(object, piece: 7) == Self.content)
        #expect(object.fault == nil)
    }

    @Test("refuses the last byte of one that is not, so that nobody ever has all of it", arguments: [0, 500, 999])
    func damaged(at index: Int) throws {
        var bytes = Self.content
        bytes[index] ^= 1
        let object = try CheckedBytes(MemoryObject(bytes), of: try Self.record(of: Self.content))
        let error = #expect(throws: SegmentError.self) { try Self.readAll(object, piece: 250) }
        #expect(error?.code == .damaged)
        #expect((object.fault as? SegmentError)?.code == .damaged)
    }

    @Test("is not begun when it has another size")
    func size() throws {
        let record = try Self.record(of: Self.content)
        let error = #expect(throws: SegmentError.self) {
            try CheckedBytes(MemoryObject(Array(Self.content.dropLast())), of: record)
        }
        #expect(error?.code == .damaged)
    }

    @Test("says when it is read in another order, which would leave bytes unchecked")
    func order() throws {
        let object = try CheckedBytes(MemoryObject(Self.content), of: try Self.record(of: Self.content))
        var room = [UInt8](repeating: 0, count: 10)
        #expect(throws: SegmentError.self) { try room.withUnsafeMutableBytes { try object.read(at: 20, into: $0) } }
        #expect(object.fault != nil)
    }

    /// An object that is not as long as it says.
    private struct Short: ObjectBytes {
        var size: Int64 { Int64(CheckedBytesTests.content.count) }

        func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
            MemoryObject(Array(CheckedBytesTests.content.dropLast(10))).read(at: offset, into: room)
        }
    }

    private struct Unreadable: ObjectBytes {
        struct Fault: Error {}
        var size: Int64 { Int64(CheckedBytesTests.content.count) }

        func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int { throw Fault() }
    }

    @Test("is required whole by an outline: another size, another byte, an early end are damage, a failed read is none")
    func required() throws {
        let outline = SegmentOutline(try Self.record(of: Self.content))
        try outline.requireWhole(MemoryObject(Self.content))
        try SegmentOutline(try Self.record(of: [])).requireWhole(MemoryObject([]))
        var other = Self.content
        other[999] ^= 1
        for object: any ObjectBytes & Sendable in [
            MemoryObject(other), MemoryObject(Array(other.dropLast())), MemoryObject([]), Short(),
        ] {
            let error = #expect(throws: SegmentError.self) { try outline.requireWhole(object) }
            #expect(error?.code == .damaged)
        }
        var empty = SegmentOutline(try Self.record(of: []))
        empty.objectChecksum = outline.objectChecksum
        let error = #expect(throws: SegmentError.self) { try empty.requireWhole(MemoryObject([])) }
        #expect(error?.code == .damaged)
        let unreadable = #expect(throws: SegmentError.self) { try outline.requireWhole(Unreadable()) }
        #expect(unreadable?.code == .unreadable && unreadable?.cause is Unreadable.Fault)
    }
}
