import ControlPlane
import Glibc
import LinuxSystem
import Shared
import Synchronization
import Testing

/// What a test's handler answers with, and what it saw.
final class ScriptedHandler: ControlHandler {
    struct State {
        var status = Samples.status
        var revision: UInt64 = 1
        var sessions: [SessionItem] = []
        var detail: SessionDetail?
        var pieces: [ReplayPiece] = []
        /// After the pieces.
        var replayError: ControlError?
        var unread: [String] = []
        var ranges: [VerifiedRange] = []
        var flushes: [FlushRequest] = []
        /// By flush: the size of the file that came with it.
        var flushedSizes: [Int64?] = []
        var replays: [ReplayRequest] = []
        var sent = 0
        var cancelled = 0
        var reloads = 0
        var reloadError: ControlError?
        /// Replays wait here, after the pieces, until they are cancelled.
        var holdsReplay = false
        /// Called as a replay begins.
        var whenReplaying: (@Sendable () -> Void)?
    }

    let state = Mutex(State())
    let changed = Doorbell()
    /// Rung when a replay or a flush has begun to wait, and when it was cancelled.
    let time: any TimeSource
    private let signal: Descriptor.Pipe

    init(time: any TimeSource) throws {
        self.time = time
        signal = try Descriptor.pipe()
    }

    /// Blocks until the handler has said so.
    func waitForSignal() throws {
        guard try signal.reading.wait(.readable, milliseconds: patience) else {
            throw SystemError("no signal", code: 62)
        }
        var byte: [UInt8] = [0]
        _ = try byte.withMutableBytes { (bytes) throws(SystemError) in try signal.reading.read(into: bytes) }
    }

    private func raise() {
        _ = try? [UInt8(1)].withBytes { (bytes) throws(SystemError) in try signal.writing.write(bytes) }
    }

    func change(_ edit: (inout StatusReply) -> Void) {
        state.withLock { state in
            edit(&state.status)
            state.revision += 1
        }
        changed.ring()
    }

    func status() async throws(ControlError) -> StatusSnapshot {
        state.withLock { StatusSnapshot($0.status, revision: $0.revision) }
    }

    func statusChange(after revision: UInt64) async throws(CancellationError) {
        while state.withLock({ $0.revision == revision }) {
            _ = await changed.wait(on: time)
            if Task.isCancelled { throw CancellationError() }
        }
    }

    func sessions(_ filter: SessionFilter, limit: Int) async throws(ControlError) -> [SessionItem] {
        state.withLock { state in
            Array(
                state.sessions.filter { item in
                    guard let after = filter.after else { return true }
                    return item.sid > after
                }.prefix(limit))
        }
    }

    func session(_ sid: SessionID) async throws(ControlError) -> SessionDetail {
        guard let detail = state.withLock({ $0.detail }), detail.session?.sid == sid else {
            throw ControlError(.noSuchSession, "no session \(sid) is known here")
        }
        return detail
    }

    func replay(_ request: ReplayRequest, to sink: ReplySink<ReplayPiece>) async throws(ControlError) -> [String] {
        let (pieces, error, holds, unread) = state.withLock { state in
            state.replays.append(request)
            return (state.pieces, state.replayError, state.holdsReplay, state.unread)
        }
        state.withLock { $0.whenReplaying }?()
        for piece in pieces {
            do throws(ControlError) {
                try await sink.send(piece)
            } catch {
                state.withLock { $0.cancelled += 1 }
                raise()
                throw error
            }
            state.withLock { $0.sent += 1 }
        }
        if holds {
            raise()
            _ = await Doorbell().wait(on: time)
            state.withLock { $0.cancelled += 1 }
            raise()
        }
        if let error { throw error }
        return unread
    }

    func verify(
        _ request: VerifyRequest, to sink: ReplySink<[VerifiedRange]>
    ) async throws(ControlError) -> VerifySummary {
        let ranges = state.withLock { $0.ranges }
        try await sink.send(ranges)
        var summary = VerifySummary()
        summary.sessions = 1
        for range in ranges { summary.count(range.state) }
        return summary
    }

    func flush(
        _ request: FlushRequest, passed: PassedDescriptor?, progress: ReplySink<FlushReply>
    ) async throws(ControlError) -> FlushReply {
        let size: Int64?
        do throws(SystemError) { size = try passed?.take()?.status().size } catch { size = -1 }
        state.withLock {
            $0.flushes.append(request)
            $0.flushedSizes.append(size)
        }
        raise()
        try await progress.send(FlushReply(sealed: 1, queued: 1, queuedBytes: 10))
        try await progress.send(FlushReply(sealed: 1, queued: 1, queuedBytes: 5))
        return FlushReply(sealed: 1, queued: 0, queuedBytes: 0)
    }

