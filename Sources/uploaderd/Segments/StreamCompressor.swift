private import CZlib
private import CZstd
import Compression
package import Shared

/// Compresses one member of any length in bounded memory: pieces in, pieces out.
///
/// - gzip: one RFC 1952 member with the usual 32 KiB window, so that any tool reads it; no name, no time.
/// - zstd: one frame with a checksum; its window is the level's, at most 8 MiB.
/// - none: the pieces themselves.
package struct StreamCompressor: ~Copyable {
    private let codec: Codec
    private let zlib: UnsafeMutablePointer<z_stream>?
    private let zstd: OpaquePointer?
    private let room: UnsafeMutableRawBufferPointer

    package init(codec: Codec, level: Int) throws(SegmentError) {
        self.codec = codec
        switch codec {
        case .gzip:
            // 15 + 16: the largest window, with a gzip header and trailer.
            let state = ZlibState {
                deflateInit2_(
                    $0, Int32(min(max(level, 1), 9)), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                    Int32(MemoryLayout<z_stream>.size))
            }
            zlib = state.stream
            zstd = nil
            guard zlib != nil else { throw SegmentError(.compression, state.failure) }
        case .zstd:
            zlib = nil
            zstd = ZSTD_createCCtx()
            guard let zstd else { throw SegmentError(.compression, "no memory for a zstd compressor") }
            ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, Int32(min(max(level, 1), 19)))
            ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1)
        case .none:
            zlib = nil
            zstd = nil
        }
        room = .allocate(byteCount: 64 << 10, alignment: 16)
    }

    deinit {
        if let zlib {
            deflateEnd(zlib)
            zlib.deallocate()
        }
        if let zstd { ZSTD_freeCCtx(zstd) }
        room.deallocate()
    }

    /// - Parameter ends: no more will come; the member is completed.
    package mutating func feed(
        _ bytes: UnsafeRawBufferPointer, ends: Bool, _ out: (UnsafeRawBufferPointer) throws(SegmentError) -> Void
    ) throws(SegmentError) {
        switch codec {
        case .gzip: try feedZlib(bytes, ends, out)
        case .zstd: try feedZstd(bytes, ends, out)
        case .none: if !bytes.isEmpty { try out(bytes) }
        }
    }

    private func feedZlib(
        _ bytes: UnsafeRawBufferPointer, _ ends: Bool, _ out: (UnsafeRawBufferPointer) throws(SegmentError) -> Void
    ) throws(SegmentError) {
        guard let zlib else { return }
        var rest = bytes
        repeat {
            // avail_in has 32 bits.
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
            // zlib does not write through next_in: zlib.h, "z_const".
            zlib.pointee.next_in = UnsafeMutablePointer(mutating: part.assumingMemoryBound(to: UInt8.self).baseAddress)
            zlib.pointee.avail_in = UInt32(part.count)
            let flush = ends && rest.isEmpty ? Z_FINISH : Z_NO_FLUSH
            var status = Z_OK
            repeat {
                zlib.pointee.next_out = room.assumingMemoryBound(to: UInt8.self).baseAddress
                zlib.pointee.avail_out = UInt32(room.count)
                status = deflate(zlib, flush)
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                    throw SegmentError(.compression, "zlib failed: code \(status)")
                }
                let size = room.count - Int(zlib.pointee.avail_out)
                if size > 0 { try out(UnsafeRawBufferPointer(rebasing: room[..<size])) }
            } while zlib.pointee.avail_out == 0 || (flush == Z_FINISH && status != Z_STREAM_END)
        } while !rest.isEmpty
    }

    private func feedZstd(
        _ bytes: UnsafeRawBufferPointer, _ ends: Bool, _ out: (UnsafeRawBufferPointer) throws(SegmentError) -> Void
    ) throws(SegmentError) {
        guard let zstd else { return }
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        while true {
            var output = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
            let left = ZSTD_compressStream2(zstd, &output, &input, ends ? ZSTD_e_end : ZSTD_e_continue)
            guard ZSTD_isError(left) == 0 else {
                throw SegmentError(.compression, "zstd failed: \(String(cString: ZSTD_getErrorName(left)))")
            }
            if output.pos > 0 { try out(UnsafeRawBufferPointer(rebasing: room[..<output.pos])) }
            if ends ? left == 0 : input.pos == input.size { return }
        }
    }
}
