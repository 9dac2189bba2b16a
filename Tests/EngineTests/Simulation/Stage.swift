import Capture
import Delivery
import Digests
import LinuxSystem
import Redaction
import Segments
import Shared
import Store
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// A simulated machine: a folder of sessions, a state directory, far ends, and lives of a daemon, one after the other.
final class Stage: Sendable {
    let world: SimulatedWorld
    let scratch: Scratch
    /// By the destination's name.
    let ends: [String: FarEnd]
    /// Of destinations of the type agnes, whatever their names.
    let fileEnd = FileEnd()
    let log: EventRecorder
    let faults = FaultScript()
    let configuration: UploaderConfiguration
    let machine: MachineFacts

    static let prefix = "sessions/"

    init(
        seed: UInt64 = 1, ends names: [String] = ["store"], agent: Agent = .generic,
        _ change: (inout UploaderConfiguration) -> Void = { _ in }
    ) throws {
        let world = SimulatedWorld(seed: seed)
        self.world = world
        scratch = try Scratch("simulation")
        ends = Dictionary(uniqueKeysWithValues: names.map { ($0, FarEnd(world)) })
        log = EventRecorder(time: world.time)
        try Files.makeDirectories(scratch("home"))
        var configuration = UploaderConfiguration(
            watch: [WatchConfiguration(agent: agent, root: scratch("home"))],
            destinations: names.map {
                DestinationConfiguration(name: $0, place: .directory(path: "/nowhere", prefix: Self.prefix))
            }, archivePath: scratch("archive"), hostLabel: "stage", controlSocket: scratch("control.sock"))
        change(&configuration)
        self.configuration = configuration
        machine = MachineFacts(
            machine: "0123456789abcdef0123456789abcdef", secret: "a secret", host: "stage", user: "player",
            version: "0", process: 1)
    }

    var end: FarEnd { ends[configuration.destinations[0].name] ?? FarEnd(world) }

    func surroundings(_ line: Lifeline) -> Surroundings {
        Surroundings(
            loop: world.executor("loop"), work: [world.executor("work.0"), world.executor("work.1")],
            storeLane: world.executor("store"), makeLane: { [world] in world.executor($0) }, time: world.time,
            random: world.random, faults: line.faults(faults), log: line.log(log), machine: machine,
            sinks: { [ends, fileEnd, world] destination in
                if destination.type == .agnes { return fileEnd }
                let end = ends[destination.name] ?? FarEnd(world)
                return ObjectLayoutSink(store: end.connection(line), layout: ObjectLayout(prefix: Self.prefix))
            })
    }

    func directories(_ state: String) -> Directories {
        Directories(
            state: scratch(state), runtime: scratch("run"), configuration: nil, cache: scratch("cache"),
            spool: scratch("\(state)/spool"), credentials: nil)
    }