    func reload() async throws(ControlError) -> ReloadReply {
        state.withLock { $0.reloads += 1 }
        raise()
        if let error = state.withLock({ $0.reloadError }) { throw error }
        return ReloadReply(file: "/home/u/.config/uploaderd/uploaderd.toml", changed: ["segments.max_age"])
    }

    func configuration() async throws(ControlError) -> ConfigurationReply {
        ConfigurationReply(file: nil, settings: [.init(key: "segments.codec", value: "\"gzip\"", origin: "default")])
    }
}

/// A server on a loop of its own thread, on a socket in a directory of its own.
final class TestServer {
    let loop: EventLoop
    let lane: Lane
    let time: FakeTime
    let log = RecordingLog()
    let handler: ScriptedHandler
    let directory: String
    let path: String
    let server: ControlServer

    init(limits: ControlLimits = ControlLimits(), owner: UInt32 = Process.user) throws {
        // What the daemon's signal handling does: a reader that goes away is EPIPE.
        signal(SIGPIPE, SIG_IGN)
        directory = try Self.temporaryDirectory()
        path = "\(directory)/run/control.sock"
        let loop = try EventLoop()
        self.loop = loop
        time = try FakeTime(loop: loop)
        handler = try ScriptedHandler(time: time)
        server = ControlServer(
            on: try ControlSocket.binding(path), loop: loop, time: time, log: log, owner: owner, limits: limits,
            handler: handler)
        lane = Lane(name: "test-loop")
        lane.start { loop.run() }
        try sync { [server] in
            do throws(ControlPlaneError) { try await server.start() } catch { fatalError("\(error)") }
        }
    }

    /// Runs `body` on the loop and blocks until it is done.
    func sync(_ body: @escaping @Sendable () async -> Void) throws {
        let pipe = try Descriptor.pipe()
        let writing = Once(try pipe.writing.duplicate())
        loop.start {
            await body()
            _ = try? [UInt8(1)].withBytes { (bytes) throws(SystemError) in try writing.descriptor.write(bytes) }
        }
        guard try pipe.reading.wait(.readable, milliseconds: patience) else { throw SystemError("loop", code: 62) }
    }

    func stop() {
        try? sync { [server] in
            await server.cancel()
            await server.drain()
        }
        loop.stop()
        lane.stop()
        _ = try? Files.removeDirectory("\(directory)/run")
        _ = try? Files.removeDirectory(directory)
    }

    static func temporaryDirectory() throws -> String {
        var template = Array("/tmp/uploaderd-control-XXXXXX".utf8CString)
        return String(cString: try #require(mkdtemp(&template)))
    }
}

private final class Once: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// Speaks raw bytes.
final class RawClient {
    let socket: UnixConnection
    private var framing = VarlinkFraming(limit: 16 << 20)
    private(set) var isClosed = false

    /// Patient while more connect than the server has accepted.
    init(_ path: String) throws { socket = try Self.connect(path) }

    private static func connect(_ path: String) throws -> UnixConnection {
        for _ in 0..<10_000 {
            do throws(SystemError) {
                return try UnixConnection.connect(to: path)
            } catch {
                guard error.wouldBlock else { throw error }
                sched_yield()
            }
        }
        throw SystemError("connect", path: path, code: EAGAIN)
    }

    func send(_ text: String, nul: Bool = true) throws { try send(Array(text.utf8) + (nul ? [0] : [])) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            do throws(SystemError) {
                sent += try bytes.withBytes { (buffer) throws(SystemError) in
                    try socket.send(UnsafeRawBufferPointer(rebasing: buffer[sent...]))
                }
            } catch {
                guard error.wouldBlock, try socket.wait(.writable, milliseconds: patience) else { throw error }
            }
        }
    }

    /// The next reply; `nil` when the server closed.
    func reply() throws -> JSONValue? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            if let frame = try framing.next() { return try JSONReader.value(of: frame) }
            if isClosed { return nil }
            do throws(SystemError) {
                let count = try buffer.withMutableBytes { (bytes) throws(SystemError) in
                    try socket.receive(into: bytes).count
                }
                if count == 0 { isClosed = true }
                buffer.withUnsafeBytes { framing.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            } catch {
                if error.code == ECONNRESET {
                    isClosed = true
                } else {
                    guard error.wouldBlock, try socket.wait(.readable, milliseconds: patience) else { throw error }
                }
            }
        }
    }

    func call(_ method: String, _ parameters: String = "{}", _ rest: String = "") throws -> JSONValue? {
        try send(#"{"method":"\#(method)","parameters":\#(parameters)\#(rest)}"#)
        return try reply()
    }
}

