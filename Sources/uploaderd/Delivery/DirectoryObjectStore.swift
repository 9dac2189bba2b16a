import Digests
package import LinuxSystem
package import Shared

/// Objects as files below a folder: `<root>/<key>`.
///
/// A put writes `.tmp-<owner>-<n>` beside its target, fsyncs it, renames it without replacing, and fsyncs every folder
/// that got a new entry: so it is there whole, durably, or not at all. Blocks; all of it runs on the lane `executor`,
/// which belongs to this store alone, so that a disk that hangs holds up nothing else.
package actor DirectoryObjectStore: ObjectStore {
    private nonisolated let executor: any RoomExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let root: String
    /// Tells this daemon's temporary files from another's in a folder that both write.
    private let owner: String
    private let faults: any FaultHook
    /// The object that every store has, and the file that it was when it was last read or put. A folder without it is not
    /// the store: the mount point of a disk that is not there, say, and what is written there would be lost under it.
    private let witness: ObjectKey?
    private var seen: FileIdentity?
    private var serial = 0
    /// Folders that are known to be there, durably.
    private var knownFolders: Set<String> = []

    /// - Parameters:
    ///   - root: absolute; made with mode 0700 at the first put.
    ///   - owner: letters and digits only.
    ///   - witness: once it was read or put, nothing is done while it is not there; `nil`: any folder will do.
    package init(
        root: String, owner: String, witness: ObjectKey? = nil, executor: any RoomExecutor,
        faults: any FaultHook = NoFaults()
    ) {
        self.root = root
        self.owner = owner
        self.witness = witness
        self.executor = executor
        self.faults = faults
    }

    package func put(_ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode) throws(DeliveryError) {
        faults.reach(.deliverStarted)
        if key != witness { try requireWitness() }
        let target = path(of: key)
        if case .immutable(let digest) = mode, try holds(target, body.size, digest, key) {
            // Whoever wrote it may have been stopped before its folders were synced.
            try failing("sync the folder of", key) { () throws(SystemError) in
                try Files.syncDirectory(Files.parent(of: target))
            }
            return
        }
        serial += 1
        let folder = Files.parent(of: target)
        let temporary = "\(folder)/.tmp-\(owner)-\(serial)"
        do throws(DeliveryError) {
            try failing("write", key) { () throws(SystemError) in
                try makeFolder(folder)
                try Files.unlink(temporary)
            }
            try write(body, to: temporary, key)
            try failing("publish", key) { () throws(SystemError) in
                try Files.rename(temporary, to: target, replacing: mode == .replacing)
                try Files.syncDirectory(folder)
                if key == witness { seen = try Files.status(target)?.identity }
            }
        } catch {
            // The first error is the one that matters; a file that stays is removed by `sweep`.
            try? Files.unlink(temporary)
            // Somebody put the same name between our look and our rename.
            if case .immutable(let digest) = mode, error.code != .conflict, try holds(target, body.size, digest, key) {
                return
            }
            throw error
        }
    }

    package func read(_ key: ObjectKey, range: Range<Int64>?) throws(DeliveryError) -> any ObjectBytes & Sendable {
        do throws(SystemError) {
            let file = try Descriptor.open(path(of: key), [.readOnly, .noFollow, .nonBlocking])
            let status = try file.status()
            guard status.kind == .regular else {
                throw SystemError("open", path: path(of: key), code: 22)
            }
            if key == witness { seen = status.identity }
            let lower = min(max(range?.lowerBound ?? 0, 0), status.size)
            let upper = max(lower, min(range?.upperBound ?? status.size, status.size))
            return FileBytes(file, from: lower, to: upper)
        } catch {
            guard error.isNotFound else { throw Self.classified(error, "read", key, in: root) }
            // Of a store that is not there it is not known what it has.
            if key != witness { try requireWitness() }
            throw DeliveryError(.notFound, "there is no object \(key) in \(root)")
        }
    }

    package func list(_ prefix: String) throws(DeliveryError) -> [ObjectKey] {
        var found: [ObjectKey] = []
        var folders = [prefix]
        while let folder = folders.popLast() {
            for entry in try entries(of: folder) where !entry.name.hasPrefix(".tmp-") {
                switch entry.kind {
                case .directory: folders.append("\(folder)\(entry.name)/")
                default: if let key = ObjectKey("\(folder)\(entry.name)") { found.append(key) }
                }
            }
        }
        return found.sorted()
    }

    package func listFolders(_ prefix: String) throws(DeliveryError) -> [String] {
        try entries(of: prefix).filter { $0.kind == .directory }.map(\.name).sorted()
    }

    package func delete(_ key: ObjectKey) throws(DeliveryError) {
        let target = path(of: key)
        try failing("delete", key) { () throws(SystemError) in
            guard try Files.status(target) != nil else { return }
            try Files.unlink(target)
            try Files.syncDirectory(Files.parent(of: target))
        }
    }

    /// Removes what earlier lives of this daemon left half-written.
    package func sweep(_ prefix: String) throws(DeliveryError) {
        var folders = [prefix]
        while let folder = folders.popLast() {
            for entry in try entries(of: folder) {
                if entry.kind == .directory { folders.append("\(folder)\(entry.name)/") }
                guard entry.name.hasPrefix(".tmp-\(owner)-") else { continue }
                do throws(SystemError) {
                    try Files.unlink("\(root)/\(folder)\(entry.name)")
                } catch {
                    throw DeliveryError(.transient, "could not remove \(root)/\(folder)\(entry.name): \(error.reason)")
                }
            }
        }
    }

    private func path(of key: ObjectKey) -> String { "\(root)/\(key.rawValue)" }

    private func makeFolder(_ folder: String) throws(SystemError) {
        if knownFolders.contains(folder) {
            // A user may have emptied the store meanwhile; looking is cheaper than being wrong.
            if try Files.status(folder) != nil { return }
            knownFolders = []
        }
        try Files.makeDirectories(folder)
        if knownFolders.count > 4096 { knownFolders = [] }
        knownFolders.insert(folder)
    }

    private func write(_ body: any ObjectBytes & Sendable, to temporary: String, _ key: ObjectKey) throws(DeliveryError)
    {
        var buffer = [UInt8](repeating: 0, count: Int(min(max(body.size, 1), 1 << 20)))
        do {
            let file = try Descriptor.open(temporary, [.writeOnly, .create, .exclusive, .noFollow])
            var offset: Int64 = 0
            while offset < body.size {
                let count = try buffer.withUnsafeMutableBytes { try body.read(at: offset, into: $0) }
                guard count > 0 else {
                    throw DeliveryError(.transient, "the spooled bytes of \(key) ended after \(offset) of \(body.size)")
                }
                try buffer.withUnsafeBytes { try file.writeAll(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                offset += Int64(count)
            }
            try file.sync()
            try file.close()
        } catch let error as SystemError {
            throw Self.classified(error, "write", key, in: root)
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw DeliveryError(.transient, "could not read the spooled bytes of \(key): \(error)")
        }
    }

    /// Whether the target is there with exactly these bytes.
    private func holds(_ target: String, _ size: Int64, _ digest: Digest256, _ key: ObjectKey) throws(DeliveryError)
        -> Bool
    {
        var running = RunningDigest()
        var found: Int64 = 0
        do throws(SystemError) {
            guard let status = try Files.status(target) else { return false }
            guard status.kind == .regular else { throw SystemError("open", path: target, code: 22) }
            found = status.size
            if found == size {
                let file = try Descriptor.open(target, [.readOnly, .noFollow])
                var buffer = [UInt8](repeating: 0, count: 256 << 10)
                var offset: Int64 = 0
                while true {
                    let count = try buffer.withMutableBytes { (bytes) throws(SystemError) in
                        try file.read(into: bytes, at: offset)
                    }
                    if count == 0 { break }
                    buffer.withBytes { running.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                    offset += Int64(count)
                }
            }
        } catch {
            throw Self.classified(error, "compare", key, in: root)
        }
        if found == size, running.digest() == digest { return true }
        throw DeliveryError(
            .conflict, "object \(key) in \(root) is there with other bytes than ours",
            hint: "something else changed \(target); move it away, and it is put again")
    }

    private func requireWitness() throws(DeliveryError) {
        guard let witness, let seen else { return }
        do throws(SystemError) {
            if try Files.status(path(of: witness))?.identity == seen { return }
        } catch {
            throw Self.classified(error, "look at", witness, in: root)
        }
        throw DeliveryError(
            .unusable, "the store in \(root) is not there: \(witness) is gone or another one",
            hint: "mount its disk, or put the store back; nothing is lost, it waits in the spool",
            retryAfter: Self.pause)
    }

    /// Between two looks at a store that somebody has to mend. A look at a folder costs nothing.
    private static let pause: Duration = .seconds(30)

    private func entries(of folder: String) throws(DeliveryError) -> [DirectoryEntry] {
        let entries: [DirectoryEntry]
        do throws(SystemError) {
            entries = try Files.list("\(root)/\(folder)")
        } catch {
            throw DeliveryError(.transient, "could not list \(root)/\(folder): \(error.reason)")
        }
        if entries.isEmpty { try requireWitness() }
        return entries
    }

    private func failing(
        _ verb: String, _ key: ObjectKey, _ body: () throws(SystemError) -> Void
    ) throws(DeliveryError) {
        do throws(SystemError) { try body() } catch { throw Self.classified(error, verb, key, in: root) }
    }

    /// Everything that a disk can say may pass: full, gone, broken. Refused and read-only somebody has to mend.
    private static func classified(_ error: SystemError, _ verb: String, _ key: ObjectKey, in root: String)
        -> DeliveryError
    {
        let message = "could not \(verb) object \(key) in \(root): \(error.reason)"
        if error.isNoSpace { return DeliveryError(.transient, message, hint: "free space on the disk of \(root)") }
        if error.isRefused || error.isReadOnly {
            return DeliveryError(
                .unusable, message,
                hint:
                    "let this user write in \(root); in a sandboxed unit add ReadWritePaths=\(root) with systemctl --user edit uploaderd",
                retryAfter: pause)
        }
        return DeliveryError(.transient, message)
    }
}

/// A range of an open file. The file's name may go; the bytes stay until this is let go.
package final class FileBytes: ObjectBytes, Sendable {
    private let file: Descriptor
    private let start: Int64
    package let size: Int64

    package init(_ file: consuming Descriptor, from start: Int64, to end: Int64) {
        self.file = file
        self.start = start
        size = end - start
    }

    package func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let length = Int(min(Int64(room.count), size - offset))
        return try file.readFully(into: UnsafeMutableRawBufferPointer(rebasing: room[..<length]), at: start + offset)
    }
}
