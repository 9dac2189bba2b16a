import Digests
import Redaction
import Segments
import Shared
import Store
import Synchronization
import Testing

/// The file of a stream, as a test imagines it, and the cutting of its lines.
struct Source {
    let key: StreamKey
    var generations: [[UInt8]] = []
    var info: SourceInfo
    static let machine = MachineKey(bytes: Array("a machine".utf8))
    static let compressors = CompressorPool(codec: .none)
    static let redactor = Redactor(rules: .none)

    init(_ sid: String, _ stream: String = "main", bytes: [UInt8]) throws {
        let name = try #require(StreamName(stream))
        key = StreamKey(session: try #require(SessionID(sid)), stream: name)
        generations = [bytes]
        info = SourceInfo(agent: .generic, root: "/home/u/sessions", relativePath: "\(sid)/\(stream)", kind: "main")
    }

    /// `count` lines with a recognisable content.
    init(_ sid: String, _ stream: String = "main", lines count: Int) throws {
        try self.init(sid, stream, bytes: Source.lines(1...count, of: sid))
    }

    static func lines(_ numbers: ClosedRange<Int>, of name: String) -> [UInt8] {
        numbers.flatMap { Array("{\"n\":\($0),\"of\":\"\(name)\"}\n".utf8) }
    }

    var bytes: [UInt8] { generations[generations.count - 1] }

    /// Seals the next `count` lines behind the cursor; `nil` when there is none. A last line without its end makes a
    /// partial segment.
    func cut(_ cursor: StreamCursor?, lines count: Int, _ reason: CutReason = .lines) throws -> (
        SealedSegment, StreamCursor
    )? {
        var cursor = cursor ?? StreamCursor(stream: key, file: FileIdentity(device: 1, inode: 2, birth: 3))
        if cursor.generation < generations.count {
            cursor = StreamCursor(
                stream: key, generation: cursor.generation + 1, nextSeq: cursor.nextSeq, file: cursor.file)
        }
        let all = bytes
        var end = Int(cursor.offset)
        if cursor.chainState.isEmpty, cursor.line > 0 {
            cursor.chainState = chain(to: cursor.offset)
        }
        guard let start = SegmentStart(continuing: cursor) else { throw SceneError.noChain }
        var writer = SegmentWriter(
            at: start, compressors: Source.compressors, rules: "none", key: Source.machine)
        var taken = 0
        var isPartial = false
        while taken < count, end < all.count {
            let next = all[end...].firstIndex(of: 0x0A).map { $0 + 1 }
            if next == nil, taken > 0 || cursor.partialEnd == Int64(all.count) { break }
            let line = end..<(next ?? all.count)
            isPartial = next == nil
            all[line].withUnsafeBytes { bytes in
                Source.redactor.redact(RawLine(bytes: bytes, offset: Int64(line.lowerBound), terminated: !isPartial)) {
                    writer.append($0)
                }
            }
            end = line.upperBound
            taken += 1
        }
        guard taken > 0 else { return nil }
        let segment = try writer.finish(reason, partial: isPartial)
        var next = cursor
        let behind = try #require(segment.next)
        next.nextSeq = behind.seq
        next.offset = behind.sourceOffset
        next.line = behind.firstLine - 1
        next.chainState = segment.chainState
        next.partialEnd = isPartial ? Int64(end) : nil
        let from = max(0, Int(next.offset) - 1024)
        next.marks = SourceMarks(
            headLength: min(1024, Int(next.offset)),
            headMAC: Source.machine.mac(Array(all.prefix(min(1024, Int(next.offset))))),
            tailLength: Int(next.offset) - from, tailMAC: Source.machine.mac(Array(all[from..<Int(next.offset)])))
        return (segment, next)
    }

    func chain(to offset: Int64) -> [UInt8] {
        var chain = RunningDigest()
        bytes[..<Int(offset)].withUnsafeBytes { chain.update($0) }
        return chain.state
    }

    /// The segment that joins neighbours.
    func merged(_ parts: [StoredSegment], checkpoint: CheckpointRecord? = nil) throws -> SealedSegment {
        var merger = SegmentMerger(key: Source.machine)
        for part in parts {
            let range = Int(part.record.sourceOffset)..<Int(part.record.sourceOffset + part.record.sourceBytes)
            let isLast = part.id == parts.last?.id
            try merger.add(
                part.record, checkpoint: isLast ? checkpoint : nil, object: MemoryObject(Array(bytes[range])))
        }
        return try merger.finish()
    }

    /// Seals one line of the whole source as one that is streamed.
    func streamed(_ temporary: consuming SpoolTemporary, at cursor: StreamCursor) throws -> SealedSegment {
        let start = try #require(SegmentStart(continuing: cursor))
        let file = Mutex(temporary)
        let id = file.withLock { $0.id }
        var writer = try LongLineWriter(at: start, codec: .none, rules: "none", key: Source.machine) { bytes in
            try file.withLock { try $0.append(bytes) }
        }
        var line = Source.redactor.beginLong(offset: cursor.offset)
        try bytes.withUnsafeBytes { all in
            for from in stride(from: 0, to: all.count, by: 1 << 20) {
                let piece = UnsafeRawBufferPointer(rebasing: all[from..<min(from + 1 << 20, all.count)])
                try line.pass(piece) { try writer.append($0) }
            }
        }
        let source = try line.finish { try writer.append($0) }
        return try writer.finish(source, in: id)
    }
}

enum SceneError: Error {
    case noChain
}

extension Source {
    static func expectedMAC(of bytes: [UInt8]) -> Digest256 { machine.mac(of: RunningDigest.digest(of: bytes)) }
}