/// Messages with every field set.
enum Samples {
    static let status = StatusReply(
        pid: 4711, startedAt: "2026-11-20T11:38:39Z", uptimeSeconds: 3_661,
        health: [
            HealthEntry(
                kind: "destination_held", subject: "archive", message: "the key was refused", hint: "give another",
                since: "2026-11-20T11:40:00Z")
        ], redaction: RedactionStatus(rules: "none"),
        destinations: [
            DestinationStatus(
                name: "archive", type: "directory", state: .held, required: true, queued: 3, queuedBytes: 4_096,
                oldestUnsafeSeconds: 61, lastError: "No space left on device", storeID: "5f")
        ], sessions: SessionCounts(live: 2, known: 40),
        watching: WatchingStatus(roots: [RootStatus(agent: .claude, root: "/home/u/.claude", state: .watching)]),
        spool: SpoolStatus(bytes: 4_096, maxBytes: 4 << 30),
        rates: Rates(lines: 1.5, bytesRead: 2_048, bytesDelivered: 512),
        backfill: BackfillStatus(bytesTotal: 1_000, bytesDone: 250), storePath: "/home/u/.local/state/uploaderd/store")

    static func session(_ text: String) throws -> SessionItem {
        var facts = SessionFacts(agent: .claude)
        facts.agentVersion = "2.1"
        facts.cwd = "/home/u/project"
        facts.cwds = ["/home/u/project"]
        facts.git = .object(["branch": .string("main")])
        facts.branches = ["main"]
        facts.title = "A title"
        facts.firstUserMessage = "Hello"
        facts.summary = "It was said"
        facts.model = "m"
        facts.models = ["m"]
        facts.startedAt = "2026-11-20T10:00:00Z"
        facts.lastAt = "2026-11-20T11:00:00Z"
        facts.endedAt = "2026-11-20T11:00:00Z"
        facts.endReason = "exit"
        facts.parentSID = SessionID("parent")
        facts.links = [.object(["url": .string("https://example.org")])]
        facts.host = "laptop"
        facts.machine = "m1"
        facts.user = "u"
        facts.sourcePath = "/home/u/.claude/projects/p/s.jsonl"
        return SessionItem(
            sid: try #require(SessionID(text)), facts: facts, streams: [.main], lines: 10, bytes: 1_234, safeLines: 8,
            atRisk: true)
    }

    static func segment(_ sid: String, seq: Int) throws -> SegmentItem {
        let digest = try #require(Digest256(bytes: [UInt8](repeating: UInt8(seq & 255), count: 32)))
        let record = SegmentRecord(
            stream: StreamKey(session: try #require(SessionID(sid)), stream: .main), generation: 1, seq: seq,
            firstLine: seq * 10 - 9, lines: 10, sourceOffset: 0, sourceBytes: 10, sourceMAC: digest, bytes: 100,
            storedBytes: 50, checksum: digest, objectChecksum: digest, chain: digest, codec: .gzip, cut: .quiet,
            partial: false, rules: "none", redactions: [:], anomalies: [:], members: [], firstTS: 1, lastTS: 2)
        return SegmentItem(
            record, state: .retired, deliveries: [DeliveryItem(destination: "archive", at: "2026-11-20T11:38:39Z")])
    }

    static func checkpoint(_ sid: String) throws -> CheckpointItem {
        CheckpointItem(
            CheckpointRecord(
                stream: StreamKey(session: try #require(SessionID(sid)), stream: .main), generation: 1, seq: 1,
                lineIndex: 10, line: 10, ts: 1_700_000_000, label: "compacted", git: "abc", branch: "main"))
    }

    static func detail(_ sid: String, segments: Int) throws -> SessionDetail {
        SessionDetail(
            session: try session(sid),
            streams: [
                StreamDetail(
                    stream: .main, kind: "main", agentID: "a1", sourcePath: "/x",
                    generations: [
                        GenerationDetail(
                            generation: 1, lines: 10, bytes: 100, safeLines: 8, segments: segments, sourceOffset: 100)
                    ])
            ], checkpoints: [try checkpoint(sid)], segments: try (1...segments).map { try segment(sid, seq: $0) },
            writers: [
                WriterItem(writer: "00aa", isOurs: true, destinations: ["archive"], lines: 10, host: "here"),
                WriterItem(
                    writer: "00bb", isOurs: false, destinations: ["archive"], lines: 3, continues: "00aa",
                    continuesLine: 10),
            ])
    }

    static func range(_ state: VerifiedRange.State, line: Int = 1) throws -> VerifiedRange {
        VerifiedRange(
            sid: try #require(SessionID("s1")), stream: .main, generation: 1, firstLine: line, lines: 10,
            destination: "archive", state: state, detail: "why", writer: "00bb")
    }

    static func pieces(_ texts: [String]) -> [ReplayPiece] {
        var offset: Int64 = 0
        return texts.map { text in
            defer { offset += Int64(text.utf8.count) }
            return ReplayPiece(stream: .main, generation: 1, offset: offset, bytes: Array(text.utf8))
        }
    }
}
