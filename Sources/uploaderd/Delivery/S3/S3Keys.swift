import Glibc
package import Shared

/// Bytes that nobody is to see: shown by nothing, and wiped when they are let go.
package final class SecretBytes: Sendable, CustomStringConvertible, CustomReflectable {
    // Safe, proof: written in `init` only, before anybody else has it, and wiped in `deinit`, when nobody has it any more; in between it is
    // read. A class, so that there is one copy.
    private nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

    package init(_ source: some Collection<UInt8>) {
        bytes = .allocate(byteCount: source.count, alignment: 1)
        bytes.copyBytes(from: source)
    }

    /// - Parameter body: writes them.
    init<Failure: Error>(count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        bytes = .allocate(byteCount: count, alignment: 1)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        try body(bytes)
    }

    deinit {
        if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
        bytes.deallocate()
    }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(bytes))
    }

    package static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { room in
            if let start = room.baseAddress { explicit_bzero(start, room.count) }
        }
    }

    func isSame(as other: SecretBytes) -> Bool {
        bytes.elementsEqual(other.bytes)
    }

    package var description: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

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
