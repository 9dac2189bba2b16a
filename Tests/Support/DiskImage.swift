package import LinuxSystem
import Shared

/// What a disk may hold after the power went: everything that was synced, and of the rest what chance left.
///
///     a file's bytes     those before its last good fsync are there; each later write is there, torn at a sector, or not
///     a failed fsync     promises nothing about what was written before it, even if a later one succeeds: fsync(2), NOTES
///     a name             made, moved or removed: there after the fsync of its folder; before that it may be undone. A
///                        rename is whole or not at all. Names that build on one another are undone from the last one
///     a folder           is a name in the folder above it: what lies in one whose name was lost is lost with it
///
/// That is less than ext4, XFS and btrfs keep. A value: a copy is a moment. It is fed with every call that was done
/// (`note`), and a call's bytes are kept, so it is for small state directories.
package struct DiskImage: Sendable {
    private enum Node: Hashable { case folder, file(Int) }

    private struct Change {
        /// What it does to names; `nil`: the name goes.
        var names: [(path: String, node: Node?)]
        /// Its place among all changes.
        var serial: Int
        var paths: [String] { names.map(\.path) }
    }

    private enum Edit {
        case write(Int, [UInt8])
        case cut(Int)
    }

    private struct File {
        var durable: [UInt8] = []
        /// Edits since the last good fsync.
        var pending: [Edit] = []
        /// How many of the pending ones a failed fsync has taken the promise from.
        var doomed = 0
    }

    private var files: [File] = []
    private var byInode: [UInt64: Int] = [:]
    /// As the running system sees them.
    private var names: [String: Node] = ["": .folder]
    private var durable = Names(nodes: ["": .folder])
    private var changes: [Change] = []
    private var lastSerial = 0

    /// Names of one state of the disk.
    private struct Names {
        var nodes: [String: Node]
        /// The changes that made them.
        var serials: [String: Int] = [:]

        mutating func apply(_ change: Change) {
            for (path, node) in change.names {
                if node == nil, nodes[path] == .folder {
                    // What is in a folder that was made again is no part of the one that went, whichever is durable first.
                    for inner in nodes.keys
                    where inner.hasPrefix("\(path)/") && serials[inner, default: 0] < change.serial {
                        nodes[inner] = nil
                    }
                }
                nodes[path] = node
                serials[path] = change.serial
            }
        }
    }

    package init() {}

    /// A disk on which all that lies below `root` is durable.
    package init(holding root: String) throws(SystemError) {
        try hold(root, "")
        durable = Names(nodes: names)
    }

    private mutating func hold(_ root: String, _ folder: String) throws(SystemError) {
        let entries = try Files.list(folder.isEmpty ? root : "\(root)/\(folder)")
        for entry in entries.sorted(by: { $0.name < $1.name }) {
            let path = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
            guard let status = try Files.status("\(root)/\(path)") else { continue }
            guard status.kind != .directory else {
                names[path] = .folder
                try hold(root, path)
                continue
            }
            let id = addFile(inode: status.identity.inode)
            files[id].durable = try Files.readAll("\(root)/\(path)")
            names[path] = .file(id)
        }
    }

    // MARK: What happens

    /// A call that was done.
    package mutating func note(_ call: DiskCall) {
        switch call.kind {
        case .open:
            guard call.makes, !call.isDirectory else { break }
            let id = addFile(inode: call.inode)
            change([(call.path, .file(id))])
        case .read: break
        case .write:
            guard let id = byInode[call.inode] else { break }
            files[id].pending.append(.write(Int(call.offset), call.bytes))
        case .truncate:
            guard let id = byInode[call.inode] else { break }
            files[id].pending.append(.cut(Int(call.offset)))
        case .sync: call.isDirectory ? settleNames(in: call.path) : settleBytes(of: call.inode)
        case .rename: change([(call.path, nil), (call.target, names[call.path])])
        case .unlink, .removeDirectory: change([(call.path, nil)])
        case .makeDirectory: change([(call.path, .folder)])
        }
    }

    /// An fsync that was answered with an error.
    package mutating func noteFailedSync(of inode: UInt64) {
        guard let id = byInode[inode] else { return }
        files[id].doomed = files[id].pending.count
    }

    private mutating func addFile(inode: UInt64) -> Int {
        files.append(File())
        byInode[inode] = files.count - 1
        return files.count - 1
    }

    private mutating func change(_ changed: [(path: String, node: Node?)]) {
        for (path, node) in changed { names[path] = node }
        lastSerial += 1
        changes.append(Change(names: changed, serial: lastSerial))
    }

    private mutating func settleBytes(of inode: UInt64) {
        guard let id = byInode[inode] else { return }
        let kept = files[id].doomed
        // What a failed fsync has dropped stays in doubt; so does, for order, nothing that came after it.
        guard kept == 0 else {
            let later = files[id].pending[kept...]
            let doubtful = files[id].pending[..<kept]
            for edit in later { Self.apply(edit, to: &files[id].durable) }
            files[id].pending = Array(doubtful.filter { !Self.isCovered($0, by: Array(later)) })
            files[id].doomed = files[id].pending.count
            return
        }
        for edit in files[id].pending { Self.apply(edit, to: &files[id].durable) }
        files[id].pending = []
    }

    private mutating func settleNames(in folder: String) {
        var wanted: Set<String> = []
        var settled: [Bool] = Array(repeating: false, count: changes.count)
        for index in changes.indices.reversed() {
            let isHere = changes[index].paths.contains { Self.parent($0) == folder }
            if isHere || !wanted.isDisjoint(with: changes[index].paths) {
                settled[index] = true
                wanted.formUnion(changes[index].paths)
            }
        }
        let done = zip(changes, settled).compactMap { $1 ? $0 : nil }
        changes = zip(changes, settled).compactMap { $1 ? nil : $0 }
        for change in done {
            durable.apply(change)
            // What was in a folder that went went with it, synced or not.
            for (path, node) in change.names where node == nil {
                changes.removeAll { $0.serial < change.serial && $0.paths.contains { $0.hasPrefix("\(path)/") } }
            }
        }
    }

    /// The running system's files were copied to another folder, and go on there: what is in doubt stays so.
    package mutating func move(to root: String) throws(SystemError) {
        byInode = [:]
        for (path, node) in names {
            guard case .file(let id) = node, let status = try Files.status("\(root)/\(path)") else { continue }
            byInode[status.identity.inode] = id
        }
    }

    // MARK: What is left

    /// Writes one state that the power could have left into an empty folder, drawn from `random`. Its files are as old as
    /// can be: a time of now would be that of another file, or not, as the machine's clock ticks.
    package func restore(to root: String, _ random: SeededRandom) throws(SystemError) {
        var left = durable
        let luck = random.below(4)
        var undone: Set<String> = []
        for change in changes {
            let isKept = luck == 0 ? true : luck == 1 ? false : random.percent(50)
            if isKept, undone.isDisjoint(with: change.paths) {
                left.apply(change)
            } else {
                undone.formUnion(change.paths)
            }
        }
        try Files.makeDirectories(root)
        for path in left.nodes.keys.sorted() where path != "" && Self.isReachable(path, left.nodes) {
            switch left.nodes[path] {
            case .folder: try Files.makeDirectory("\(root)/\(path)")
            case .file(let id):
                let bytes = remains(of: files[id], random)
                let file = try Descriptor.open("\(root)/\(path)", [.writeOnly, .create, .truncate])
                try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
                try Tree.setTime(of: "\(root)/\(path)", to: WallTime(seconds: 0))
            case nil: break
            }
        }
    }

    /// How much is in doubt: edits of files, and changes of names.
    package var doubts: Int { files.reduce(changes.count) { $0 + $1.pending.count } }

    private func remains(of file: File, _ random: SeededRandom) -> [UInt8] {
        guard !file.pending.isEmpty else { return file.durable }
        let last = random.within(0...file.pending.count)
        switch random.below(4) {
        case 0: return Self.applied(file.pending, to: file.durable)
        case 1: return file.durable
        case 2:
            // As far as it came, torn in the last one.
            guard last < file.pending.count else { return Self.applied(file.pending, to: file.durable) }
            return Self.applied(
                Array(file.pending[..<last]) + [Self.torn(file.pending[last], random)], to: file.durable)
        default:
            let some = file.pending.filter { _ in random.percent(50) }.map {
                random.percent(20) ? Self.torn($0, random) : $0
            }
            return Self.applied(some, to: file.durable)
        }
    }

    private static func torn(_ edit: Edit, _ random: SeededRandom) -> Edit {
        guard case .write(let offset, let bytes) = edit, !bytes.isEmpty else { return edit }
        let end = offset + random.below(bytes.count + 1)
        return .write(offset, Array(bytes.prefix(max(0, end / 512 * 512 - offset))))
    }

    private static func applied(_ edits: [Edit], to bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for edit in edits { apply(edit, to: &bytes) }
        return bytes
    }

    private static func apply(_ edit: Edit, to bytes: inout [UInt8]) {
        switch edit {
        case .write(let offset, let written):
            if written.isEmpty { return }
            resize(&bytes, to: max(bytes.count, offset + written.count))
            bytes.withUnsafeMutableBytes { room in
                written.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(rebasing: room[offset...]).copyMemory(from: $0)
                }
            }
        case .cut(let size): resize(&bytes, to: size)
        }
    }

    private static func resize(_ bytes: inout [UInt8], to size: Int) {
        if size <= bytes.count {
            bytes.removeLast(bytes.count - size)
        } else {
            bytes += [UInt8](repeating: 0, count: size - bytes.count)
        }
    }

    private static func isCovered(_ edit: Edit, by later: [Edit]) -> Bool {
        guard case .write(let offset, let bytes) = edit else { return true }
        return later.contains { other in
            switch other {
            case .write(let at, let written): at <= offset && at + written.count >= offset + bytes.count
            case .cut(let size): size <= offset
            }
        }
    }

    private static func parent(_ path: String) -> String {
        let parent = Files.parent(of: path)
        return parent == "." ? "" : parent
    }

    private static func isReachable(_ path: String, _ names: [String: Node]) -> Bool {
        var folder = parent(path)
        while folder != "" {
            guard names[folder] == .folder else { return false }
            folder = parent(folder)
        }
        return true
    }
}
