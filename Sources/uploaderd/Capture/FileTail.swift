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
    private let file: Descriptor
    private let root: RootDirectory
    private let key: MachineKey

    /// - Throws: `missing`, `refused` (no regular file, or a link on the way), `unreadable`, `tooManyOpen`.
    package init(_ path: SourcePath, in roots: RootDirectories, key: MachineKey) throws(CaptureError) {
        let root = try roots.directory(path.root)
        do throws(SystemError) {
            // First by O_PATH, which wakes no FIFO's writer and no device; then that very file for reading.
            let place = try Descriptor.open(beneath: root.descriptor, path.relativePath, [.pathOnly])
            let status = try place.status()
            guard status.kind == .regular else { throw SystemError("open", code: Self.notRegular) }
            file = try place.reopened([.readOnly, .nonBlocking])
            identity = status.identity
        } catch {
            guard error.code != Self.notRegular else {
                throw CaptureError(.refused, "\(path) is not a regular file, so it is not read")
            }
            throw CaptureError("open", path.absolute, error)
        }
        self.path = path
        self.root = root
        self.key = key
    }

    /// No errno(3) has this value.
    private static let notRegular: Int32 = .max

    package var offset: Int64 { marker.offset }

    package func observe() throws(CaptureError) -> SourceObservation {
        do throws(SystemError) {
            let status = try file.status()
            return SourceObservation(
                size: status.size, modified: status.modified, links: status.links, identity: status.identity,
                place: try place())
        } catch {
            throw CaptureError("look at", path.absolute, error)
        }
    }

    private func place() throws(SystemError) -> SourceObservation.Place {
        do throws(SystemError) {
            let now = try Descriptor.open(beneath: root.descriptor, path.relativePath, [.pathOnly]).status()
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
            let size = try file.status().size
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
            let count = try file.read(into: room, at: marker.offset)
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

    /// Reads bytes anywhere in the file, for checks by digest. The offset does not move.
    ///
    /// - Returns: how many; fewer than the buffer holds only at the end of the file.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(CaptureError) -> Int {
        do throws(SystemError) {
            return try file.readFully(into: buffer, at: offset)
        } catch {
            throw CaptureError("read", path.absolute, error)
        }
    }

    /// The marks of a place, of the bytes that the file holds now: for a place that was verified by other means.
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
            try file.readFully(into: buffer, at: offset)
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
