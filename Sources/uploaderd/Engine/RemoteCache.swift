import LinuxSystem
import Shared

/// What was read of the manifests of one store, in the cache directory: `remote/<store's id>.jsonl`, mode 0600, a line for each manifest
/// (`RemoteManifest` as JSON), ordered by the name of the session's folder. So both it and what takes its place are gone through
/// once, side by side, and no more than a few lines are in memory.
///
/// Valid: a regular file of this user's that nobody else may read or write. A line that is none, or out of order, is as good as not there: its
/// manifest is read again. Blocks.
struct RemoteCache {
    private let file: OpenFile?
    private var offset: Int64 = 0
    private var buffer: [UInt8] = []
    private var ahead: RemoteManifest?

    private static let chunk = 256 << 10
    private static let longestLine = 4 << 20

    static func folder(in directory: String) -> String { "\(directory)/remote" }
    static func path(of store: StoreID, in directory: String) -> String {
        "\(folder(in: directory))/\(StoreName.escaped(store.rawValue)).jsonl"
    }

    init(of store: StoreID, in directory: String) {
        do throws(SystemError) {
            let path = Self.path(of: store, in: directory)
            let file = try Descriptor.open(path, [.readOnly, .noFollow, .nonBlocking])
            let status = try file.status()
            let isOurs = status.kind == .regular && status.owner == Process.user && status.mode == 0o600
            self.file = isOurs ? OpenFile(file) : nil
        } catch {
            file = nil  // safe: everything is read
        }
    }

    /// What is known of a session. Asked in the order of the names.
    mutating func manifests(of name: String) -> [RemoteManifest] {
        var found: [RemoteManifest] = []
        while let next = ahead ?? self.next() {
            ahead = nil
            if next.name > name {
                ahead = next
                break
            }
            if next.name == name { found.append(next) }
        }
        return found
    }

    private mutating func next() -> RemoteManifest? {
        while let line = nextLine() {
            do {
                return try JSONText.decode(RemoteManifest.self, from: line)
            } catch {
                continue  // safe: it is read again
            }
        }
        return nil
    }

    private mutating func nextLine() -> ArraySlice<UInt8>? {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                let line = buffer[..<end]
                buffer = Array(buffer[(end + 1)...])
                return line
            }
            guard buffer.count < Self.longestLine, read() else { return nil }
        }
    }

    private mutating func read() -> Bool {
        guard let file else { return false }
        var part = [UInt8](repeating: 0, count: Self.chunk)
        do throws(SystemError) {
            let from = offset
            let count = try part.withMutableBytes { (room) throws(SystemError) in
                try file.descriptor.read(into: room, at: from)
            }
            offset += Int64(count)
            buffer += part[..<count]
            return count > 0
        } catch {
            return false  // safe: the rest is read again
        }
    }
}

/// Whether it is there is asked again and again, and an optional that cannot be copied is used up by that.
private final class OpenFile {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// What takes its place, once all of the store was gone through.
struct RemoteCacheDraft: ~Copyable {
    private let path: String
    private let file: Descriptor
    private var buffer: [UInt8] = []

    private static let chunk = 256 << 10

    init(of store: StoreID, in directory: String) throws(SystemError) {
        path = RemoteCache.path(of: store, in: directory)
        try Files.makeDirectories(RemoteCache.folder(in: directory))
        let temporary = Self.temporary(path)
        try Files.unlink(temporary)
        file = try Descriptor.open(temporary, [.writeOnly, .create, .exclusive, .noFollow])
    }

    private static func temporary(_ path: String) -> String { "\(path).new" }

    mutating func add(_ manifests: [RemoteManifest]) throws {
        for manifest in manifests {
            buffer += try JSONText.encode(manifest)
            buffer.append(0x0A)
        }
        if buffer.count >= Self.chunk { try flush() }
    }

    private mutating func flush() throws(SystemError) {
        try buffer.withBytes { (bytes) throws(SystemError) in try file.writeAll(bytes) }
        buffer = []
    }

    /// Not synced: what a power cut leaves of it is not valid, or is. Nothing happens where it was taken away: what it holds may have been
    /// forgotten meanwhile.
    mutating func publish() throws(SystemError) {
        try flush()
        do throws(SystemError) {
            try Files.rename(Self.temporary(path), to: path, replacing: true)
        } catch {
            if !error.isNotFound { throw error }
        }
    }
}
