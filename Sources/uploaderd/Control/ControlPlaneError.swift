package import LinuxSystem
import Shared

/// Why the control socket cannot be served.
package struct ControlPlaneError: HintedError, Sendable {
    package enum Code: Sendable {
        /// Somebody answers on the path.
        case alreadyServed
        /// Something that is no socket has the path.
        case pathTaken
        case socket
    }

    package var code: Code
    package var message: String
    package var hint: String?
    package var cause: SystemError?

    package var isUsersToMend: Bool { code != .socket }

    package var description: String { cause.map { "\(message): \($0)" } ?? message }
}
