import Capture
import Glibc
import LinuxSystem
import Shared
import Synchronization
import Testing

/// A directory of a test's own, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/capture-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.clear(path) }

    static func clear(_ path: String) {
        do throws(SystemError) {
            for entry in try Files.list(path) {
                let child = "\(path)/\(entry.name)"
                if entry.kind == .directory {
                    chmod(child, 0o700)
                    clear(child)
                } else {
                    try Files.unlink(child)
                }
            }
            _ = try Files.removeDirectory(path)
        } catch {
            Issue.record("\(error)")
        }
    }

    subscript(_ name: String) -> String { "\(path)/\(name)" }

    func makeDirectory(_ name: String) throws { try Files.makeDirectories(self[name]) }

    func write(_ name: String, _ text: String) throws {
        let file = try Descriptor.open(self[name], [.writeOnly, .create, .truncate])
        try Array(text.utf8).withBytes { (bytes) throws(SystemError) in try file.writeAll(bytes) }
    }

    func append(_ name: String, _ text: String) throws {
        let file = try Descriptor.open(self[name], [.writeOnly, .create, .append])
        try Array(text.utf8).withBytes { (bytes) throws(SystemError) in try file.writeAll(bytes) }
    }

    func rename(_ name: String, to other: String) throws {
        try Files.rename(self[name], to: self[other], replacing: true)
    }

    func link(_ name: String, to target: String) throws {
        guard symlink(target, self[name]) == 0 else { throw SystemError("symlink", code: errno) }
    }

    func makeFIFO(_ name: String) throws {
        guard mkfifo(self[name], 0o600) == 0 else { throw SystemError("mkfifo", code: errno) }
    }

    func source(_ name: String, root: String = "", agent: Agent = .generic) -> SourcePath {
        SourcePath(agent: agent, root: root.isEmpty ? path : self[root], relativePath: name)
    }
}

/// Keeps what was logged.
final class LogList: EventLog {
    private let events = Mutex<[Event]>([])
    func record(_ event: Event) { events.withLock { $0.append(event) } }
    func count(_ kind: EventKind) -> Int { events.withLock { $0.count { $0.kind == kind } } }
}
