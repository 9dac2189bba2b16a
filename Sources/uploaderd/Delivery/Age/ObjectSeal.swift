import Shared

/// What one object is encrypted with: the file's key, the nonce of its payload, and an ephemeral secret for each recipient.
///
/// Of an object with a final name all of it comes from a key of this machine, the name and the digest of the text: encrypted twice it
/// gives the same bytes, and another text gives another key. Of one that is replaced all of it is drawn.
struct ObjectSeal: Sendable {
    let fileKey: SecretBytes
    let nonce: [UInt8]
    private let root: SecretBytes

    private init(root: SecretBytes) {
        self.root = root
        fileKey = AgeCipher.derived(from: root, info: "file key".utf8, count: AgeCipher.fileKeySize)
        let nonce = AgeCipher.derived(from: root, info: "nonce".utf8, count: AgePayload.nonceSize)
        self.nonce = nonce.withBytes { Array($0) }
    }

    /// - Parameters:
    ///   - key: of this machine.
    ///   - size: of the text.
    init(of name: ObjectKey, _ digest: Digest256, size: Int64, _ key: MachineSeal) {
        // A name holds no NUL, and what follows has one length.
        let salt = Array("\(name)\0\(digest)\0\(size)".utf8)
        self.init(root: AgeCipher.derived(from: key.secret, salt: salt, info: "uploaderd object v1".utf8))
    }

    /// - Parameter random: cannot be foretold.
    init(random: any RandomSource) {
        self.init(
            root: SecretBytes(count: AgeCipher.keySize) { room in
                for place in stride(from: 0, to: room.count, by: 8) {
                    room.storeBytes(of: random.next(), toByteOffset: place, as: UInt64.self)
                }
            })
    }

    func secret(for recipient: AgeRecipient) -> SecretBytes {
        AgeCipher.derived(from: root, info: Array("ephemeral ".utf8) + recipient.point)
    }
}

/// A key of this machine, from which those of its objects come. Who has it and an object's text can make the object's key, and
/// nobody else.
package struct MachineSeal: Sendable {
    let secret: SecretBytes

    /// - Parameter secret: never leaves the machine.
    package init(_ secret: String) {
        self.secret = AgeCipher.derived(from: SecretBytes(Array(secret.utf8)), info: "uploaderd age objects v1".utf8)
    }
}
