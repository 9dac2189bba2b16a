import LinuxSystem
import Shared

/// Whether the directories that we were given are for us. Whoever names his documents as the spool must find them as they were.
///
/// A **spool** is ours when nothing is in it, or its lock or `.refused`, one of which every start makes. A **state directory** is
/// ours when nothing is in it but names of ours, or a catalog, or the lock of an earlier life.
extension StateDirectory {
    /// Changes nothing; to be asked before anything is made, moved, deleted or given another mode.
    ///
    /// - Throws: `foreign`.
    package func requireOurs() throws(StoreError) {
        let (state, spool) = (Files.resolved(path), Files.resolved(spool))
        guard spool != state, !state.hasPrefix(spool == "/" ? spool : "\(spool)/"),
            spool != Files.resolved(manifests)
        else {
            throw StoreError(
                .foreign, "the spool directory \(self.spool) would hold other files of the state directory \(path)",
                hint: "choose another with --spool-dir; without it, it is spool/ in the state directory")
        }
        try require("state directory", path, "--state-dir") { (entry) throws(StoreError) in
            if entry.name.hasPrefix("catalog.db") { return .mark }
            if entry.name == Files.name(of: lock), try holdsText(lock) { return .mark }
            if [knownStores, privates, forgotten].map(Files.name(of:)).contains(entry.name) { return .ours }
            return Self.stateNames.contains(entry.name) || entry.name.hasPrefix(".tmp-") ? .ours : .foreign
        }
        try require("spool directory", self.spool, "--spool-dir") { entry in
            if Self.spoolNames.contains(entry.name) { return .mark }
            return Self.systemNames.contains(entry.name) ? .ours : .foreign
        }
        for path in [lock, catalog, "\(catalog)-wal", "\(catalog)-shm", knownStores] { try require(.regular, at: path) }
        for path in [self.path, self.spool, refused, manifests] { try require(.directory, at: path) }
    }

    /// Nothing is there, or what belongs there: no start would get over anything else by itself.
    private func require(_ kind: FileKind, at path: String) throws(StoreError) {
        let (there, led) = try reporting("could not look at \(path)") { () throws(SystemError) in
            (try Files.status(path), try Files.status(path, followLinks: true))
        }
        guard let there, led?.kind != kind else { return }
        let found =
            there.kind == .symlink ? "a link to \(led.map { $0.kind.described } ?? "nothing")" : there.kind.described
        throw StoreError(
            .foreign, "\(path) is \(found), where uploaderd has \(kind.described)",
            hint: "move it away, and start again; nothing was touched")
    }

    /// What is in the first folder of a spool, and no folder of segments.
    static let besidesSegments = spoolNames.union(systemNames)
    private static let spoolNames: Set<String> = [".refused", ".uploaderd.lock"]
    /// What a file system has in its first directory.
    static let systemNames: Set<String> = ["lost+found"]
    private static let stateNames: Set<String> = systemNames.union([
        "lock", "spool", "manifests", "store", "machine-id", "run", "cache", "archive", "queue",
    ])

    private enum Origin {
        /// Only ours have it.
        case mark
        case ours, foreign
    }

    private func require(
        _ what: String, _ path: String, _ flag: String, _ origin: (DirectoryEntry) throws(StoreError) -> Origin
    ) throws(StoreError) {
        let status = try reporting("could not look at \(path)") { () throws(SystemError) in
            try Files.status(path, followLinks: true)
        }
        // What is not there is made by us; what is no directory stands in the way of that.
        guard let status, status.kind == .directory else { return }
        var foreign: [String] = []
        for entry in try reporting("could not list \(path)", { () throws(SystemError) in try Files.list(path) }) {
            switch try origin(entry) {
            case .mark: return
            case .ours: break
            case .foreign: foreign.append(entry.name)
            }
        }
        guard let first = foreign.min() else { return }
        let more = foreign.count > 1 ? " and \(foreign.count - 1) more" : ""
        throw StoreError(
            .foreign, "the \(what) \(path) holds what is not uploaderd's: \"\(first)\"\(more)",
            hint: "choose with \(flag) a directory that is empty or not there yet; nothing in this one was touched")
    }

    private func holdsText(_ path: String) throws(StoreError) -> Bool {
        let status = try reporting("could not look at \(path)") { () throws(SystemError) in try Files.status(path) }
        return status.map { $0.kind == .regular && $0.size > 0 } ?? false
    }
}

extension FileKind {
    fileprivate var described: String {
        switch self {
        case .regular: "a file"
        case .directory: "a directory"
        case .symlink: "a link"
        case .fifo: "a FIFO"
        case .socket: "a socket"
        case .device: "a device"
        case .other: "something else"
        }
    }
}
