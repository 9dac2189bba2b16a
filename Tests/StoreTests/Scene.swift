import Digests
import Glibc
import LinuxSystem
import Redaction
import Segments
import Shared
import Store
import Synchronization
import TestSupport
import Testing

/// A clock that stands still until it is moved.
final class StillTime: TimeSource {
    private let seconds = Mutex<Int64>(1_800_000_000)
    var now: Instant { Instant(nanoseconds: wall.nanoseconds) }
    var wall: WallTime { WallTime(seconds: seconds.withLock { $0 }) }
    func move(by count: Int64) { seconds.withLock { $0 += count } }
    func schedule(at deadline: Instant, _ fire: @escaping @Sendable () -> Void) -> TimerToken {
        TimerToken(deadline: deadline, serial: 0)
    }
    func cancel(_ token: TimerToken) {}
    func whenSet(_ call: (@Sendable (Duration) -> Void)?) {}
}

final class EventList: EventLog {
    private let list = Mutex<[Event]>([])
    func record(_ event: Event) { list.withLock { $0.append(event) } }
    var kinds: [EventKind] { list.withLock { $0.map(\.kind) } }
}

/// Calls a closure at a point; it runs on the store's lane, between two steps of the crash protocol.
final class FaultClosure: FaultHook {
    private let body = Mutex<(@Sendable (FaultPoint) -> Void)?>(nil)
    func set(_ closure: (@Sendable (FaultPoint) -> Void)?) { body.withLock { $0 = closure } }
    func reach(_ point: FaultPoint) { body.withLock { $0 }?(point) }
}

/// A folder that is removed at the end.
final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/store-tests-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        path = String(cString: made)
    }

    deinit { Tree.remove(path) }
}

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

/// A state directory, and the store on it.
final class Scene: Sendable {
    let folder: Folder
    let directory: StateDirectory
    let time = StillTime()
    let random: SeededRandom
    let log = EventList()
    let faults = FaultClosure()
    let lane = Lane(name: "store")

    init(_ name: String = "state", in folder: Folder? = nil, seed: UInt64 = 1) throws {
        let folder = try folder ?? Folder()
        self.folder = folder
        directory = StateDirectory("\(folder.path)/\(name)")
        random = SeededRandom(seed)
    }

    deinit { lane.stop() }

    func open() async throws -> (Store, RecoveryReport) {
        try await Store.open(directory, executor: lane, time: time, random: random, faults: faults, log: log)
    }

    /// Another directory with what is in this one now.
    func copy(_ name: String) throws -> Scene {
        let scene = try Scene(name, in: folder, seed: random.next())
        try Tree.copy(directory.path, to: scene.directory.path)
        return scene
    }

    var spoolFiles: [String] {
        get throws { try Tree.files(directory.spool).filter { !$0.hasPrefix(".refused/") } }
    }
}

extension Store {
    /// Seals `source` to its end, or `most` segments of it.
    @discardableResult
    func seal(_ source: Source, lines: Int, most: Int = .max) async throws -> [SegmentID] {
        var ids: [SegmentID] = []
        while ids.count < most, let (segment, cursor) = try source.cut(self.cursor(of: source.key), lines: lines) {
            ids.append(try await seal(segment, advancing: cursor, source: source.info))
        }
        return ids
    }

    func object(_ id: SegmentID) throws -> [UInt8]? {
        guard let object = try openObject(id) else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(object.size))
        var done = 0
        while done < bytes.count {
            let from = done
            done += try bytes.withMutableBytes { (buffer) throws(SystemError) in
                try object.read(at: Int64(from), into: UnsafeMutableRawBufferPointer(rebasing: buffer[from...]))
            }
        }
        return bytes
    }
}

/// Stores at the far end: what was put, by name.
final class FarEnd: Sendable {
    let id: StoreID
    private let state = Mutex<(objects: [String: [UInt8]], manifest: Manifest?)>(([:], nil))
    init(_ id: String) { self.id = StoreID(id) }

    /// One that holds what `other` holds now.
    convenience init(copying other: FarEnd) {
        self.init(other.id.rawValue)
        let held = other.state.withLock { $0 }
        state.withLock { $0 = held }
    }

    var objects: [String: [UInt8]] { state.withLock { $0.objects } }
    var manifest: Manifest? { state.withLock { $0.manifest } }