    /// Starts a daemon on a state directory.
    func start(
        _ state: String = "state", once: Bool = false, redactor: Redactor = Redactor(rules: .none)
    ) async throws -> Life {
        let line = Lifeline()
        let surroundings = surroundings(line)
        let board = StatusBoard(time: world.time)
        let watcher = Mutex<RingingWatcher?>(nil)
        let held = try await Assembly.state(directories(state), world: surroundings)
        let engine = try await Assembly.engine(
            configuration, on: held, directories: directories(state), isOnce: once, redactor: redactor,
            board: board, world: surroundings
        ) { [world] roots, _, watching in
            let made = RingingWatcher(roots: roots, time: world.time, interval: watching.rescan)
            watcher.withLock { $0 = made }
            return made
        }
        return Life(
            engine: engine, watcher: try #require(watcher.withLock { $0 }), board: board, line: line, state: state)
    }

    /// Runs `body` with a daemon, and stops it.
    func live(
        redactor: Redactor = Redactor(rules: .none), _ body: @escaping @Sendable (Life) async throws -> Void
    ) throws {
        try world.run { [self] in
            let life = try await start(redactor: redactor)
            await life.engine.live()
            do {
                try await body(life)
            } catch {
                await life.engine.stop(deadline: nil)
                throw error
            }
            await life.engine.stop(deadline: nil)
        }
    }

    // MARK: The agent

    /// Adds to a session's file, and lets the watcher know unless it is given none.
    func append(_ text: String, to file: String, _ life: Life?) throws {
        try append(Array(text.utf8), to: file, life)
    }

    func append(_ bytes: [UInt8], to file: String, _ life: Life?) throws {
        try scratch.append(bytes, to: "home/\(file)", at: world.time.wall)
        life?.watcher.rang(file)
    }

    /// Gives two files each other's name, and lets the watcher know unless it is given none.
    func exchange(_ one: String, _ other: String, _ life: Life?) throws {
        let aside = scratch("home/.aside")
        try Files.rename(scratch("home/\(one)"), to: aside, replacing: false)
        try Files.rename(scratch("home/\(other)"), to: scratch("home/\(one)"), replacing: false)
        try Files.rename(aside, to: scratch("home/\(other)"), replacing: false)
        life?.watcher.rang(one)
        life?.watcher.rang(other)
    }

    /// What the first end's store has of these sessions, of all streams and generations, in the order of the texts.
    func contents(_ sids: String...) throws -> [String] {
        var texts: [String] = []
        for sid in sids where end.keys.contains("\(Self.prefix)\(sid)/manifest.json") {
            let manifest = try end.manifest(sid)
            let streams = manifest.streams.mapValues(\.segments).merging(["main": manifest.segments]) { $1 }
            for (stream, segments) in streams {
                for generation in Set(segments.map { $0.generation ?? 1 }) {
                    let bytes = try end.content(sid, stream, generation: generation)
                    texts.append(String(decoding: bytes, as: UTF8.self))
                }
            }
        }
        return texts.sorted()
    }

    func source(_ file: String) throws -> [UInt8] { try scratch.bytes("home/\(file)") }

    func pass(_ duration: Duration) async throws { try await world.time.sleep(for: duration) }
}

/// One life of a daemon.
struct Life: Sendable {
    let engine: Engine
    let watcher: RingingWatcher
    let board: StatusBoard
    let line: Lifeline
    let state: String

    var parts: EngineParts { engine.parts }
    var store: Store { engine.parts.store }

    /// Everything that the files hold now is in the spool, delivered and published, or cannot be.
    func settle() async {
        await parts.supervisor.flush(nil)
        _ = await parts.delivery.settled(perseveres: false)
    }

    func key(_ sid: String, _ stream: String = "main") throws -> StreamKey {
        StreamKey(session: try #require(SessionID(sid)), stream: try #require(StreamName(stream)))
    }

    /// The live segments of a stream.
    func segments(_ sid: String, _ stream: String = "main") async throws -> [SegmentRecord] {
        try await store.segments(of: key(sid, stream)).map(\.record)
    }

    func cuts(_ sid: String) async throws -> [CutReason] { try await segments(sid).map(\.cut) }
}

extension FarEnd {
    func manifest(_ sid: String) throws -> Manifest {
        let folder = "\(Stage.prefix)\(StoreName.escaped(sid))/"
        return try JSONText.decode(
            Manifest.self, from: try #require(objects["\(folder)manifest.json"], "no manifest of \(sid)"))
    }

    /// What a reader gets who has nothing but the store: the lines of one generation of one stream.
    func content(_ sid: String, _ stream: String = "main", generation: Int = 1) throws -> [UInt8] {
        let manifest = try manifest(sid)
        let segments = stream == "main" ? manifest.segments : manifest.streams[stream]?.segments ?? []
        var bytes: [UInt8] = []
        var line = 1
        for entry in segments where (entry.generation ?? 1) == generation {
            let key = "\(Stage.prefix)\(StoreName.escaped(sid))/\(entry.path)"
            let object = MemoryObject(try #require(objects[key], "\(key) is listed and is not there"))
            let outline = SegmentOutline(entry, firstLine: line)
            #expect(outline.firstLine == line, "\(key)")
            line += outline.lines
            var reader = try MemberReader(outline, object: object)
            while let piece = try reader.next() { bytes += piece }
        }
        return bytes
    }

    /// Segments' objects that no manifest names, as listed or as superseded.
    func strays() throws -> [String] {
        var named: Set<String> = []
        for key in keys where key.hasSuffix("manifest.json") {
            let manifest = try JSONText.decode(Manifest.self, from: objects[key] ?? [])
            let folder = key.dropLast("manifest.json".count)
            for entry in manifest.segments + manifest.streams.values.flatMap(\.segments) {
                named.insert(folder + entry.path)
            }
            for entry in manifest.superseded { named.insert(folder + entry.path) }
        }
        return keys.filter { $0.contains("/session-") && !named.contains($0) }
    }
}
