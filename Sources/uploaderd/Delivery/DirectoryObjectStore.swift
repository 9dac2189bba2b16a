import Digests
import Glibc
import LinuxSystem
package import Shared

/// Objects as files below a folder: `<root>/<key>`.
///
/// A put writes `.tmp-<owner>-<life>-<n>` beside its target, locked, fsyncs it, renames it without replacing, and fsyncs every folder
/// that got a new entry: so it is there whole, durably, or not at all. Blocks; all of it runs on the lane `executor`,
/// which belongs to this store alone, so that a disk that hangs holds up nothing else.
package actor DirectoryObjectStore: ObjectStore {
    private nonisolated let executor: any RoomExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    package nonisolated var lane: (any TaskExecutor)? { executor }

    private let root: String
    /// Of its temporary files: whose they are.
    private let owner: String
    /// Tells this process's temporary files from those of another on this machine.
    private let life: String
    private let faults: any FaultHook
    /// The object that every store has, and the file that it was when it was last read or put. A folder without it is not
    /// the store: the mount point of a disk that is not there, say, and what is written there would be lost under it.
    private let witness: ObjectKey?
    private var seen: FileIdentity?
    private var serial = 0
    private var folders: StoreFolders

    /// - Parameters:
    ///   - root: absolute; made with mode 0700 at the first put.
    ///   - owner: of this machine; letters and digits only.
    ///   - life: of this process; letters and digits only.
    ///   - witness: once it was read or put, nothing is done while it is not there; `nil`: any folder will do.
    package init(
        root: String, owner: String, life: String, witness: ObjectKey? = nil, executor: any RoomExecutor,
        time: any TimeSource, faults: any FaultHook = NoFaults()
    ) {
        self.root = root
        self.owner = owner
        self.life = life
        folders = StoreFolders(owner: owner, time: time)
        self.witness = witness
        self.executor = executor
        self.faults = faults
    }

    package func put(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
    ) throws(DeliveryError) -> ObjectVersion {
        faults.reach(.deliverStarted)
        if key != witness { try requireWitness() }
        let target = path(of: key)
        switch mode {
        case .immutable(let digest):
            if let there = try held(target, body.size, digest, key) {
                // Whoever wrote it may have been stopped before its folders were synced.
                try failing("sync the folder of", key) { () throws(SystemError) in
                    try Files.syncDirectory(Files.parent(of: target))
                }
                return there
            }
        case .replacing(let version): try require(version, of: key)
        }
        serial += 1
        let folder = Files.parent(of: target)
        let temporary = "\(folder)/\(StoreFolders.temporary)\(owner)-\(life)-\(serial)"
        do throws(DeliveryError) {
            try failing("write", key) { () throws(SystemError) in try folders.make(folder) }
            // Open, and so locked, until it has its name: nobody sweeps it away.
            let file = try write(body, to: temporary, key)
            faults.reach(.deliverWritten)
            // Only what was seen right before is replaced; of several that see nothing one wins.
            if case .replacing(let old) = mode, old != nil { try require(old, of: key) }
            try failing("publish", key) { () throws(SystemError) in
                try Files.rename(temporary, to: target, replacing: mode.replacesSomething)
                try Files.syncDirectory(folder)
                if key == witness { seen = try Files.status(target)?.identity }
            }
            return try version(of: file, key)
        } catch {
            // The first error is the one that matters; a file that stays is swept up by a later life.
            try? Files.unlink(temporary)
            // Somebody put the same name between our look and our rename.
            switch mode {
            case .immutable(let digest):
                if error.code != .conflict, let there = try held(target, body.size, digest, key) { return there }
            // Or where there was nothing: a rename that replaces nothing says only that it could not.
            case .replacing(nil): try require(nil, of: key)
            case .replacing: break
            }
            throw error
        }
    }

    package func version(of key: ObjectKey) throws(DeliveryError) -> ObjectVersion? {
        let status: FileStatus?
        do throws(SystemError) {
            status = try Files.status(path(of: key))
        } catch {
            throw DeliveryError(error, "look at", key, in: root)
        }
        if status == nil, key != witness { try requireWitness() }
        return status.map { ObjectVersion($0) }
    }

    private func version(of file: borrowing Descriptor, _ key: ObjectKey) throws(DeliveryError) -> ObjectVersion {
        do throws(SystemError) {
            return ObjectVersion(try file.status())
        } catch {
            throw DeliveryError(error, "look at", key, in: root)
        }
    }

    private func require(_ version: ObjectVersion?, of key: ObjectKey) throws(DeliveryError) {
        if try self.version(of: key) != version {
            throw DeliveryError(.conflict, "object \(key) in \(root) is not the one that was there before")
        }
    }

    package func read(_ key: ObjectKey, range: Range<Int64>?) throws(DeliveryError) -> any ObjectBytes & Sendable {
        do throws(SystemError) {
            let file = try Descriptor.open(path(of: key), [.readOnly, .noFollow, .nonBlocking])
            let status = try file.status()
            guard status.kind == .regular else {
                throw SystemError("open", path: path(of: key), code: EINVAL)
            }
            if key == witness { seen = status.identity }
            let lower = min(max(range?.lowerBound ?? 0, 0), status.size)
            let upper = max(lower, min(range?.upperBound ?? status.size, status.size))
            return FileBytes(file, from: lower, to: upper)
        } catch {
            if key != witness, [ELOOP, EISDIR, EINVAL, ENXIO].contains(error.code) {
                throw notAFile(key)
            }
            guard error.isNotFound else { throw DeliveryError(error, "read", key, in: root) }
            // Of a store that is not there it is not known what it has.
            if key != witness { try requireWitness() }
            throw DeliveryError(.notFound, "there is no object \(key) in \(root)")
        }
    }

    package func list(_ prefix: String) throws(DeliveryError) -> [ObjectKey] {
        var found: [ObjectKey] = []
        var folders = [prefix]
        while let folder = folders.popLast() {
            for entry in try entries(of: folder) where !entry.name.hasPrefix(StoreFolders.temporary) {
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

    private func path(of key: ObjectKey) -> String { "\(root)/\(key.rawValue)" }

    private func write(
        _ body: any ObjectBytes & Sendable, to temporary: String, _ key: ObjectKey
    ) throws(DeliveryError) -> Descriptor {
        var buffer = [UInt8](repeating: 0, count: Int(min(max(body.size, 1), 1 << 20)))
        do {
            let file = try Descriptor.open(temporary, [.writeOnly, .create, .exclusive, .noFollow])
            // Nobody else has it; where a file system knows no locks, its name says whose it is.
            _ = try file.lock()
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
            return file
        } catch let error as SystemError {
            throw DeliveryError(error, "write", key, in: root)
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw DeliveryError(.transient, "could not read the spooled bytes of \(key): \(error)")
        }
    }

    /// The target's version, when it is there with exactly these bytes.
    private func held(
        _ target: String, _ size: Int64, _ digest: Digest256, _ key: ObjectKey
    ) throws(DeliveryError) -> ObjectVersion? {
        var running = RunningDigest()
        let status: FileStatus
        do throws(SystemError) {
            guard let there = try Files.status(target) else { return nil }
            status = there
            if status.kind == .regular, status.size == size {
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
            throw DeliveryError(error, "compare", key, in: root)
        }
        guard status.kind == .regular else { throw notAFile(key) }
        if status.size == size, running.digest() == digest { return ObjectVersion(status) }
        throw DeliveryError(
            .conflict, "object \(key) in \(root) is there with other bytes than ours",
            hint: "something else changed \(target); move it away, and it is put again")
    }

    /// Nothing of ours, and no fault of the rest of the store.
    private func notAFile(_ key: ObjectKey) -> DeliveryError {
        DeliveryError(.conflict, "what is called \(key) in \(root) is no regular file", hint: "move it away")
    }

    private func requireWitness() throws(DeliveryError) {
        guard let witness, let seen else { return }
        do throws(SystemError) {
            if try Files.status(path(of: witness))?.identity == seen { return }
        } catch {
            throw DeliveryError(error, "look at", witness, in: root)
        }
        throw DeliveryError(
            .unusable, "the store in \(root) is not there: \(witness) is gone or another one",
            hint: "mount its disk, or put the store back; nothing is lost, it waits in the spool",
            retryAfter: DeliveryError.pause)
    }

    private func entries(of folder: String) throws(DeliveryError) -> [DirectoryEntry] {
        let entries: [DirectoryEntry]
        do throws(SystemError) {
            entries = try Files.list("\(root)/\(folder)")
        } catch {
            throw DeliveryError(.transient, "could not list \(root)/\(folder): \(error.reason)")
        }
        // Behind the listing: what was listed was this store's then.
        try requireWitness()
        return entries
    }

    private func failing(
        _ verb: String, _ key: ObjectKey, _ body: () throws(SystemError) -> Void
    ) throws(DeliveryError) {
        do throws(SystemError) { try body() } catch { throw DeliveryError(error, verb, key, in: root) }
    }
}

extension ObjectVersion {
    /// Each put makes another file; who writes into the file itself changes its time.
    fileprivate init(_ status: FileStatus) {
        let identity = status.identity
        self.init("\(identity.inode).\(identity.birth).\(status.modified).\(status.size)")
    }
}

extension PutMode {
    fileprivate var replacesSomething: Bool {
        switch self {
        case .immutable, .replacing(nil): false
        case .replacing: true
        }
    }
}
