package import Digests
import LinuxSystem
package import Shared

/// What a read found.
package enum TailRead: Hashable, Sendable {
    /// So many bytes at the beginning of the buffer.
    case bytes(Int)
    case atEnd
    /// The file is shorter than what was read of it.
    case shrunk
    /// The bytes before the offset are not those that were read: nothing was taken from there.
    case mismatch
}

/// One source that is open, and how far it was read.
///
/// Opened beneath its root, without following a link, and only if it is a regular file; what is none is never opened for
/// reading. Blocks as the disk does, never for a peer; on a work lane.
package struct FileTail: ~Copyable {
    /// In bytes: one read takes at most this much.
    package static let chunk = 1 << 20

    package let path: SourcePath
    package let identity: FileIdentity
    /// The place of the next read, and the bytes before it.
    package private(set) var marker = SourceMarker()
    let file: Descriptor
    /// The same file, if it is a compressed one: then all offsets are of its uncompressed bytes.
    let packed: PackedFile?
    /// `nil`: the file came open, and only who passed it knows what its path leads to.
    let root: RootDirectory?
    let key: MachineKey
    /// How much was read of it before it was kept open; 0: it was not.
    package let keptEnd: Int64

    /// - Throws: `missing`, `refused` (no regular file, or a link on the way), `unreadable`, `tooManyOpen`.
    package init(_ path: SourcePath, in roots: RootDirectories, key: MachineKey) throws(CaptureError) {
        let passed = roots.passed.flatMap { $0.path == path ? $0 : nil }
        let root = passed == nil ? try roots.directory(path.root) : nil
        try self.init(path, below: root, key: key) { () throws(SystemError) in
            try Self.place(of: path, below: root, or: passed)
        }
    }

    init(
        _ path: SourcePath, below root: RootDirectory?, key: MachineKey, at place: () throws(SystemError) -> Place
    ) throws(CaptureError) {
        do throws(SystemError) {
            // First by O_PATH, which wakes no FIFO's writer and no device; then that very file for reading.
            let place = try place()
            let status = try place.descriptor.status()
            guard status.kind == .regular else { throw SystemError("open", code: Self.notRegular) }
            let opened = try place.opened()
            packed = place.isPacked ? try PackedFile(try opened.duplicate()) : nil
            identity = status.identity
            file = opened
        } catch {
            guard error.code != Self.notRegular else {
                throw CaptureError(.refused, "\(path) is not a regular file, so it is not read")
            }
            throw CaptureError("open", path.absolute, error)
        }
        self.path = path
        self.root = root
        self.key = key
        keptEnd = 0
    }

    private func size() throws(SystemError) -> Int64 {
        if let packed { return try packed.size() }
        return try file.status().size
    }

    private func readFully(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(SystemError) -> Int {
        if let packed { return try packed.readFully(into: buffer, at: offset) }
        return try file.readFully(into: buffer, at: offset)
    }

    /// No errno(3) has this value.
    private static let notRegular: Int32 = .max

    package var offset: Int64 { marker.offset }

    package var isPacked: Bool { packed != nil }

    package func observe() throws(CaptureError) -> SourceObservation {
        do throws(SystemError) {
            let status = try file.status()
            return SourceObservation(
                size: try size(), modified: status.modified, links: root == nil ? 1 : status.links,
                identity: status.identity, place: try place())
        } catch {
            throw CaptureError("look at", path.absolute, error)
        }
    }

    private func place() throws(SystemError) -> SourceObservation.Place {
        guard let root else { return .same }
        do throws(SystemError) {
            let now = try Self.place(of: path, below: root, or: nil).descriptor.status()
            return now.identity == identity ? .same : .replaced
        } catch {
            if error.isNotFound { return .gone }
            if error.isEscape { return .replaced }
            throw error
        }
    }

    /// Checks the file against the cursor, and goes to where reading begins: the cursor when its bytes are the same, 0 when
    /// a generation starts or there is none.
    package mutating func begin(at cursor: StreamCursor?) throws(CaptureError) -> TailPolicy.Start {
        marker = SourceMarker()
        do throws(SystemError) {
            let size = try size()
            guard let cursor, cursor.offset > 0, size >= cursor.offset else {
                return TailPolicy.start(cursor, size: size, head: .unknown, tail: .unknown)
            }
            let wanted = Int(min(cursor.offset, Int64(SourceMarker.length)))
            let head = try bytes(max(wanted, cursor.marks.headLength), at: 0)
            let tailLength = max(wanted, cursor.marks.tailLength)
            let tail = try bytes(tailLength, at: cursor.offset - Int64(tailLength))
            let start = TailPolicy.start(
                cursor, size: size,
                head: match(head.prefix(cursor.marks.headLength), cursor.marks.headLength, cursor.marks.headMAC),
                tail: match(tail.suffix(cursor.marks.tailLength), cursor.marks.tailLength, cursor.marks.tailMAC))
            switch start {
            case .resume, .idle, .verify:
                marker = SourceMarker(
                    offset: cursor.offset, head: Array(head.prefix(wanted)), tail: Array(tail.suffix(wanted)))
            case .start, .newGeneration: break
            }
            return start
        } catch {
            throw CaptureError("read", path.absolute, error)
        }
    }

    /// Reads on from `offset`, at most 1 MiB, after checking that the bytes before it are still those that were read.
    ///
    /// - Note: `pread(2)`; only after `bytes` does the offset move.
    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(CaptureError) -> TailRead {
        if let change = try change() { return change }
        do throws(SystemError) {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Self.chunk))
            let count =
                packed == nil
                ? try file.read(into: room, at: marker.offset) : try readFully(into: room, at: marker.offset)
            guard count > 0 else { return .atEnd }
            marker.advance(over: UnsafeRawBufferPointer(rebasing: room[..<count]))
            return .bytes(count)
        } catch {
            throw CaptureError("read", path.absolute, error)
        }
    }

    /// Whether the bytes before `offset` are no longer those that were read.
    ///
    /// - Returns: `shrunk` or `mismatch`; `nil` while they are.
    package func change() throws(CaptureError) -> TailRead? {
        guard marker.tailLength > 0 else { return nil }
        let length = marker.tailLength
        do throws(SystemError) {
            let before = try bytes(length, at: marker.offset - Int64(length))
            guard before.count == length else { return .shrunk }
            return marker.withTail({ before.elementsEqual($0) }) ? nil : .mismatch
        } catch {
            throw CaptureError("read", path.absolute, error)
        }
    }

    /// Goes back to a place that was passed, if the file still holds the bytes by which it is known: what was read behind
    /// it is read again.
    ///
    /// - Returns: `false` when it does not; then the offset does not move.
    package mutating func goBack(to passed: SourceMarker) throws(CaptureError) -> Bool {
        guard try marks(at: passed.offset) == passed.marks(key) else { return false }
        marker = passed
        return true
    }

    /// Reads bytes anywhere in the file, for checks by digest. The offset does not move.
    ///
    /// - Returns: how many; fewer than the buffer holds only at the end of the file.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(CaptureError) -> Int {
        do throws(SystemError) {
            return try readFully(into: buffer, at: offset)
        } catch {
            throw CaptureError("read", path.absolute, error)
        }
    }

    package func hasBytes(at offset: Int64) throws(CaptureError) -> Bool {
        var byte: UInt8 = 0
        return try withUnsafeMutableBytes(of: &byte) { (byte) throws(CaptureError) in
            try read(into: byte, at: offset) > 0
        }
    }

    /// The marks of a place, of the bytes that the file holds now: for a place that was verified by other means, or is to be.
    ///
    /// Marks of what was read come from `marker`. The offset does not move.
    package func marks(at offset: Int64) throws(CaptureError) -> SourceMarks {
        do throws(SystemError) {
            let length = Int(min(offset, Int64(SourceMarker.length)))
            return SourceMarker(
                offset: offset, head: try bytes(length, at: 0), tail: try bytes(length, at: offset - Int64(length))
            ).marks(key)
        } catch {
            throw CaptureError("read", path.absolute, error)
        }
    }

    /// Keyed digests of the file's beginning, as marks of a place in it may have them, the longest first: of the first 1,024
    /// bytes, and for what was taken of a shorter file up to each end of a line, from 64 bytes on.
    package func heads() throws(CaptureError) -> [Digest256] {
        do throws(SystemError) {
            let bytes = try bytes(SourceMarker.length, at: 0)
            var ends = bytes.indices.filter { bytes[$0] == 0x0A }.map { $0 + 1 }
            if bytes.count == SourceMarker.length, ends.last != bytes.count { ends.append(bytes.count) }
            return ends.reversed().prefix { $0 >= Self.leastHead }.map { end in
                Array(bytes[..<end]).withBytes { key.mac($0) }
            }
        } catch {
            throw CaptureError("read", path.absolute, error)
        }
    }

    /// Fewer bytes than this say nothing about whose they are.
    private static let leastHead = 64

    /// Whether any process has the file open for writing; `nil` when it cannot be known (not our file, or a file system
    /// without leases).
    package func hasWriter() -> Bool? {
        do throws(SystemError) {
            return try file.hasWriter()
        } catch {
            // Safe: not knowing only keeps an unterminated line waiting.
            return nil
        }
    }

    private func bytes(_ count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        guard count > 0, offset >= 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try bytes.withMutableBytes { (buffer) throws(SystemError) in
            try readFully(into: buffer, at: offset)
        }
        bytes.removeLast(count - read)
        return bytes
    }

    private func match(_ bytes: ArraySlice<UInt8>, _ length: Int, _ mac: Digest256?) -> MarkMatch {
        guard length > 0, let mac else { return .unknown }
        guard bytes.count == length else { return .differs }
        return Array(bytes).withBytes { key.mac($0) } == mac ? .matches : .differs
    }
}
