import Glibc
import LinuxSystem
package import Shared

/// Keys in a file of their own: two lines, the key's id and its secret; a third is a session token. Below
/// $CREDENTIALS_DIRECTORY the service manager guards it; any other is ours alone, mode 0600.
package struct S3KeyFile: S3KeySource {
    private let path: String
    private let isGuarded: Bool
    private let lane: any RoomExecutor

    /// - Parameter lane: where it is read; it may hang.
    package init(_ path: String, isGuarded: Bool, lane: any RoomExecutor) {
        self.path = path
        self.isGuarded = isGuarded
        self.lane = lane
    }

    package func keys() async throws(DeliveryError) -> S3Keys {
        try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in try await read() }
    }

    @concurrent
    private func read() async throws(DeliveryError) -> S3Keys {
        var bytes = try SecretFile.bytes(path, isGuarded: isGuarded)
        defer { SecretBytes.wipe(&bytes) }
        guard let keys = S3Keys(lines: bytes) else {
            throw DeliveryError(
                .authentication, "\(path) does not hold what it should",
                hint: "write two lines, the key's id and its secret", retryAfter: DeliveryError.pause)
        }
        return keys
    }
}

/// A file that holds a secret. Nothing of its contents is ever said.
package enum SecretFile {
    private static let longest = 64 << 10

    /// Blocks.
    ///
    /// - Parameter isGuarded: its mode is somebody else's business.
    /// - Throws: `authentication`, for it is looked at again as refused keys are.
    package static func bytes(_ path: String, isGuarded: Bool) throws(DeliveryError) -> [UInt8] {
        func refusal(_ what: String, _ hint: String) -> DeliveryError {
            DeliveryError(.authentication, what, hint: hint, retryAfter: DeliveryError.pause)
        }
        let status: FileStatus?
        do throws(SystemError) { status = try Files.status(path, followLinks: true) } catch {
            throw refusal("cannot look at the credentials in \(path): \(error.reason)", "let this user read it")
        }
        // Asked before it is opened: a FIFO would block.
        guard let status, status.kind == .regular else {
            throw refusal(
                "\(path), which should hold the credentials, is no regular file", "make it one, with mode 0600")
        }
        guard isGuarded || (status.mode & 0o077 == 0 && [0, Process.user].contains(status.owner)) else {
            throw refusal("others may read or change \(path)", "make it yours alone: chmod 600 \(path)")
        }
        // Of a buffer that grows, as of one that pieces pass through, something would be left.
        var room = [UInt8](repeating: 0, count: longest + 1)
        defer { SecretBytes.wipe(&room) }
        do throws(SystemError) {
            let file = try Descriptor.open(path, [.readOnly])
            let count = try room.withMutableBytes { (room) throws(SystemError) in try file.readFully(into: room, at: 0)
            }
            guard count <= longest else { throw SystemError("read", path: path, code: EFBIG) }
            return Array(room[..<count])
        } catch {
            throw refusal(
                "cannot read the credentials in \(path): \(error.reason)", "let this user read it, and nobody else")
        }
    }
}
