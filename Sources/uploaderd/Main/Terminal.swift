import Glibc
import LinuxSystem
import Shared

/// Standard output and error as people see them.
enum Terminal {
    static var isInteractive: Bool { Process.isTerminal(2) }

    static func write(_ text: String) { put(text, to: 1) }
    static func writeError(_ text: String) { put(text, to: 2) }

    private static func put(_ text: String, to stream: Int32) {
        let bytes = Array(text.utf8)
        bytes.withBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(stream, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                // Nobody reads any more: there is nobody to tell, either.
                if count <= 0 { return }
                done += count
            }
        }
    }
}
