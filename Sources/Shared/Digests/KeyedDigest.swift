private import CCrypto
package import Shared

/// HMAC-SHA-256 (RFC 2104).
package enum KeyedDigest {
    /// - Parameter key: of any length.
    package static func mac(_ bytes: UnsafeRawBufferPointer, key: [UInt8]) -> Digest256 {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { out in
            let place = out.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let message = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var length: UInt32 = 0
            // nil only when there is no memory, or no SHA-256: HMAC(3).
            let made = HMAC(EVP_sha256(), key, Int32(key.count), message, bytes.count, place, &length)
            guard made != nil, length == 32, let mac = Digest256(bytes: UnsafeRawBufferPointer(out)) else {
                preconditionFailure("HMAC-SHA-256 is 32 bytes long")
            }
            return mac
        }
    }
}
