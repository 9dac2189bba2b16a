/// How objects are encrypted before they leave.
package enum EncryptionMethod: String, Sendable, CaseIterable {
    case none, age
}

/// Objects are age files (C2SP age.md) that these recipients can read.
package struct EncryptionConfiguration: Hashable, Sendable {
    /// At least one, each once.
    package var recipients: [AgeRecipient]
    /// Where the key is with which what was put can be read here; `nil`: the store is only written.
    package var identity: CredentialsSource?

    package init(recipients: [AgeRecipient], identity: CredentialsSource? = nil) {
        self.recipients = recipients
        self.identity = identity
    }
}

/// Somebody who can read what is encrypted: an X25519 public key.
package struct AgeRecipient: Hashable, Sendable, CustomStringConvertible {
    /// `age1…`
    package let text: String
    /// 32 of them.
    package let point: [UInt8]

    /// Why a text is no recipient.
    package enum Fault: Error, Sendable {
        /// It is the key that reads, and must be nobody's but its owner's. Never shown.
        case secret
        /// One of a kind that this version does not know: post-quantum, a plugin, SSH.
        case otherKind
        case malformed
    }

    package init(_ text: String) throws(Fault) {
        if AgeIdentityText.isLike(text) { throw .secret }
        guard let point = Bech32.bytes(of: text.utf8, kind: "age"), point.count == 32 else {
            let isOther = ["age1pq1", "age1tag", "ssh-"].contains { text.hasPrefix($0) }
            // A plugin's: age1<name>1…
            let isPlugin = text.hasPrefix("age1") && text.dropFirst(4).contains("1")
            throw isOther || isPlugin ? .otherKind : .malformed
        }
        self.text = text
        self.point = point
    }

    /// - Parameter point: 32 bytes.
    package init(point: [UInt8]) {
        self.point = point
        text = Bech32.text(of: point, kind: "age")
    }

    package var description: String { text }
}

/// The text of a secret key: `AGE-SECRET-KEY-1…`
package enum AgeIdentityText {
    private static let kind = "AGE-SECRET-KEY-"

    /// Whether somebody may have meant one, well written or not.
    package static func isLike(_ text: String) -> Bool { text.uppercased().contains("AGE-SECRET-KEY") }

    /// - Returns: the 32 secret bytes; `nil` for anything else.
    package static func secret(_ line: some BidirectionalCollection<UInt8>) -> [UInt8]? {
        Bech32.bytes(of: line, kind: kind).flatMap { $0.count == 32 ? $0 : nil }
    }

    /// The secrets of a file as age-keygen writes it: one line each; empty lines and those that begin with `#` say nothing.
    ///
    /// - Returns: `nil` when there is none, or a line is something else.
    package static func secrets(in file: [UInt8]) -> [[UInt8]]? {
        var secrets: [[UInt8]] = []
        for line in file.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) where line.first != UInt8(ascii: "#") {
            let bare = line.drop { $0 == 0x20 || $0 == 0x09 }
            if bare.isEmpty { continue }
            guard let secret = secret(bare) else { return nil }
            secrets.append(secret)
        }
        return secrets.isEmpty ? nil : secrets
    }
}
