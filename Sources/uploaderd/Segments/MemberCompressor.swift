private import CDeflate
private import CZstd
package import Shared
private import Synchronization

/// Compresses whole members. Equal input, level and library give equal bytes: no name, no time, no threads.
///
/// - gzip: RFC 1952, header `1f 8b 08 00 00000000 xx ff`, deflate by libdeflate, CRC-32 and size.
/// - zstd: RFC 8878, one frame with its content size and checksum.
/// - none: the bytes themselves.
final class MemberCompressor {
    private let codec: Codec
    private let deflate: OpaquePointer?
    private let zstd: OpaquePointer?

    init(codec: Codec, level: Int) throws(SegmentError) {
        self.codec = codec
        switch codec {
        case .gzip:
            deflate = libdeflate_alloc_compressor(Int32(min(max(level, 1), 12)))
            zstd = nil
            guard deflate != nil else { throw SegmentError(.compression, "no memory for a gzip compressor") }
        case .zstd:
            deflate = nil
            zstd = ZSTD_createCCtx()
            guard let zstd else { throw SegmentError(.compression, "no memory for a zstd compressor") }
            ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, Int32(min(max(level, 1), 19)))
            ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1)
        case .none:
            deflate = nil
            zstd = nil
        }
    }

    deinit {
        if let deflate { libdeflate_free_compressor(deflate) }
        if let zstd { ZSTD_freeCCtx(zstd) }
    }

    /// Appends one member to `object`.
    func compress(_ bytes: UnsafeRawBufferPointer, into object: inout RawBuffer) throws(SegmentError) {
        var failure: String?
        switch codec {
        case .gzip:
            object.append(room: libdeflate_gzip_compress_bound(deflate, bytes.count)) { room in
                let size = libdeflate_gzip_compress(
                    deflate, bytes.baseAddress, bytes.count, room.baseAddress, room.count)
                if size == 0 { failure = "gzip does not fit its bound" }
                return size
            }
        case .zstd:
            object.append(room: ZSTD_compressBound(bytes.count)) { room in
                let size = ZSTD_compress2(zstd, room.baseAddress, room.count, bytes.baseAddress, bytes.count)
                guard ZSTD_isError(size) == 0 else {
                    failure = String(cString: ZSTD_getErrorName(size))
                    return 0
                }
                return size
            }
        case .none: object.append(bytes)
        }
        if let failure { throw SegmentError(.compression, "could not compress \(bytes.count) bytes: \(failure)") }
    }
}

/// Compressors that wait for work: making one costs about half a megabyte, using one again costs nothing.
///
/// One for all pipelines. A growing segment borrows a compressor only while a member is closed, so 2,000 open segments
/// need no more of them than there are lanes.
package final class CompressorPool: Sendable {
    package let codec: Codec
    package let level: Int
    private let kept: Int
    private let idle = Mutex<[Loan]>([])

    /// Sendable, proof: a compressor is in the list, or in the hands of the one thread that took it out; never both.
    private struct Loan: @unchecked Sendable {
        let compressor: MemberCompressor
    }

    /// - Parameters:
    ///   - level: 1–12 for gzip, 1–19 for zstd; others count as the nearest.
    ///   - keeping: at most this many idle ones; the number of lanes is enough.
    package init(codec: Codec, level: Int = 6, keeping kept: Int = 4) {
        self.codec = codec
        self.level = level
        self.kept = kept
    }

    func compress(_ bytes: UnsafeRawBufferPointer, into object: inout RawBuffer) throws(SegmentError) {
        let waiting = idle.withLock { $0.popLast() }
        let loan: Loan
        if let waiting {
            loan = waiting
        } else {
            loan = Loan(compressor: try MemberCompressor(codec: codec, level: level))
        }
        try loan.compressor.compress(bytes, into: &object)
        idle.withLock { if $0.count < kept { $0.append(loan) } }
    }
}
