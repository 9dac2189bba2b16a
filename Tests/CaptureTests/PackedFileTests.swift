import Glibc
import LinuxSystem
import Testing

@testable import Capture

@Suite("A compressed source")
struct PackedFileTests {
    /// `{"n":1}` and a line feed, as `zstd --no-check` writes it.
    private static let line: [UInt8] = [
        0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58, 0x41, 0x00, 0x00, 0x7B, 0x22, 0x6E, 0x22, 0x3A, 0x31, 0x7D, 0x0A,
    ]

    /// A frame that is to be skipped (RFC 8878, 3.1.2), and a line behind it; what it skips is a hole in the file.
    private func file(skipping count: UInt32, times: Int, in scratch: Scratch) throws -> PackedFile {
        let path = scratch["packed.zst"]
        let number = Glibc.open(path, O_WRONLY | O_CREAT, 0o600)
        try #require(number >= 0)
        defer { close(number) }
        var size = 0
        func add(_ bytes: [UInt8]) {
            #expect(pwrite(number, bytes, bytes.count, size) == bytes.count)
            size += bytes.count
        }
        for _ in 0..<times {
            add([0x50, 0x2A, 0x4D, 0x18] + withUnsafeBytes(of: count.littleEndian) { Array($0) })
            size += Int(count)
        }
        add(Self.line)
        return try PackedFile(try Descriptor.open(path, [.readOnly]))
    }

    @Test("is read behind frames that hold nothing of it")
    func skipped() throws {
        let scratch = try Scratch()
        let packed = try file(skipping: 1 << 20, times: 3, in: scratch)
        var room = [UInt8](repeating: 0, count: 100)
        let count = try room.withUnsafeMutableBytes { try packed.readFully(into: $0, at: 0) }
        #expect(String(decoding: room[..<count], as: UTF8.self) == "{\"n\":1}\n")
        #expect(try packed.size() == 8)
    }

    @Test("is not looked through for minutes when there is nothing in it")
    func barren() throws {
        let scratch = try Scratch()
        let packed = try file(skipping: .max, times: 1000, in: scratch)
        let error = #expect(throws: SystemError.self) { try packed.size() }
        #expect(error?.code == EFBIG)
    }
}
