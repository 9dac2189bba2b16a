package import Shared

/// The key of this machine's source marks.
///
/// A plain digest of a few bytes of a source would let anyone who sees it guess a short secret in them; a keyed one does
/// not. The key comes from the machine id, so that it survives the loss of the state directory.
package struct MachineKey: Sendable {
    private let key: [UInt8]

    /// - Parameter bytes: of any length.
    package init(bytes: [UInt8]) { key = bytes }

    package func mac(_ bytes: UnsafeRawBufferPointer) -> Digest256 { KeyedDigest.mac(bytes, key: key) }

    package func mac(_ bytes: [UInt8]) -> Digest256 { bytes.withUnsafeBytes { mac($0) } }

    /// The keyed digest of the 32 bytes of a digest: how long ranges are marked, without a pass of their own.
    package func mac(of digest: Digest256) -> Digest256 { mac(digest.bytes) }

    /// - Parameter fromMachineID: the text of machine-id(5); only this derivation of it ever leaves the machine.
    package static func derived(fromMachineID id: String) -> MachineKey {
        MachineKey(bytes: MachineKey(bytes: Array(id.utf8)).mac(Array("uploaderd source marks v1".utf8)).bytes)
    }
}
