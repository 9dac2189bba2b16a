import LinuxSystem
import Segments
import Shared

/// The files of the spool: how one is written so that it is there whole after a crash, or not at all.
///
///     write      .tmp-<id>: header, object, in the spool's own folder; then fsync
///     place      the folder <sid>/<stream>/ is made, the file renamed into it, never over another
///     settle     fsync of the folder, and of each folder above it up to spool/ that this process did not sync yet
///
/// What comes together goes through each step together, so that the fsyncs of a step may run at the same time.
///
/// A file whose fsync failed is discarded and cut again: the kernel may have dropped the dirty pages, and a second fsync
/// would say nothing about them (fsync(2), NOTES). Empty folders are removed in passing, some at a time, by the same
/// actor that makes them: nobody else does either, so nothing races.
struct SpoolDirectory {
    let root: String
    let syncs: any Syncing
    /// Folders whose own names are durable, up to the spool; relative. Bounded: to forget them only costs fsyncs.
    private var durable: Set<String> = [""]
    /// Folders from which something was removed since the last sweep; relative.
    private var emptied: Set<String> = []

    /// A seal leaves this much free, in bytes: receipts are rows too, and without them nothing ever leaves a full spool.
    static let reserve: Int64 = 512 << 10
    /// With less than this free the catalog is thrifty.
    static let scarce: Int64 = 32 << 20
    private static let mostKnown = 20_000
    private static let sweepAt = 256

    init(_ root: String, syncs: any Syncing) {
        self.root = root
        self.syncs = syncs
    }

    /// - Parameter relativePath: `""` is the spool's own folder.
    func absolute(_ relativePath: String) -> String { relativePath.isEmpty ? root : "\(root)/\(relativePath)" }
    func temporary(_ id: SpoolTemporaryID) -> String { absolute(Self.name(of: id)) }
    static func name(of id: SpoolTemporaryID) -> String { ".tmp-\(id)" }

    /// Writes header and object into the temporary file, without syncing it.
    ///
    /// - Returns: the header's length.
    func write(_ object: SegmentObject, header: SpoolHeader, to id: SpoolTemporaryID) throws(StoreError) -> Int {
        let path = temporary(id)
        switch object {
        case .bytes(let bytes):
            try requireSpace(for: Int64(bytes.count))
            let head = try encoded(header, room: nil)
            try reporting("could not write the segment \(header.record.objectName) to \(path)") {
                () throws(SystemError) in
                let file = try Descriptor.open(path, [.writeOnly, .create, .exclusive, .noFollow])
                try head.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
                try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
                try file.close()
            }
            return head.count
        case .spooled(let streamed):
            try requireSpace(for: 0)
            return try writeHeader(header, before: streamed)
        }
    }

    func freeSpace() throws(StoreError) -> Int64 {
        try reporting("could not look at \(root)") { () throws(SystemError) in try Files.freeSpace(at: root) }
    }

    private func requireSpace(for bytes: Int64) throws(StoreError) {
        let free = try freeSpace()
        guard free >= bytes + Self.reserve else {
            throw StoreError(
                .noSpace,
                "the disk of \(root) has \(ByteCount(free)) free, and the last \(ByteCount(Self.reserve)) are for receipts",
                hint: "free space on that file system, or lower spool.max_bytes")
        }
    }

    /// Syncs a temporary file. After a throw the file must be discarded.
    func sync(_ id: SpoolTemporaryID) throws(StoreError) {
        if let error = syncs.sync([SyncTarget(file: temporary(id))])[0] { throw failure(toSync: id, error) }
    }

    func failure(toSync id: SpoolTemporaryID, _ error: SystemError) -> StoreError {
        StoreError("could not make \(temporary(id)) durable", error)
    }

    /// Renames the temporary file to its final name. Durable only after `settle`.
    mutating func place(_ id: SpoolTemporaryID, at relativePath: String) throws(StoreError) {
        let folder = Files.parent(of: relativePath)
        do throws(SystemError) {
            if !durable.contains(folder) {
                for folder in Self.chain(of: folder) { try Files.makeDirectory(absolute(folder)) }
            }
            try Files.rename(temporary(id), to: absolute(relativePath), replacing: false)
        } catch {
            // Somebody may have removed the folder: the next attempt makes it again.
            durable = [""]
            throw StoreError("could not move a segment to \(absolute(relativePath))", error)
        }
    }

    /// Makes the names in these folders durable, and the folders' own. Each folder is synced once, however many need it.
    ///
    /// - Returns: by folder, why its names are not.
    mutating func settle(_ folders: Set<String>) -> [String: StoreError] {
        let wanted = foldersToSync(for: folders)
        return settle(folders, after: syncs.sync(wanted.map { SyncTarget(directory: absolute($0)) }), of: wanted)
    }

    /// The folders that have to be synced for the names in `folders`, and for their own.
    func foldersToSync(for folders: Set<String>) -> [String] {
        var wanted = folders
        for folder in folders {
            for step in Self.chain(of: folder) where !durable.contains(step) { wanted.insert(Self.above(step)) }
        }
        return wanted.sorted()
    }

