import Glibc
import LinuxSystem
package import Shared

/// One run of `uploaderctl capture`, as an agent's hook.
///
/// It prints nothing, for agents put a hook's output into the prompt, ends with 0, for some agents take another code as a veto, and is
/// bounded in time whatever hangs. What goes wrong goes nowhere: the session's file is watched all the same, and the next hook tells again.
package struct HookCall {
    /// Together with the connection. A daemon at work answers within a commit; one that hangs is not waited for.
    private static let patience: Int32 = 10
    private static let lockPatience: Duration = .milliseconds(30)
    /// Who gives its hook an input and says nothing for so long says nothing any more.
    private static let inputPatience: Int32 = 1_500
    /// Of the whole run, whatever it waits for.
    private static let longest = 2_500

    let environment: [String: String]
    let words: [String]
    let now: WallTime

    /// The program as an agent runs it.
    ///
    /// - Parameter words: behind `capture`: `--state-dir DIR`, `--socket PATH`, and from Codex a JSON text.
    package static func main(_ words: [String], environment: [String: String], now: WallTime) -> Int32 {
        Process.endInSilence(afterMilliseconds: longest)
        HookCall(environment: environment, words: words, now: now).run()
        return 0
    }

    private func run() {
        let text = words.last.flatMap { $0.hasPrefix("{") ? Array($0.utf8) : nil } ?? input()
        guard
            let event = HookPayload.event(
                of: text, home: Directories.home(environment), process: AgentProcess.calling(), at: now)
        else { return }
        do {
            let directories = try Directories.located(
                environment: environment, processID: Process.id, state: value("--state-dir"))
            let queue = HookQueue(state: directories.state)
            guard !isClosed(event.sid, directories.state) else { return }
            let socket = value("--socket") ?? environment["UPLOADERD_SOCKET"] ?? ""
            if tells(event, to: socket.isEmpty ? directories.controlSocket : socket) { return }
            try queue.append(event, patience: Self.lockPatience)
        } catch {
            // Nobody is to be told: see above.
        }
    }

    /// An absolute path that follows the option.
    private func value(_ option: String) -> String? {
        guard let index = words.firstIndex(of: option), index + 1 < words.count else { return nil }
        return PathText.absolute(words[index + 1], home: nil)
    }

    /// What the agent writes to standard input, to its end, or to the last of it that comes in time.
    private func input() -> [UInt8] {
        let input = Descriptor.inherited(0)
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        do throws(SystemError) {
            while text.count <= HookPayload.longest, try input.wait(.readable, milliseconds: Self.inputPatience) {
                let count = try chunk.withMutableBytes { (buffer) throws(SystemError) in try input.read(into: buffer) }
                if count == 0 { break }
                text.append(contentsOf: chunk[..<count])
            }
        } catch {
            // What was read may be whole.
        }
        return text.count > HookPayload.longest ? [] : text
    }

    /// Whether nothing of the session may leave, as its lists say. One that cannot be read keeps the daemon from delivering anything,
    /// so that telling it of a session gives nothing away.
    private func isClosed(_ sid: SessionID, _ state: String) -> Bool {
        ["private.txt", "forgotten.txt"].contains { name in
            do throws(SystemError) {
                let lines = try Files.readAll("\(state)/\(name)").split(separator: 0x0A)
                return lines.lazy.compactMap { StandingLine($0) }.last { $0.session == sid }.map {
                    $0.standing != .open
                }
                    ?? false
            } catch {
                return false
            }
        }
    }

    /// - Returns: whether the daemon has answered that the event is durable.
    private func tells(_ event: CapturedEvent, to path: String) -> Bool {
        do {
            let call = ControlRequest.capture(event).call()
            let frame = VarlinkFraming.framed(try call.text())
            let deadline = Self.milliseconds() + Int64(Self.patience)
            let connection = try UnixConnection.connect(to: path)
            guard try connection.peer().user == Process.user else { return false }
            // What the socket does not take at once is longer than an event should be, or nobody reads.
            let sent = try frame.withBytes { (bytes) throws(SystemError) in try connection.send(bytes) }
            guard sent == frame.count else { return false }
            var framing = VarlinkFraming(limit: VarlinkFraming.longestReply)
            var buffer = [UInt8](repeating: 0, count: 4 << 10)
            while true {
                let left = deadline - Self.milliseconds()
                guard left > 0, try connection.wait(.readable, milliseconds: Int32(left)) else { return false }
                let count = try buffer.withMutableBytes { (bytes) throws(SystemError) in
                    try connection.receive(into: bytes).count
                }
                guard count > 0 else { return false }
                buffer.withUnsafeBytes { framing.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                if let answer = try framing.next() {
                    _ = try ReceivedReply(frame: answer)
                    return true
                }
            }
        } catch {
            return false
        }
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
