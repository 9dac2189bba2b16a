import ControlClient
import LinuxSystem
import Shared

/// Keeps what a command wrote.
final class KeptConsole: Console {
    let isTerminal: Bool
    let errorIsTerminal = false
    let width = 100
    private(set) var output: [UInt8] = []
    private(set) var errors = ""
    /// Nobody reads any more after so many bytes.
    let patience: Int

    init(isTerminal: Bool = false, patience: Int = .max) {
        self.isTerminal = isTerminal
        self.patience = patience
    }

    var text: String { String(decoding: output, as: UTF8.self) }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ClientError) {
        output += bytes
        if output.count > patience { throw .outputClosed }
    }

    func wait(for source: borrowing Descriptor, milliseconds: Int32) throws(SystemError) -> Bool {
        try source.wait(.readable, milliseconds: milliseconds)
    }

    func answer(to question: String) -> String? { nil }

    func note(_ text: String) { errors += text }
}

/// What a command came to.
struct UploaderctlRun {
    let exit: ExitCode
    let console: KeptConsole
    var text: String { console.text }
    var errors: String { console.errors }
}

/// Runs a command against the daemon on `path`.
func run(_ words: [String], on path: String, console: KeptConsole = KeptConsole()) -> UploaderctlRun {
    let tool = ControlTool(
        console: console, environment: ["UPLOADERD_SOCKET": path, "PATH": "/nowhere"], directory: "/tmp",
        now: WallTime(seconds: 1_795_176_000))
    return UploaderctlRun(exit: tool.run(words), console: console)
}
