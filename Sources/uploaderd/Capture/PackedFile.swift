import Compression
import Glibc
import LinuxSystem
import Shared

/// The uncompressed bytes of a zstd file, by their offsets, in bounded memory: Codex compresses sessions that are cold.
///
/// Read forwards it decompresses once; whoever goes back further than the window makes it begin anew. Blocks as the disk does.
final class PackedFile {
    /// What a source's path gets when it is compressed.
    static let suffix = ".zst"
    /// What failed, in a `SystemError` of ours: EBADMSG for bytes that are no whole zstd.
    static let operation = "zstd"

    /// Kept before the last read, so that the bytes before a cursor can be compared again.
    private static let behind: Int64 = 64 << 10
    private static let step = 256 << 10
    /// 128 MiB, as zstd itself takes: a larger window is asked for with --long only.
    private static let windowLog: Int32 = 27
    /// Of uncompressed bytes: a few megabytes may say that they are terabytes, for which a lane would be busy for minutes.
    private static let longest: Int64 = 32 << 30
    /// Of compressed bytes that give none: frames to be skipped may say of themselves how long they are, in a file with holes.
    private static let mostBarren: Int64 = 64 << 20

    private let file: Descriptor
    private var decompressor: StreamDecompressor
    /// Of the compressed bytes.
    private var input: [UInt8] = []
    private var inputOffset: Int64 = 0
    /// The bytes from `start` on that were decompressed last.
    private var window: [UInt8] = []
    private var start: Int64 = 0
    private var known: Int64?

    init(_ file: consuming Descriptor) throws(SystemError) {
        decompressor = try Self.begun()
        self.file = file
    }

    private static func begun() throws(SystemError) -> StreamDecompressor {
        do throws(StreamDecompressor.Failure) {
            return try StreamDecompressor(codec: .zstd, windowLog: windowLog)
        } catch {
            throw SystemError(operation, code: ENOMEM)
        }
    }

    /// Of the uncompressed bytes. A cold file does not change: where one does, its inode is another one.
    func size() throws(SystemError) -> Int64 {
        if let known { return known }
        while try decompress() { forget(before: start + Int64(window.count)) }
        let size = start + Int64(window.count)
        known = size
        return size
    }

    /// Fills the whole buffer from `offset`, or stops at the end.
    func readFully(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        if offset < start {
            decompressor = try Self.begun()
            input = []
            inputOffset = 0
            window = []
            start = 0
        }
        let end = offset + Int64(buffer.count)
        while start + Int64(window.count) < end {
            forget(before: offset - Self.behind)
            guard try decompress() else { break }
        }
        let from = Int(offset - start)
        guard from < window.count else { return 0 }
        let count = min(buffer.count, window.count - from)
        window.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[from..<from + count])) }
        return count
    }

    private func forget(before offset: Int64) {
        let count = min(Int(max(0, offset - start)), window.count)
        // Taking from the front moves the rest: only now and then.
        guard count >= Self.step else { return }
        window.removeFirst(count)
        start += Int64(count)
    }

    /// - Returns: whether there was anything more.
    ///
    /// - Throws: EBADMSG; EFBIG behind `longest`, of either kind of bytes, and `mostBarren`.
    private func decompress() throws(SystemError) -> Bool {
        guard max(start + Int64(window.count), inputOffset) <= Self.longest else {
            throw SystemError(Self.operation, code: EFBIG)
        }
        let begun = inputOffset
        while true {
            if input.isEmpty {
                guard inputOffset - begun <= Self.mostBarren else { throw SystemError(Self.operation, code: EFBIG) }
                var chunk = [UInt8](repeating: 0, count: Self.step)
                let count = try chunk.withMutableBytes { (bytes) throws(SystemError) in
                    try file.readFully(into: bytes, at: inputOffset)
                }
                chunk.removeLast(chunk.count - count)
                inputOffset += Int64(count)
                input = chunk
            }
            var output = [UInt8](repeating: 0, count: Self.step)
            let wasEmpty = input.isEmpty
            let step = input.withUnsafeBytes { input in
                output.withUnsafeMutableBytes { decompressor.step(input, into: $0) }
            }
            input.removeFirst(step.consumed)
            guard step.damage == nil else { throw SystemError(Self.operation, code: EBADMSG) }
            if step.produced > 0 {
                window += output[..<step.produced]
                return true
            }
            if wasEmpty {
                // Cut off inside a frame: it is not all there yet, or never will be.
                guard decompressor.isBetweenMembers else { throw SystemError(Self.operation, code: EBADMSG) }
                return false
            }
        }
    }
}
