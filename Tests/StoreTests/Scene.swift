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
    private let state = Mutex<(now: Int64, pace: Int64)>((1_800_000_000_000_000_000, 0))
    var now: Instant {
        state.withLock { state in
            state.now += state.pace
            return Instant(nanoseconds: state.now)
        }
    }
    var wall: WallTime { WallTime(nanoseconds: state.withLock { $0.now }) }
    func move(by count: Int64) { state.withLock { $0.now += count * 1_000_000_000 } }
    /// From now on so much passes from one look at the clock to the next.
    func passes(_ pace: Duration) { state.withLock { $0.pace = pace.nanoseconds } }
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

extension Scene {
    /// What a life left: segments 1–2 are safe elsewhere and retired, 3–4 delivered, 5–6 only here.
    func lived() async throws -> (Source, FarEnd) {
        let (store, _) = try await open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try Source("ses_1", lines: 12)
        try await store.seal(source, lines: 2, most: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        try await store.retire(try await store.retirable(required: [far.id]))
        try await store.seal(source, lines: 2, most: 2)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        try await store.seal(source, lines: 2, most: 1)
        try await store.seal(source, lines: 1, most: 1)
        #expect(try await store.segments(of: source.key).count == 6)
        #expect(try spoolFiles.count == 4)
        await store.close()
        return (source, far)
    }

    /// Puts another file in the place of one.
    static func rewrite(_ bytes: [UInt8], to path: String) throws {
        try Files.unlink(path)
        let file = try Descriptor.open(path, [.writeOnly, .create])
        try bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }
    }
}
