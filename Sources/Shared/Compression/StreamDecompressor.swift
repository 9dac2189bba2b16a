private import CZlib
private import CZstd
package import Shared

/// Decompresses a sequence of members in bounded memory; each `step` takes what it can and gives what fits.
package struct StreamDecompressor: ~Copyable {
    package struct Step {
        package var consumed: Int
        package var produced: Int
        /// Not `nil`: what is wrong with the bytes.
        package var damage: String?
    }

    /// The library did not start: there is no memory.
    package struct Failure: Error {
        package var message: String
    }

    private let codec: Codec
    private let zlib: UnsafeMutablePointer<z_stream>?
    private let zstd: OpaquePointer?
    /// Nothing is begun that would need more bytes.
    package private(set) var isBetweenMembers = true

    /// - Parameter windowLog: the most that a zstd frame may want, in powers of two.
    package init(codec: Codec, windowLog: Int32 = 24) throws(Failure) {
        self.codec = codec
        switch codec {
        case .gzip:
            let state = ZlibState { inflateInit2_($0, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) }
            zlib = state.stream
            zstd = nil
            guard zlib != nil else { throw Failure(message: state.failure) }
        case .zstd:
            zlib = nil
            zstd = ZSTD_createDCtx()
            guard let zstd else { throw Failure(message: "no memory for a zstd decompressor") }
            // 24 is 16 MiB: twice what our highest level asks for; a frame that wants more is not ours.
            ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, windowLog)
        case .none:
            zlib = nil
            zstd = nil
        }
    }

    deinit {
        if let zlib {
            inflateEnd(zlib)
            zlib.deallocate()
        }
        if let zstd { ZSTD_freeDCtx(zstd) }
    }

    package mutating func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Step {
        switch codec {
        case .gzip: return stepZlib(input, output)
        case .zstd: return stepZstd(input, output)
        case .none:
            let count = min(input.count, output.count)
            output.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
            return Step(consumed: count, produced: count)
        }
    }

    private mutating func stepZlib(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) -> Step {
        guard let zlib else { return Step(consumed: 0, produced: 0) }
        // zlib does not write through next_in: zlib.h, "z_const".
        zlib.pointee.next_in = UnsafeMutablePointer(mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
        zlib.pointee.avail_in = UInt32(input.count)
        zlib.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        zlib.pointee.avail_out = UInt32(output.count)
        let status = inflate(zlib, Z_NO_FLUSH)
        var step = Step(
            consumed: input.count - Int(zlib.pointee.avail_in), produced: output.count - Int(zlib.pointee.avail_out))
        switch status {
        case Z_OK: isBetweenMembers = false
        case Z_STREAM_END:
            isBetweenMembers = true
            inflateReset(zlib)
        case Z_BUF_ERROR: break  // no progress was possible: zlib.h, "not fatal"
        default: step.damage = zlib.pointee.msg.map { String(cString: $0) } ?? "zlib code \(status)"
        }
        return step
    }

    private mutating func stepZstd(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) -> Step {
        guard let zstd else { return Step(consumed: 0, produced: 0) }
        var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let left = ZSTD_decompressStream(zstd, &to, &from)
        var step = Step(consumed: from.pos, produced: to.pos)
        if ZSTD_isError(left) != 0 {
            step.damage = String(cString: ZSTD_getErrorName(left))
        } else if step.consumed > 0 || step.produced > 0 {
            isBetweenMembers = left == 0
        }
        return step
    }
}
