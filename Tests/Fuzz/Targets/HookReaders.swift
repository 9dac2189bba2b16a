import ControlClient
import Shared

/// What agents, hooks and other programs leave: a hook's payload, files of the queue, an agent's settings.
enum HookReaders {
    static func payload(_ bytes: UnsafeRawBufferPointer) {
        let event = HookPayload.event(
            of: Array(bytes), home: "/home/u", process: AgentProcess(pid: 7, started: 1, boot: "b"),
            at: WallTime(seconds: 1))
        guard let event else { return }
        // What is queued is imported as what it was.
        guard let line = try? JSONText.encode(event.json) else { preconditionFailure("\(event) cannot be written") }
        precondition(!line.contains(0x0A), "an event of two lines")
        var lines = QueueLines()
        precondition(lines.events(of: line) == [event], "an event changes in the queue")
        if let path = event.path { _ = queued(QueuedSession(sid: event.sid, path: path)) }
    }

    /// Each file may be any of them.
    static func queue(_ bytes: UnsafeRawBufferPointer) {
        let text = Array(bytes)
        var lines = QueueLines()
        let sessions = lines.sessions(of: text)
        precondition(Set(sessions.map(\.key)).count == sessions.count, "a session twice")
        for session in sessions { precondition(queued(session), "a line that was read cannot be written") }
        for event in lines.events(of: text) { precondition(CapturedEvent(event.json) == event, "\(event) changes") }
        var files = AgnesFiles()
        for kind in [AgnesFiles.Kind.queue, .failed, .uploaded, .privates, .other] { files.add(text, as: kind) }
    }

    /// - Returns: whether it can stand in a line; then it comes back as it was.
    private static func queued(_ session: QueuedSession) -> Bool {
        guard let line = session.line else { return false }
        precondition(QueuedSession(line: line.dropLast()) == session, "\(session) changes in the queue")
        return true
    }

    /// What was installed is removed without a trace, whatever the settings are.
    static func settings(_ bytes: UnsafeRawBufferPointer) {
        let text = Array(bytes)
        let command = HookCommand(["/opt/a b/uploaderctl", "capture"])
        for settings in [ClaudeSettings(command) as any AgentSettings, CodexSettings(command)] {
            do throws(ClientError) {
                let clean = try settings.removed(from: text)
                guard clean == text else { continue }
                let with = try settings.installed(in: text)
                let again = try settings.installed(in: with)
                precondition(again == with, "installed twice")
                let without = try settings.removed(from: with)
                precondition(without == text, "something is left")
            } catch {
                precondition(!error.message.isEmpty && error.hint != nil)
            }
        }
    }
}
