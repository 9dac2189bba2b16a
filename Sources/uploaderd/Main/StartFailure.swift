import Capture
import ControlPlane
import LinuxSystem
import Shared

/// Why the daemon could not start, as a sentence, a cure and an exit code.
struct StartFailure {
    let message: String
    let hint: String?
    let exitCode: Int32

    init(_ error: any Error) {
        switch error {
        case let error as any HintedError:
            message = "\(error)"
            hint = error.hint
            exitCode = error.isUsersToMend ? ExitCode.refused : ExitCode.failed
        default:
            message = "\(error)"
            hint = nil
            exitCode = ExitCode.failed
        }
    }
}
