package import Shared

/// A secret key that opens what is encrypted to its recipient.
package struct AgeIdentity: Sendable {
    private let secret: SecretBytes
    package let recipient: AgeRecipient

    /// - Parameter secret: 32 bytes.
    package init(_ secret: some Collection<UInt8>) {
        self.secret = SecretBytes(secret)
        recipient = AgeRecipient(point: AgeCipher.point(of: self.secret))
    }

    /// - Parameter share: the sender's ephemeral point, 32 bytes.
    /// - Returns: the file's key; `nil`: the stanza is somebody else's.
    /// - Throws: `header` for a point of low order, which no honest sender has.
    func opened(_ body: [UInt8], _ share: [UInt8]) throws(AgeFault) -> SecretBytes? {
        guard let wrap = AgeHeader.wrapKey(secret, share, share: share, recipient: recipient.point) else {
            throw .header("has a share that is no key")
        }
        var key = [UInt8](repeating: 0, count: AgeCipher.fileKeySize)
        defer { SecretBytes.wipe(&key) }
        let isOurs = key.withUnsafeMutableBytes { room in
            body.withUnsafeBytes { AgeCipher.open($0, wrap, nonce: AgeHeader.noNonce, into: room) }
        }
        return isOurs ? SecretBytes(key) : nil
    }

    func isSame(as other: AgeIdentity) -> Bool { secret.isSame(as: other.secret) }
}
