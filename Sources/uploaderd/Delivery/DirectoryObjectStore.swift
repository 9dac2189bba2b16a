import Digests
import Glibc
import LinuxSystem
package import Shared

/// Objects as files below a folder: `<root>/<key>`.
///
/// A put writes `.tmp-<owner>-<life>-<n>` beside its target, locked, fsyncs it, renames it without replacing, and fsyncs every folder
/// that got a new entry: so it is there whole, durably, or not at all. All of it goes through the root's descriptor and follows
/// no link below it: who may write into the store leads nobody out of it. Blocks; all of it runs on the lane `executor`,
/// which nothing else uses, so that a disk that hangs holds up nothing else.
package actor DirectoryObjectStore: ObjectStore {
    private nonisolated let executor: any RoomExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    package nonisolated var lane: (any TaskExecutor)? { executor }

    let root: String
    /// Of its temporary files: whose they are.
    private let owner: String
    /// Tells this process's temporary files from those of another on this machine.
    private let life: String
    private let faults: any FaultHook
    private let witness: StoreWitness?
    private var serial = 0
    var folders: StoreFolders

    /// - Parameters:
    ///   - root: absolute; made with mode 0700 at the first put.
    ///   - owner: of this machine; letters and digits only.
    ///   - life: of this process; letters and digits only.
    ///   - witness: once it was read or put, nothing is done while it is not there; `nil`: any folder will do.
    package init(
        root: String, owner: String, life: String, witness: StoreWitness? = nil, executor: any RoomExecutor,
        time: any TimeSource, faults: any FaultHook = NoFaults()
    ) {
        self.root = root
        self.owner = owner
        self.life = life
        folders = StoreFolders(root, owner: owner, time: time)
        self.witness = witness
        self.executor = executor
        self.faults = faults
    }

    package func put(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
    ) throws(DeliveryError) -> ObjectVersion {
        faults.reach(.deliverStarted)
        let folder = try folderMade(for: key)
        switch mode {
        case .immutable(let digest):
            if let there = try held(key, in: folder, body.size, digest) {
                // Whoever wrote it may have been stopped before its folders were synced.
                try failing("sync the folder of", key) { () throws(SystemError) in try folder.sync() }
                return there
            }
        case .replacing(let version): try require(version, of: key, in: folder)
        }
        // Open, and so locked, until it has its name: nobody sweeps it away.
        let draft = try failing("write", key) { () throws(SystemError) in try makeDraft(in: folder) }
        do throws(DeliveryError) {
            try write(body, to: draft.file, key)
            faults.reach(.deliverWritten)
            // Only what was seen right before is replaced; of several that see nothing one wins.
            if case .replacing(let old) = mode, old != nil { try require(old, of: key, in: folder) }
            try failing("publish", key) { () throws(SystemError) in
                try folder.rename(draft.name, to: key.name, replacing: mode.replacesSomething)
                try folder.sync()
                if let witness, key == witness.key { witness.seen = try folder.status(of: key.name)?.identity }
            }
            return try version(of: draft.file, key)
        } catch {
            // The first error is the one that matters; a file that stays is swept up by a later life.
            _ = try? folder.unlink(draft.name)
            // Somebody put the same name between our look and our rename.
            switch mode {
            case .immutable(let digest):
                if error.code != .conflict, let there = try held(key, in: folder, body.size, digest) { return there }
            // Or where there was nothing: a rename that replaces nothing says only that it could not.
            case .replacing(nil): try require(nil, of: key, in: folder)
            case .replacing: break
            }
            throw error
        }
    }

    package func version(of key: ObjectKey) throws(DeliveryError) -> ObjectVersion? {
        do throws(SystemError) {
            return ObjectVersion(try Descriptor.open(beneath: folders.root(), key.rawValue, [.pathOnly]).status())
        } catch {
            guard error.isNotFound else { throw failure(error, "look at", key) }
            if key != witness?.key { try requireWitness() }
            return nil
        }
    }

    private func version(of file: borrowing Descriptor, _ key: ObjectKey) throws(DeliveryError) -> ObjectVersion {
        try failing("look at", key) { () throws(SystemError) in ObjectVersion(try file.status()) }
    }

    private func require(
        _ version: ObjectVersion?, of key: ObjectKey, in folder: borrowing Descriptor
    ) throws(DeliveryError) {
        let there: FileStatus?
        do throws(SystemError) { there = try folder.status(of: key.name) } catch {
            throw failure(error, "look at", key)
        }
        if there.map({ ObjectVersion($0) }) != version {
            throw DeliveryError(.conflict, "object \(key) in \(root) is not the one that was there before")
        }
    }

    package func read(_ key: ObjectKey, range: Range<Int64>?) throws(DeliveryError) -> any ObjectBytes & Sendable {
        do throws(SystemError) {
            let file = try Descriptor.open(beneath: folders.root(), key.rawValue, [.readOnly])
            let status = try file.status()
            guard status.kind == .regular else {
                throw SystemError("open", path: key.rawValue, code: EINVAL)
            }
            if let witness, key == witness.key { witness.seen = status.identity }
            let lower = min(max(range?.lowerBound ?? 0, 0), status.size)
            let upper = max(lower, min(range?.upperBound ?? status.size, status.size))
            return FileBytes(file, from: lower, to: upper)
        } catch {
            if key != witness?.key, [EISDIR, EINVAL, ENXIO].contains(error.code) {
                throw DeliveryError.notAFile(key, in: root)
            }
            guard error.isNotFound else { throw failure(error, "read", key) }
            // Of a store that is not there it is not known what it has.
            if key != witness?.key { try requireWitness() }
            throw DeliveryError(.notFound, "there is no object \(key) in \(root)")
        }
    }

    package func delete(_ key: ObjectKey) throws(DeliveryError) {
        let root: Descriptor
        if let witness, let seen = witness.seen {
            // What is not there, or is another store's, would count as deleted.
            root = try self.root(of: witness.key, seen)
        } else {
            do throws(SystemError) { root = try folders.root() } catch {
                if error.isNotFound { return }
                throw failure(error, "delete", key)
            }
        }
        do throws(SystemError) {
            guard let folder = try StoreFolders.opened(key.folder, beneath: root) else { return }
            if try folder.unlink(key.name) { try folder.sync() }
        } catch {
            if !error.isNotFound { throw failure(error, "delete", key) }
        }
    }

    /// Where a key is put, in the store that was seen.
    private func folderMade(for key: ObjectKey) throws(DeliveryError) -> Descriptor {
        let root =
            if let witness, key != witness.key, let seen = witness.seen {
                try root(of: witness.key, seen)
            } else {
                try failing("write", key) { () throws(SystemError) in try folders.rootMade() }
            }
        return try failing("write", key) { () throws(SystemError) in try folders.made(key.folder, beneath: root) }
    }

    private struct Draft: ~Copyable {
        var name: String
        var file: Descriptor
    }

    /// Whoever sweeps the folder, as another destination there may, can have come between its making and its lock.
    private func makeDraft(in folder: borrowing Descriptor) throws(SystemError) -> Draft {
        let first = serial
        while true {
            serial += 1
            let name = "\(StoreFolders.temporary)\(owner)-\(life)-\(serial)"
            let file = try folder.openEntry(name, [.writeOnly, .create, .exclusive])
            if try file.lock(), try file.status().links > 0 { return Draft(name: name, file: file) }
            // There are file systems that count no links.
            if serial - first == 16 { return Draft(name: name, file: file) }
            _ = try folder.unlink(name)
        }
    }

    private func write(
        _ body: any ObjectBytes & Sendable, to file: borrowing Descriptor, _ key: ObjectKey
    ) throws(DeliveryError) {
        var buffer = [UInt8](repeating: 0, count: Int(min(max(body.size, 1), 1 << 20)))
        do {
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
        } catch let error as SystemError {
            throw failure(error, "write", key)
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw DeliveryError(.transient, "could not read the spooled bytes of \(key): \(error)")
        }
    }

    /// The target's version, when it is there with exactly these bytes.
    private func held(
        _ key: ObjectKey, in folder: borrowing Descriptor, _ size: Int64, _ digest: Digest256
    ) throws(DeliveryError) -> ObjectVersion? {
        var running = RunningDigest()
        let status: FileStatus
        do throws(SystemError) {
            guard let there = try folder.status(of: key.name) else { return nil }
            status = there
            if status.kind == .regular, status.size == size {
                let file = try folder.openEntry(key.name, [.readOnly, .nonBlocking])
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
            throw failure(error, "compare", key)
        }
        guard status.kind == .regular else { throw DeliveryError.notAFile(key, in: root) }
        if status.size == size, running.digest() == digest { return ObjectVersion(status) }
        throw DeliveryError(
            .conflict, "object \(key) in \(root) is there with other bytes than ours",
            hint: "something else changed \(root)/\(key); move it away, and it is put again")
    }

    func requireWitness() throws(DeliveryError) {
        if let witness, let seen = witness.seen { _ = try root(of: witness.key, seen) }
    }

    /// The root, while the store that was seen is there.
    private func root(of witness: ObjectKey, _ seen: FileIdentity) throws(DeliveryError) -> Descriptor {
        do throws(SystemError) {
            let root = try folders.root()
            if try Descriptor.open(beneath: root, witness.rawValue, [.pathOnly]).status().identity == seen {
                return root
            }
        } catch {
            if !error.isNotFound { throw failure(error, "look at", witness) }
        }
        throw DeliveryError(
            .unusable, "the store in \(root) is not there: \(witness) is gone or another one",
            hint: "mount its disk, or put the store back; nothing is lost, it waits in the spool",
            retryAfter: DeliveryError.pause)
    }

    private func failing<Result: ~Copyable>(
        _ verb: String, _ key: ObjectKey, _ body: () throws(SystemError) -> Result
    ) throws(DeliveryError) -> Result {
        do throws(SystemError) { return try body() } catch { throw failure(error, verb, key) }
    }

    private func failure(_ error: SystemError, _ verb: String, _ key: ObjectKey) -> DeliveryError {
        error.isEscape ? throughLink(key.rawValue) : DeliveryError(error, verb, key, in: root)
    }

    /// - Parameter relativePath: of an object or a folder.
    func throughLink(_ relativePath: String) -> DeliveryError {
        let link = folders.link(on: relativePath) ?? "\(root)/\(relativePath)"
        // Where the store's identity cannot be reached, nothing can.
        return DeliveryError.throughLink(link, isOfWholeStore: relativePath == witness?.key.rawValue)
    }
}

extension ObjectKey {
    /// `.` at the root.
    fileprivate var folder: String { Files.parent(of: rawValue) }
    fileprivate var name: String { Files.name(of: rawValue) }
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
