import Shared

/// The header of an age v1 file (C2SP age.md, "Header"): who can read it.
///
///     age-encryption.org/v1
///     -> X25519 XEl0dJ6y3C7KZkgmgWUicg63EyXJiwBJW8PdYJ/cYBE
///     qRS0AMjdjPvZ/WT08U2KL4G+PIooA3hy38SvLpvaC1E
///     --- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s
///
/// A stanza is `-> ` and words, then base64 in lines of 64, the last one shorter and maybe empty. Behind `--- ` is an HMAC over all
/// that comes before that space, with a key from the file's. Valid: exactly this, base64 as RFC 4648 has it and without padding, at
/// least one stanza, at most 64 KiB.
struct AgeHeader: Sendable {
    struct Stanza: Sendable {
        var words: [String]
        var body: [UInt8]
    }

    let stanzas: [Stanza]
    /// In bytes, with its last line's end.
    let size: Int
    /// What the HMAC is of.
    private let signed: [UInt8]
    private let mac: [UInt8]

    /// In bytes.
    static let longest = 64 << 10
    private static let firstLine = "age-encryption.org/v1"
    private static let kind = "X25519"
    private static let column = 64

    // MARK: Reading

    /// - Parameters:
    ///   - bytes: the file's first ones: `longest` of them, or all there are.
    /// - Throws: `header`.
    init(_ bytes: some Collection<UInt8>) throws(AgeFault) {
        let bytes = Array(bytes.prefix(Self.longest))
        var end = 0
        func line() throws(AgeFault) -> ArraySlice<UInt8> {
            guard let feed = bytes[end...].firstIndex(of: 0x0A) else { throw .header("has no end") }
            defer { end = feed + 1 }
            return bytes[end..<feed]
        }
        guard try line().elementsEqual(Self.firstLine.utf8) else { throw .header("is not one of version 1") }
        var stanzas: [Stanza] = []
        var next = try line()
        while next.starts(with: Array("-> ".utf8)) {
            let words = next.dropFirst(3).split(separator: 0x20, omittingEmptySubsequences: false)
            guard words.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (0x21...0x7E).contains($0) } }) else {
                throw .header("has a stanza whose words are none")
            }
            var body: [UInt8] = []
            var row: ArraySlice<UInt8>
            repeat {
                row = try line()
                guard row.count <= Self.column, let part = AgeBase64.bytes(of: row) else {
                    throw .header("has a stanza whose body is no base64")
                }
                body += part
            } while row.count == Self.column
            stanzas.append(Stanza(words: words.map { String(decoding: $0, as: UTF8.self) }, body: body))
            next = try line()
        }
        guard !stanzas.isEmpty else { throw .header("has no stanza") }
        // Who knows a passphrase could have made the file: it promises something else than keys do.
        guard stanzas.count == 1 || !stanzas.contains(where: { $0.words[0] == "scrypt" }) else {
            throw .header("has a passphrase beside other stanzas")
        }
        guard next.starts(with: Array("--- ".utf8)), let mac = AgeBase64.bytes(of: next.dropFirst(4)), mac.count == 32
        else { throw .header("ends without its HMAC") }
        self.stanzas = stanzas
        self.mac = mac
        size = end
        signed = Array(bytes[..<(next.startIndex + 3)])
    }

    /// The key of the file.
    ///
    /// - Throws: `header`, `notForUs`, `forged`.
    func fileKey(_ identities: [AgeIdentity]) throws(AgeFault) -> SecretBytes {
        for stanza in stanzas where stanza.words[0] == Self.kind {
            guard stanza.words.count == 2, let share = AgeBase64.bytes(of: Array(stanza.words[1].utf8)),
                share.count == AgeCipher.keySize, stanza.body.count == AgeCipher.fileKeySize + AgeCipher.tagSize
            else { throw .header("has a malformed stanza") }
            for identity in identities {
                guard let key = try identity.opened(stanza.body, share) else { continue }
                guard isOf(key) else { throw .forged }
                return key
            }
        }
        throw .notForUs
    }

    /// Whether this is the file's key, and the header as its maker left it.
    func isOf(_ fileKey: SecretBytes) -> Bool { AgeCipher.isSame(mac, Self.mac(signed, fileKey)) }

    // MARK: Writing

    /// - Parameter secret: makes the ephemeral secret for one recipient; of one file and one recipient always another.
    /// - Throws: the recipient that nothing can be encrypted to: a point of low order.
    static func bytes(
        _ fileKey: SecretBytes, to recipients: [AgeRecipient], secret: (AgeRecipient) -> SecretBytes
    ) throws(UnusableRecipient) -> [UInt8] {
        var text = Array("\(firstLine)\n".utf8)
        for recipient in recipients {
            let secret = secret(recipient)
            let share = AgeCipher.point(of: secret)
            guard let wrap = wrapKey(secret, recipient.point, share: share, recipient: recipient.point) else {
                throw UnusableRecipient(recipient: recipient)
            }
            var body = [UInt8](repeating: 0, count: AgeCipher.fileKeySize + AgeCipher.tagSize)
            body.withUnsafeMutableBytes { room in
                fileKey.withBytes { AgeCipher.seal($0, wrap, nonce: noNonce, into: room) }
            }
            // 43 letters: less than a line.
            text += Array("-> \(kind) \(AgeBase64.text(of: share))\n\(AgeBase64.text(of: body))\n".utf8)
        }
        text += Array("---".utf8)
        return text + Array(" \(AgeBase64.text(of: mac(text, fileKey)))\n".utf8)
    }

    struct UnusableRecipient: Error {
        let recipient: AgeRecipient
    }

    static let noNonce = [UInt8](repeating: 0, count: 12)

    /// What the file's key is wrapped with.
    ///
    /// - Returns: `nil` for a point of low order.
    static func wrapKey(
        _ secret: SecretBytes, _ point: [UInt8], share: [UInt8], recipient: [UInt8]
    ) -> SecretBytes? {
        AgeCipher.shared(secret, point).map {
            AgeCipher.derived(from: $0, salt: share + recipient, info: "\(firstLine)/\(kind)".utf8)
        }
    }

    private static func mac(_ signed: [UInt8], _ fileKey: SecretBytes) -> [UInt8] {
        AgeCipher.mac(signed, AgeCipher.derived(from: fileKey, info: "header".utf8))
    }
}

/// Base64 as age has it: RFC 4648 section 4, canonical, without padding.
enum AgeBase64 {
    static func text(of bytes: [UInt8]) -> String {
        String(bytes.withUnsafeBytes { Base64.text(of: $0) }.prefix { $0 != "=" })
    }

    /// - Returns: `nil` for what `text(of:)` does not make.
    static func bytes(of text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1, !text.contains(UInt8(ascii: "=")) else { return nil }
        let padding = String(repeating: "=", count: (4 - text.count % 4) % 4)
        // What is no ASCII becomes something that is in no alphabet.
        return Base64.bytes(of: String(decoding: text, as: UTF8.self) + padding)
    }
}
