import CLinux
import Glibc

/// A mark on a file that was restored, in an extended attribute: xattr(7). As long as it says the file's size and time of
/// change nobody has written to the file since, and what it holds is in a store.
///
/// It is on the file itself, and is durable with it before the file has a name: whoever finds the name finds the mark. A
/// copy has none, nor has a file on a file system without such attributes.
package enum RestoredMark {
    private static let name = "user.uploaderd.restored"

    /// - Throws: where the file system takes none.
    package static func set(on file: borrowing Descriptor) throws(SystemError) {
        let value = text(try file.status())
        let number = file.number
        _ = try checked("fsetxattr") { Int(fsetxattr(number, name, value, value.utf8.count, 0)) }
    }

    /// Whether the file was restored, and whether somebody wrote to it since.
    package enum State: Sendable {
        case none, untouched, changed
    }

    /// - Parameter file: opened for reading.
    package static func state(of file: borrowing Descriptor) throws(SystemError) -> State {
        let number = file.number
        var bytes = [UInt8](repeating: 0, count: 64)
        let count: Int
        do throws(SystemError) {
            count = try checked("fgetxattr") { fgetxattr(number, name, &bytes, bytes.count) }
        } catch {
            if [ENODATA, ENOTSUP, ERANGE, ENOSYS].contains(error.code) { return .none }
            throw error
        }
        return String(decoding: bytes[..<count], as: UTF8.self) == text(try file.status()) ? .untouched : .changed
    }

    private static func text(_ status: FileStatus) -> String { "\(status.size) \(status.modified)" }
}
