import Glibc
package import Shared

/// What hooks told while nobody answered: `STATE/queue`, which they append to and the daemon takes over.
///
///     lock                                  held for one append or one rename
///     sessions.txt, events.jsonl            one line each for every hook
///     sessions.snapshot.<pid>.<8 hex>.txt   taken over, or put there whole by a hook that did not get the lock
///     events.snapshot.<pid>.<8 hex>.jsonl
///     .tmp-<pid>.<8 hex>                    a snapshot that is being made
///
/// A line is one `QueuedSession` or one `CapturedEvent`; what else stands there is passed over.
package struct HookQueue: Sendable, Hashable {
    package let state: String
    package let folder: String

    /// - Parameter state: the state directory, absolute.
    package init(state: String) {
        self.state = state
        folder = "\(state)/queue"
    }

    package enum Kind: String, Sendable, CaseIterable {
        case sessions, events

        var ending: String {
            switch self {
            case .sessions: "txt"
            case .events: "jsonl"
            }
        }

        var name: String { "\(rawValue).\(ending)" }
        var snapshotPrefix: String { "\(rawValue).snapshot." }
    }

    /// A file that nobody appends to any more.
    package struct Snapshot: Sendable, Hashable {
        package var kind: Kind
        package var path: String
    }

    /// A file of the queue over this takes no more: nothing is unbounded.
    package static let mostBytes: Int64 = 32 << 20
    /// What a file can have at most, with the last line.
    private static let mostRead = Int(mostBytes) + 1 << 20
    private static let temporary = ".tmp-"

    // MARK: Hooks

    /// Appends the event, and its session's line; durable when it returns.
    ///
    /// - Parameter patience: how long the lock is waited for. Then each line becomes a snapshot of its own.
    package func append(_ event: CapturedEvent, patience: Duration) throws(SystemError) {
        try make()
        var lines: [(kind: Kind, bytes: [UInt8])] = []
        if let path = event.path, let line = QueuedSession(sid: event.sid, path: path).line {
            lines.append((.sessions, line))
        }
        do {
            lines.append((.events, try JSONText.encode(event.json) + [0x0A]))
        } catch {
            throw SystemError("encode", path: folder, code: EINVAL)
        }
        guard let lock = try locked(patience) else {
            for (kind, bytes) in lines { try put(bytes, asSnapshotOf: kind) }
            return
        }
        // Synced without the lock: a hundred hooks at once would wait for each other's disk.
        if lines.count == 1 {
            let file = try append(lines[0].bytes, to: lines[0].kind)
            try lock.close()
            try file.sync()
        } else {
            let first = try append(lines[0].bytes, to: lines[0].kind)
            let second = try append(lines[1].bytes, to: lines[1].kind)
            try lock.close()
            try first.sync()
            try second.sync()
        }
    }

    private func make() throws(SystemError) {
        if let status = try Files.status(folder) {
            try require(status, .directory, folder)
            return
        }
        try Files.makeDirectories(folder)
    }

    /// Ours, and what it should be: a queue that somebody else can fill would have the daemon read what he names.
    private func require(_ status: FileStatus, _ kind: FileKind, _ path: String) throws(SystemError) {
        guard status.kind == kind else {
            throw SystemError("open", path: path, code: kind == .directory ? ENOTDIR : EINVAL)
        }
        guard status.owner == Process.user else { throw SystemError("open", path: path, code: EPERM) }
    }

    /// - Returns: `nil` when it was not had in time: whoever holds it is stopped, mostly.
    private func locked(_ patience: Duration) throws(SystemError) -> Descriptor? {
        let lock = try Descriptor.open("\(folder)/lock", [.readWrite, .create, .noFollow])
        var left = patience
        while try !lock.lock() {
            guard left > .zero else { return nil }
            usleep(1_000)
            left -= .milliseconds(1)
        }
        return lock
    }

    /// With the lock held.
    private func append(_ line: [UInt8], to kind: Kind) throws(SystemError) -> Descriptor {
        let path = "\(folder)/\(kind.name)"
        let file = try Descriptor.open(path, [.readWrite, .append, .create, .noFollow, .nonBlocking])
        let status = try file.status()
        try require(status, .regular, path)
        guard status.size < Self.mostBytes else { throw SystemError("write", path: path, code: EFBIG) }
        var line = line
        var last: [UInt8] = [0x0A]
        if status.size > 0 {
            _ = try last.withMutableBytes { (buffer) throws(SystemError) in
                try file.read(into: buffer, at: status.size - 1)
            }
        }
        // A hook that was killed, or a disk that was full: its line is not to become part of ours.
        if last != [0x0A] { line.insert(0x0A, at: 0) }
        let written = try line.withBytes { (bytes) throws(SystemError) in try file.write(bytes) }
        if written < line.count {
            try file.truncate(to: status.size)
            throw SystemError("write", path: path, code: ENOSPC)
        }
        return file
    }

    private func put(_ line: [UInt8], asSnapshotOf kind: Kind) throws(SystemError) {
        let name = Self.uniqueName()
        let temporary = "\(folder)/\(Self.temporary)\(name)"
        let file = try Descriptor.open(temporary, [.writeOnly, .create, .exclusive, .noFollow])
        try line.withBytes { (bytes) throws(SystemError) in try file.writeAll(bytes) }
        try file.sync()
        try Files.rename(
            temporary, to: "\(folder)/\(kind.snapshotPrefix)\(name).\(kind.ending)", replacing: false)
        try Files.syncDirectory(folder)
    }

    private static func uniqueName() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return "\(Process.id).\(String(repeating: "0", count: 8 - digits.count))\(digits)"
    }

    // MARK: The daemon

    /// Whether a change of the entry of that name is one of what hooks leave.
    package static func isFilled(_ name: String) -> Bool {
        Kind.allCases.contains { name == $0.name || name.hasPrefix($0.snapshotPrefix) }
    }

    /// Snapshots that are there: of sessions before those of events, by name. Removes what hooks that are gone did not finish.
    package func snapshots() throws(SystemError) -> [Snapshot] {
        var found: [Snapshot] = []
        for entry in try Files.list(folder) {
            if entry.name.hasPrefix(Self.temporary) {
                let pid = entry.name.dropFirst(Self.temporary.count).prefix { $0 != "." }
                if let pid = Int32(pid), ProcessStatus(of: pid) == nil { try Files.unlink("\(folder)/\(entry.name)") }
            }
            for kind in Kind.allCases where entry.name.hasPrefix(kind.snapshotPrefix) {
                if entry.name.hasSuffix(".\(kind.ending)") {
                    found.append(Snapshot(kind: kind, path: "\(folder)/\(entry.name)"))
                }
            }
        }
        return found.sorted { a, b in
            a.kind == b.kind ? String.precedesInBytes(a.path, b.path) : a.kind == .sessions
        }
    }

    /// Makes snapshots of what hooks have appended so far; whoever appends from then on begins anew.
    ///
    /// - Returns: `nil` when the lock was not had in time.
    package func takeOver(patience: Duration) throws(SystemError) -> [Snapshot]? {
        guard try Files.status(folder) != nil else { return [] }
        guard let lock = try locked(patience) else { return nil }
        var taken: [Snapshot] = []
        for kind in Kind.allCases {
            let target = "\(folder)/\(kind.snapshotPrefix)\(Self.uniqueName()).\(kind.ending)"
            do throws(SystemError) {
                try Files.rename("\(folder)/\(kind.name)", to: target, replacing: false)
            } catch {
                if error.isNotFound { continue }
                throw error
            }
            taken.append(Snapshot(kind: kind, path: target))
        }
        try lock.close()
        return taken
    }

    /// - Throws: for what is no regular file of ours, or longer than any queue.
    package func contents(of snapshot: Snapshot) throws(SystemError) -> [UInt8] {
        let file = try Descriptor.open(snapshot.path, [.readOnly, .noFollow, .nonBlocking])
        try require(try file.status(), .regular, snapshot.path)
        return try file.contents(limit: Self.mostRead, path: snapshot.path)
    }

    /// What it holds is durable elsewhere.
    package func remove(_ snapshot: Snapshot) throws(SystemError) { try Files.unlink(snapshot.path) }
}
