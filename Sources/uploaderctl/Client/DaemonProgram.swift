import Glibc
import LinuxSystem
import Shared

/// The program uploaderd, for what must work without a running daemon: beside this program, else in $PATH.
struct DaemonProgram {
    private let path: String

    static func found(environment: [String: String]) throws(ClientError) -> DaemonProgram {
        var folders: [String] = []
        if let own = Process.programPath { folders.append(Files.parent(of: own)) }
        folders += (environment["PATH"] ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        for folder in folders where access("\(folder)/uploaderd", X_OK) == 0 {
            return DaemonProgram(path: "\(folder)/uploaderd")
        }
        throw ClientError(
            .failed, "the program uploaderd is neither beside uploaderctl nor in $PATH",
            hint: "install both together: make install PREFIX=…")
    }

    /// Runs it, and returns what it wrote to both its outputs.
    func output(of words: [String]) throws(ClientError) -> (output: String, exit: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw failure(errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var child: pid_t = 0
        let code = withArguments(words) { posix_spawn(&child, path, &actions, nil, $0, environ) }
        _ = Glibc.close(ends[1])
        defer { _ = Glibc.close(ends[0]) }
        guard code == 0 else { throw failure(code) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(ends[0], &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            output.append(contentsOf: buffer[..<count])
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        // WIFEXITED and WEXITSTATUS are macros: wait(2).
        let exit = status & 0x7F == 0 ? status >> 8 & 0xFF : ExitCode.failed.rawValue
        return (String(decoding: output, as: UTF8.self), exit)
    }

    /// Runs it, and gives `body` what it wrote: one of them a line, as JSON. What it says instead when it fails is passed on.
    func list<Message: Decodable>(
        _ words: [String], _ context: Context, _ body: ([Message]) throws(ClientError) -> ExitCode
    ) throws(ClientError) -> ExitCode {
        let result = try output(of: words)
        guard result.exit == 0 else {
            try context.console.write(result.output)
            return ExitCode(rawValue: result.exit) ?? .failed
        }
        var messages: [Message] = []
        do throws(JSONMismatch) {
            for line in result.output.split(separator: "\n") {
                messages.append(try JSONText.decode(Message.self, from: line.utf8))
            }
        } catch {
            throw ClientError(
                .failed, "the program uploaderd answered something else than it was asked",
                hint: "install both programs together: make install PREFIX=…", cause: error.description)
        }
        return try body(messages)
    }

    private func failure(_ code: Int32) -> ClientError {
        ClientError(.failed, "could not run \(path)", cause: SystemError("posix_spawn", code: code).reason)
    }

    private func withArguments<Result>(
        _ words: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let texts: [UnsafeMutablePointer<CChar>?] = ([path] + words).map { strdup($0) } + [nil]
        defer { for text in texts { free(text) } }
        return texts.withUnsafeBufferPointer { buffer in
            // The buffer is not empty: it ends with the nil above.
            buffer.baseAddress.map(body) ?? body(UnsafePointer(bitPattern: 1).unsafelyUnwrapped)
        }
    }
}