    /// What follows from having synced them; as `settle(_:)`.
    mutating func settle(
        _ folders: Set<String>, after results: [SystemError?], of wanted: [String]
    ) -> [String: StoreError] {
        var failures: [String: SystemError] = [:]
        for (folder, failure) in zip(wanted, results) where failure != nil { failures[folder] = failure }
        var unsettled: [String: StoreError] = [:]
        for folder in folders {
            var failure = failures[folder]
            // From the top, so that `durable` never has a folder whose way down is not.
            for step in Self.chain(of: folder) where !durable.contains(step) {
                if let above = failures[Self.above(step)] {
                    failure = failure ?? above
                    break
                }
                durable.insert(step)
            }
            if let failure {
                unsettled[folder] = StoreError("could not make the names in \(absolute(folder)) durable", failure)
            } else {
                emptied.remove(folder)
            }
        }
        if durable.count > Self.mostKnown { durable = [""] }
        return unsettled
    }

    /// Removes a file that no row needs; one that is gone already is not an error.
    mutating func remove(_ relativePath: String) throws(StoreError) {
        try reporting("could not remove \(absolute(relativePath))") { () throws(SystemError) in
            try Files.unlink(absolute(relativePath))
        }
        let folder = Files.parent(of: relativePath)
        // The spool's own folder stays.
        if folder != "." { emptied.insert(folder) }
        if emptied.count >= Self.sweepAt { try sweep() }
    }

    func discard(_ id: SpoolTemporaryID) throws(StoreError) {
        try reporting("could not remove \(temporary(id))") { () throws(SystemError) in
            try Files.unlink(temporary(id))
        }
    }

    /// Removes the folders that became empty.
    mutating func sweep() throws(StoreError) {
        let folders = emptied
        emptied = []
        try reporting("could not remove empty folders in \(root)") { () throws(SystemError) in
            for folder in folders {
                for folder in Self.chain(of: folder).reversed() {
                    guard try Files.removeDirectory(absolute(folder)) else { break }
                    durable.remove(folder)
                }
            }
        }
    }

    private static func above(_ folder: String) -> String {
        let parent = Files.parent(of: folder)
        return parent == "." ? "" : parent
    }

    /// `a/b/c` → `a`, `a/b`, `a/b/c`.
    private static func chain(of folder: String) -> [String] {
        var all: [String] = []
        for component in folder.split(separator: "/") {
            all.append(all.last.map { "\($0)/\(component)" } ?? String(component))
        }
        return all
    }

    private func encoded(_ header: SpoolHeader, room: Int?) throws(StoreError) -> [UInt8] {
        do throws(SegmentError) {
            return try header.encoded(room: room)
        } catch {
            throw StoreError(.internalFailure, "could not write a spool header", cause: error)
        }
    }

    /// Fills the room before an object that was streamed; a header that is longer moves the object to another file.
    private func writeHeader(_ header: SpoolHeader, before id: SpoolTemporaryID) throws(StoreError) -> Int {
        let path = temporary(id)
        let expected = Int64(SpoolHeader.roomForStreamed) + header.record.storedBytes
        let size = try reporting("could not look at \(path)") { () throws(SystemError) in try Files.status(path)?.size }
        guard size == expected else {
            let found = size.map { "\($0) bytes long" } ?? "not there"
            throw StoreError(.damaged, "the streamed object \(path) is \(found), not \(expected) bytes long")
        }
        var head = try encoded(header, room: nil)
        if head.count <= SpoolHeader.roomForStreamed {
            head = try encoded(header, room: SpoolHeader.roomForStreamed)
            try reporting("could not write the header of \(path)") { () throws(SystemError) in
                let file = try Descriptor.open(path, [.writeOnly, .noFollow])
                try head.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer, at: 0) }
                try file.close()
            }
            return head.count
        }
        try reporting("could not write the header of \(path)") { () throws(SystemError) in
            try copyBehind(head, objectOf: path, to: "\(path)-long")
        }
        return head.count
    }

    private func copyBehind(_ head: [UInt8], objectOf path: String, to copy: String) throws(SystemError) {
        do throws(SystemError) {
            let source = try Descriptor.open(path, [.readOnly, .noFollow])
            let target = try Descriptor.open(copy, [.writeOnly, .create, .exclusive, .noFollow])
            try head.withBytes { (buffer) throws(SystemError) in try target.writeAll(buffer) }
            var offset = Int64(SpoolHeader.roomForStreamed)
            var chunk = [UInt8](repeating: 0, count: 256 << 10)
            while true {
                let count = try chunk.withMutableBytes { (buffer) throws(SystemError) in
                    let count = try source.readFully(into: buffer, at: offset)
                    try target.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    return count
                }
                if count == 0 { break }
                offset += Int64(count)
            }
            try target.close()
            try Files.rename(copy, to: path, replacing: true)
        } catch {
            do throws(SystemError) { try Files.unlink(copy) } catch {}  // the first error is the one that matters
            throw error
        }
    }
}
