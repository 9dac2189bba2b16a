import Glibc
import LinuxSystem
import Shared

/// Standard output and error as people see them.
enum Terminal {
    static var isInteractive: Bool { Process.isTerminal(2) }

    /// Writes an answer to standard output.
    ///
    /// - Returns: what the process ends with: `code`, or `failed` when the answer could not be given.
    static func answer(_ text: String, _ code: Int32) -> Int32 {
        let error = put(text, to: 1)
        // Whoever has read enough has the answer.
        guard error != 0, error != EPIPE else { return code }
        writeError("could not write to standard output: \(SystemError("write", code: error).reason)\n")
        return ExitCode.failed
    }

    /// That it cannot be said is no reason to fail: there is no further place.
    static func writeError(_ text: String) { _ = put(text, to: 2) }

    /// - Returns: the value of errno(3); 0: all of it is written.
    private static func put(_ text: String, to stream: Int32) -> Int32 {
        Array(text.utf8).withBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(stream, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                if count < 0 { return errno }
                done += count
            }
            return 0
        }
    }
}
