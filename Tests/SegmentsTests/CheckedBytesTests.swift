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
}
