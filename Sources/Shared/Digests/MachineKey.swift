package import Shared

/// The key of this machine's source marks: HMAC-SHA-256 (RFC 2104).
///
/// A plain digest of a few bytes of a source would let anyone who sees it guess a short secret in them; a keyed one does
/// not. The key comes from the machine id, so that it survives the loss of the state directory.
package struct MachineKey: Sendable {
    private let inner: RunningDigest
    private let outer: RunningDigest

    /// - Parameter bytes: of any length; one over 64 bytes counts by its digest, as in RFC 2104.
    package init(bytes: [UInt8]) {
        let key = bytes.count > 64 ? RunningDigest.digest(of: bytes).bytes : bytes
        func pad(_ byte: UInt8) -> RunningDigest {
            let block = (0..<64).map { ($0 < key.count ? key[$0] : 0) ^ byte }
            var digest = RunningDigest()
            block.withUnsafeBytes { digest.update($0) }
            return digest
        }
        inner = pad(0x36)
        outer = pad(0x5C)
    }

    package func mac(_ bytes: UnsafeRawBufferPointer) -> Digest256 {
        var message = inner
        message.update(bytes)
        var whole = outer
        message.digest().bytes.withUnsafeBytes { whole.update($0) }
        return whole.digest()
    }

    package func mac(_ bytes: [UInt8]) -> Digest256 { bytes.withUnsafeBytes { mac($0) } }

    /// The keyed digest of the 32 bytes of a digest: how long ranges are marked, without a pass of their own.
    package func mac(of digest: Digest256) -> Digest256 { mac(digest.bytes) }

    /// - Parameter fromMachineID: the text of machine-id(5); only this derivation of it ever leaves the machine.
    package static func derived(fromMachineID id: String) -> MachineKey {
        MachineKey(bytes: MachineKey(bytes: Array(id.utf8)).mac(Array("uploaderd source marks v1".utf8)).bytes)
    }
}
