private import CCrypto
package import Shared

/// The key of this machine's source marks: HMAC-SHA-256 (RFC 2104).
///
/// A plain digest of a few bytes of a source would let anyone who sees it guess a short secret in them; a keyed one does
/// not. The key comes from the machine id, so that it survives the loss of the state directory.
package struct MachineKey: Sendable {
    private let key: [UInt8]

    /// - Parameter bytes: of any length.
    package init(bytes: [UInt8]) { key = bytes }

    package func mac(_ bytes: UnsafeRawBufferPointer) -> Digest256 {
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

    package func mac(_ bytes: [UInt8]) -> Digest256 { bytes.withUnsafeBytes { mac($0) } }

    /// The keyed digest of the 32 bytes of a digest: how long ranges are marked, without a pass of their own.
    package func mac(of digest: Digest256) -> Digest256 { mac(digest.bytes) }

    /// - Parameter fromMachineID: the text of machine-id(5); only this derivation of it ever leaves the machine.
    package static func derived(fromMachineID id: String) -> MachineKey {
        MachineKey(bytes: MachineKey(bytes: Array(id.utf8)).mac(Array("uploaderd source marks v1".utf8)).bytes)
    }
}
