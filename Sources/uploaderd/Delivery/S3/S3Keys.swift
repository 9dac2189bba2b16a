import Glibc
package import Shared

/// Who we are to an S3 server.
package struct S3Keys: Sendable {
    package let id: String
    private let secret: SecretBytes
    /// Of a session; it goes along with each request.
    package let token: String?
    /// When they are no longer taken; `nil`: nobody said.
    package let end: WallTime?

    package init(id: String, secret: some Collection<UInt8>, token: String? = nil, end: WallTime? = nil) {
        self.id = id
        self.secret = SecretBytes(secret)
        self.token = token
        self.end = end
    }

    /// Whether there should be others by now: a few minutes before their end.
    func isNearEnd(_ now: WallTime) -> Bool { end.map { $0 - now < .seconds(300) } ?? false }

    /// Two lines, the key's id and its secret; a third is a session token.
    ///
    /// - Returns: `nil` for anything else.
    package init?(lines bytes: [UInt8]) {
        var lines = bytes.split(omittingEmptySubsequences: true) { $0 == 0x0A || $0 == 0x0D }
        defer { lines = [] }
        guard lines.count == 2 || lines.count == 3, lines.allSatisfy({ $0.allSatisfy { (0x21...0x7E).contains($0) } })
        else { return nil }
        self.init(
            id: String(decoding: lines[0], as: UTF8.self), secret: lines[1],
            token: lines.count == 3 ? String(decoding: lines[2], as: UTF8.self) : nil)
    }

    func isSame(as other: S3Keys) -> Bool { id == other.id && token == other.token && secret.isSame(as: other.secret) }

    func withSecret<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { secret.withBytes(body) }
}