    /// An object is final: the same name is the same bytes.
    func put(_ name: String, _ bytes: [UInt8]) {
        state.withLock { state in
            if let old = state.objects[name] { #expect(old == bytes, "\(name) was changed") }
            state.objects[name] = bytes
        }
    }

    func delete(_ name: String) { state.withLock { $0.objects[name] = nil } }
    func put(_ manifest: Manifest) { state.withLock { $0.manifest = manifest } }

    /// What a reader gets from the manifest alone.
    func content(of stream: StreamName = .main, generation: Int = 1) throws -> [UInt8] {
        let manifest = try #require(self.manifest)
        let segments = stream == .main ? manifest.segments : manifest.streams[stream.rawValue]?.segments ?? []
        var bytes: [UInt8] = []
        for segment in segments where segment.generation == generation {
            bytes += try #require(objects[segment.path], "\(segment.path) is listed and not there")
        }
        return bytes
    }
}

extension Store {
    func deliver(to end: FarEnd, most: Int = .max, faults: (any FaultHook)? = nil) async throws {
        var count = 0
        while count < most, let next = try nextDeliveries(to: end.id, limit: 1).first {
            guard try await claim(next.id, for: end.id) else { continue }
            let bytes = try #require(try object(next.id), "\(next.id) is not in the spool")
            end.put(next.record.objectPath, bytes)
            faults?.reach(.deliverPut)
            try await record(receiptFor: next.id, at: end.id)
            count += 1
        }
    }

    func publish(to end: FarEnd, faults: (any FaultHook)? = nil) async throws {
        for session in try publishable(to: end.id) {
            let basis = try manifestBasis(of: session, at: end.id)
            let manifest = basis.manifest
            let text = try JSONText.encode(manifest)
            try keep(text, for: basis)
            end.put(manifest)
            faults?.reach(.manifestPut)
            try recordManifest(basis, digest: RunningDigest.digest(of: text))
        }
    }
}

extension ManifestBasis {
    var manifest: Manifest {
        var manifest = Manifest(
            sid: session.rawValue, createdAt: RFC3339.text(createdAt), updatedAt: RFC3339.text(at))
        manifest.writer = writer
        manifest.epoch = epoch
        manifest.session = facts
        manifest.superseded = superseded
        manifest.gaps = gaps
        var chains: [String: [String: Digest256]] = [:]
        for stream in streams {
            for (generation, chain) in stream.chains {
                chains[stream.stream.stream.rawValue, default: [:]]["\(generation)"] = chain
            }
            if stream.stream.stream == .main {
                manifest.activeSeq = stream.activeSeq
                manifest.segments = stream.segments
                manifest.checkpoints = stream.checkpoints
            } else {
                manifest.streams[stream.stream.stream.rawValue] = ManifestStream(
                    kind: stream.kind, agentID: stream.agentID, activeSeq: stream.activeSeq,
                    segments: stream.segments, checkpoints: stream.checkpoints)
            }
        }
        manifest.chain = ManifestChain(streams: chains, fold: RunningDigest().digest())
        return manifest
    }
}

/// The invariants that hold for a stream at any moment: nothing before the cursor is left out or there twice, names
/// are unique, what is in the spool is what the source had there.
func expectWhole(
    _ store: Store, _ source: Source, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let cursor = try await store.cursor(of: source.key)
    let segments = try await store.segments(of: source.key)
    for generation in 1...max(1, cursor?.generation ?? 1) {
        var end: Int64 = 0
        var line = 0
        for segment in segments where segment.record.generation == generation {
            let record = segment.record
            #expect(record.sourceOffset == end, sourceLocation: sourceLocation)
            #expect(record.firstLine == line + 1, sourceLocation: sourceLocation)
            #expect(segment.state != .lost, sourceLocation: sourceLocation)
            if let object = try await store.object(segment.id) {
                let range = Int(record.sourceOffset)..<Int(record.sourceOffset + record.sourceBytes)
                #expect(object == Array(source.generations[generation - 1][range]), sourceLocation: sourceLocation)
            }
            if record.partial {
                if generation == cursor?.generation {
                    #expect(
                        cursor?.partialEnd == record.sourceOffset + record.sourceBytes, sourceLocation: sourceLocation)
                }
                continue
            }
            end += record.sourceBytes
            line += record.lines
        }
        if generation == cursor?.generation {
            #expect(cursor?.offset == end, sourceLocation: sourceLocation)
            #expect(cursor?.line == line, sourceLocation: sourceLocation)
        }
    }
    let seqs = segments.map(\.record.seq)
    #expect(Set(seqs).count == seqs.count, "a number was used twice: \(seqs)", sourceLocation: sourceLocation)
    #expect((seqs.max() ?? 0) < (cursor?.nextSeq ?? 1), sourceLocation: sourceLocation)
    if let chain = cursor?.chainState, let digest = RunningDigest(state: chain), let cursor {
        #expect(digest.count == UInt64(cursor.offset), sourceLocation: sourceLocation)
    }
}

enum Process {
    static var id: Int32 { getpid() }
}

func symlinked(_ target: String, _ path: String) -> Bool { symlink(target, path) == 0 }

extension Source {
    static func expectedMAC(of bytes: [UInt8]) -> Digest256 { machine.mac(of: RunningDigest.digest(of: bytes)) }
}
