import CSystemd
import Glibc
import LinuxSystem
import Shared
import Synchronization

/// Events as native journal entries when the journal reads our standard error, else as lines of text on it.
///
/// Written on a lane of its own: a journal that stands still must not stop the loop.
final class JournalLog: EventLog {
    private let lane = Lane(name: "log")
    private let least: Mutex<Priority>
    private let isJournal: Bool

    init(least: Priority) {
        self.least = Mutex(least)
        isJournal = Self.standardErrorIsJournal()
    }

    /// The check that systemd.exec(5) prescribes: $JOURNAL_STREAM names device and inode of the stream.
    private static func standardErrorIsJournal() -> Bool {
        guard let text = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
        let parts = text.split(separator: ":").compactMap { UInt64($0) }
        var status = stat()
        guard parts.count == 2, fstat(2, &status) == 0 else { return false }
        return UInt64(status.st_dev) == parts[0] && UInt64(status.st_ino) == parts[1]
    }

    /// From here on records what is at least so important.
    func keep(_ least: Priority) { self.least.withLock { $0 = least } }

    func record(_ event: Event) {
        guard event.kind.priority <= least.withLock({ $0 }) else { return }
        lane.start { [isJournal] in
            if isJournal { Self.send(event) } else { Self.print(event) }
        }
    }

    /// Waits until everything that was recorded is out: before the process ends.
    func flush() {
        let done = Completion()
        lane.start { done.signal() }
        done.wait()
    }

    private static func send(_ event: Event) {
        var fields = [
            "MESSAGE=\(event.message)", "MESSAGE_ID=\(event.kind.messageID)",
            "PRIORITY=\(event.kind.priority.rawValue)",
            "UPLOADER_EVENT=\(event.kind.rawValue)", "SYSLOG_IDENTIFIER=uploaderd",
        ]
        if let hint = event.hint { fields.append("UPLOADER_HINT=\(hint)") }
        if let session = event.session { fields.append("UPLOADER_SESSION=\(session)") }
        if let destination = event.destination { fields.append("UPLOADER_DESTINATION=\(destination)") }
        for (name, value) in event.fields { fields.append("UPLOADER_\(name)=\(value)") }
        var texts = fields.map { Array($0.utf8) }
        var parts: [iovec] = []
        for index in texts.indices {
            texts[index].withUnsafeMutableBytes { bytes in
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
                copy.copyMemory(from: UnsafeRawBufferPointer(bytes))
                parts.append(iovec(iov_base: copy.baseAddress, iov_len: copy.count))
            }
        }
        defer { for part in parts { part.iov_base?.deallocate() } }
        if sd_journal_sendv(&parts, Int32(parts.count)) < 0 { print(event) }
    }

    private static func print(_ event: Event) {
        var line = "\(label(event.kind.priority)) \(event.message)"
        if let session = event.session { line += " session=\(session)" }
        if let destination = event.destination { line += " destination=\(destination)" }
        for (name, value) in event.fields.sorted(by: { $0.key < $1.key }) { line += " \(name.lowercased())=\(value)" }
        if let hint = event.hint { line += " (\(hint))" }
        Terminal.writeError(TerminalText.escaped(line) + "\n")
    }

    private static func label(_ priority: Priority) -> String {
        switch priority {
        case .error: "error:"
        case .warning: "warning:"
        case .notice, .info: "uploaderd:"
        case .debug: "debug:"
        }
    }
}
