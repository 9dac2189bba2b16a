private import CZstd

/// One zstd frame (RFC 8878) of bytes that are all there, as the body of a request.
package enum ZstdFrame {
    /// - Returns: `nil` when there is no memory.
    package static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        let frame = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { room, count in
            // 0 is the library's own level.
            let size = bytes.withUnsafeBytes {
                ZSTD_compress(room.baseAddress, room.count, $0.baseAddress, $0.count, 0)
            }
            count = ZSTD_isError(size) == 0 ? size : 0
        }
        return frame.isEmpty ? nil : frame
    }
}
