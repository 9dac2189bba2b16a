package import Shared

/// An age v1 file (C2SP age.md): a header that says who can read it, then the text in chunks. This is the whole of it; `AgeHeader` and
/// `AgePayload` are its parts.
package enum AgeFile {
    /// - Returns: its text, decrypted as it is read.
    /// - Throws: `AgeFault`; what reading `object` throws.
    package static func text(
        of object: any ObjectBytes & Sendable, _ identities: [AgeIdentity]
    ) throws -> any ObjectBytes & Sendable {
        try text(of: object) { header throws(AgeFault) in try header.fileKey(identities) }
    }

    static func text(of object: any ObjectBytes & Sendable, _ fileKey: AgeOpening.FileKey) throws -> DecryptedBytes {
        let opening = try AgeOpening(object, fileKey)
        return try DecryptedBytes(object, from: opening.front, opening.key)
    }

    /// - Parameter random: cannot be foretold.
    /// - Returns: a file, made as it is read.
    package static func bytes(
        of text: any ObjectBytes & Sendable, to recipients: [AgeRecipient], random: any RandomSource
    ) throws -> any ObjectBytes & Sendable {
        try EncryptedBytes(text, expecting: nil, ObjectSeal(random: random), to: recipients)
    }
}

/// What opens the text behind a header: where its chunks begin, and their key.
struct AgeOpening: Sendable {
    typealias FileKey = @Sendable (AgeHeader) throws(AgeFault) -> SecretBytes

    /// Of the header and the nonce, in bytes.
    let front: Int64
    let key: SecretBytes

    /// - Parameter object: its first bytes: the longest header and 16 more, or all there are.
    init(_ object: any ObjectBytes & Sendable, _ fileKey: FileKey) throws {
        let longest = Int64(AgeHeader.longest + AgePayload.nonceSize)
        var bytes = [UInt8](repeating: 0, count: Int(min(object.size, longest)))
        try bytes.withUnsafeMutableBytes { try object.readWhole(at: 0, into: $0) }
        let header = try AgeHeader(bytes)
        let secret = try fileKey(header)
        let nonce = Array(bytes.dropFirst(header.size).prefix(AgePayload.nonceSize))
        guard nonce.count == AgePayload.nonceSize else { throw AgeFault.header("is followed by no nonce") }
        front = Int64(header.size + nonce.count)
        key = AgePayload.key(secret, nonce: nonce)
    }
}
