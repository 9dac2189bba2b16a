import CDisk
import Glibc
import Synchronization

/// One call that changes or reads what lies below a watched folder.
package struct DiskCall: Sendable {
    package enum Kind: Int32, Sendable, CaseIterable {
        case open, read, write, sync, truncate, rename, unlink, makeDirectory, removeDirectory
    }

    package var kind: Kind
    /// Relative to the watched folder; `""` is the folder itself.
    package var path: String
    package var target: String
    /// An open that makes the file.
    package var makes: Bool
    package var isDirectory: Bool
    package var inode: UInt64
    /// Of a write, in bytes; the size that a truncation leaves.
    package var offset: Int64
    /// What was written; empty before it is.
    package var bytes: [UInt8]
    package var count: Int
}

/// What becomes of a call.
package enum DiskVerdict: Sendable {
    case done
    /// The value of errno(3).
    case fails(Int32)
    /// No more than so many bytes are read or written.
    case short(Int)
}

/// All system calls of this process on files below a folder, SQLite's among them: each is asked about, and seen.
///
/// It stands where libc does (CDisk.h), so the product has no seam for it. An fsync is seen and not done: what would be
/// lost without it is what `DiskImage` knows.
package final class WatchedDisk: Sendable {
    package typealias Rule = @Sendable (DiskCall) -> DiskVerdict

    private let root: String
    private let rule: Rule
    private let seen: @Sendable (DiskCall) -> Void
    /// Its number in CDisk; -1: none.
    private let watch = Mutex<Int32>(-1)

    /// `false` under a sanitizer, which has to stand in the same place.
    package static var isThere: Bool { cdisk_is_there != 0 }

    /// - Parameters:
    ///   - rule: asked before each call. Runs on the thread of the call, one at a time; must be short.
    ///   - seen: told after each call that was done, in the order in which they were.
    package init(
        _ root: String, rule: @escaping Rule = { _ in .done }, seen: @escaping @Sendable (DiskCall) -> Void = { _ in }
    ) {
        self.root = root
        self.rule = rule
        self.seen = seen
        let number = cdisk_watch(
            root, Unmanaged.passUnretained(self).toOpaque(),
            { context, call in WatchedDisk.at(context)?.ask(call) ?? 0 },
            { context, call in WatchedDisk.at(context)?.tell(call) })
        precondition(number >= 0 || !Self.isThere, "too many watched disks at once")
        watch.withLock { $0 = number }
    }

    deinit { end() }

    /// Nothing is asked or told any more.
    package func end() {
        let number = watch.withLock { number in
            defer { number = -1 }
            return number
        }
        cdisk_unwatch(number)
    }

    private static func at(_ context: UnsafeRawPointer?) -> WatchedDisk? {
        context.map { Unmanaged<WatchedDisk>.fromOpaque($0).takeUnretainedValue() }
    }

    private func ask(_ call: UnsafePointer<cdisk_call>?) -> Int64 {
        guard let call, let seen = described(call.pointee) else { return 0 }
        switch rule(seen) {
        case .done: return 0
        case .fails(let code): return -Int64(code)
        case .short(let count): return Int64(max(1, count))
        }
    }

    private func tell(_ call: UnsafePointer<cdisk_call>?) {
        guard let call, let done = described(call.pointee) else { return }
        seen(done)
    }

    private func described(_ call: cdisk_call) -> DiskCall? {
        guard let kind = DiskCall.Kind(rawValue: call.kind) else { return nil }
        return DiskCall(
            kind: kind, path: relative(call.path), target: relative(call.target), makes: call.makes != 0,
            isDirectory: call.is_directory != 0, inode: call.inode, offset: call.offset,
            bytes: call.bytes.map { Array(UnsafeRawBufferPointer(start: $0, count: call.count)) } ?? [],
            count: call.count)
    }

    private func relative(_ path: UnsafePointer<CChar>?) -> String {
        guard let path else { return "" }
        let text = String(cString: path)
        return text == root ? "" : String(text.dropFirst(root.utf8.count + 1))
    }
}
