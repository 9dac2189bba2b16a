package import Capture
import Digests
import LinuxSystem
package import Shared
import Store

/// What would be taken, found out without writing, sending or locking anything: `--dry-run`.
package struct Survey: Sendable {
    package struct Item: Sendable {
        package var path: String
        package var agent: Agent
        /// `nil`: only its lines tell.
        package var stream: StreamKey?
        /// Bytes that would be taken.
        package var bytes: Int64
        /// Why not all of it would be, as a sentence; `nil`: nothing speaks against it.
        package var obstacle: String?
        package var hint: String?
    }

    package private(set) var items: [Item] = []
    /// Sources of which everything is taken.
    package private(set) var settled = 0
    /// Sources of sessions that are private, excluded or forgotten.
    package private(set) var kept = 0
    /// There are privacy rules: each new session is judged when it is taken, and not here.
    package private(set) var hasRules = false
    package private(set) var health: [HealthEntry] = []
    /// What was named for this run, and is not there, as sentences.
    package private(set) var absent: [String] = []
    private var sources: [FoundSource] = []

    /// Whether everything that is there would be taken.
    package var isWhole: Bool {
        items.allSatisfy { $0.obstacle == nil } && absent.isEmpty && !health.contains(where: \.isOfUntaken)
    }

    /// Scans every root once.
    package static func taken(
        _ configuration: UploaderConfiguration, directories: Directories, world: Surroundings,
        watching: @Sendable ([WatchRoot], RootDirectories, WatchingConfiguration) -> any SourceWatching
    ) async throws -> Survey {
        let roots = try configuration.watch.map { try WatchRoot($0) }
        let state = StateDirectory(directories.state, spool: directories.spool)
        let (taken, closed) = (CatalogGlance.taken(in: state), CatalogGlance.standings(in: state))
        let directories = RootDirectories(of: roots)
        let watcher = watching(roots, directories, configuration.watching)
        let running = world.loop.start { await watcher.run() }
        var survey = Survey()
        survey.hasRules = PrivacyRules(configuration.privacy) != nil
        survey.absent = roots.compactMap(\.obstacle)
        var isReady = false
        while !isReady {
            for event in await watcher.inbox.next(on: world.time) {
                switch event {
                case .found(let sources): survey.sources += sources
                case .raised(let entry): survey.health.append(entry)
                case .ready: isReady = true
                case .cleared, .moved, .directoryGone, .gone, .changed, .swept, .absent: break
                }
            }
        }
        running.cancel()
        await running.value
        let (found, key) = (survey, MachineKey.derived(fromMachineID: world.machine.secret))
        return await withTaskExecutorPreference(world.lane(of: "survey")) {
            var survey = found
            for source in found.sources {
                survey.add(source, roots, taken, closed, directories, key, now: world.time.wall)
            }
            survey.items.sort { $0.path < $1.path }
            return survey
        }
    }

    private mutating func add(
        _ source: FoundSource, _ roots: [WatchRoot], _ taken: [String: Int64],
        _ closed: [SessionID: SessionStanding], _ directories: RootDirectories, _ machineKey: MachineKey, now: WallTime
    ) {
        let key = CatalogGlance.key(root: source.path.root, relativePath: source.path.relativePath)
        let left = min(source.size - min(taken[key] ?? 0, source.size), SourceIntake.Unsettled.most)
        guard left > 0 else {
            settled += 1
            return
        }
        let layout = roots.first { $0.root == source.path.root }?.layout ?? AgentLayout(agent: source.path.agent)
        let stream: StreamKey?
        switch layout.name(of: source.path.relativePath) {
        case .named(let name): stream = name.key
        case .needsFirstLines: stream = nil
        case .notASession: return
        }
        if let stream, closed[stream.session] != nil {
            kept += 1
            return
        }
        var item = Item(path: source.path.absolute, agent: source.path.agent, stream: stream, bytes: left)
        do throws(CaptureError) {
            let tail = try FileTail(source.path, in: directories, key: machineKey)
            if taken[key] == nil, try tail.restored == .untouched {
                settled += 1
                return
            }
            let endless = try Self.endless(tail, from: taken[key] ?? 0, now: now)
            if endless > 0 {
                item.bytes -= min(endless, left)
                item.obstacle = SessionSupervisor.endlessSentence(source.path, endless)
            }
        } catch {
            item.bytes = 0
            item.obstacle = error.description
            item.hint = error.hint
        }
        items.append(item)
    }

    /// Bytes of a last line without its end that `--once` would leave where it is.
    private static func endless(
        _ tail: borrowing FileTail, from taken: Int64, now: WallTime
    ) throws(CaptureError) -> Int64 {
        let seen = try tail.observe()
        let mayTake = TailPolicy.mayTakePartialLine(
            isEnded: false, hasWriter: nil, isGone: false, isOnce: true,
            quiet: now - WallTime(nanoseconds: seen.modified))
        // Backwards through a compressed file would decompress it again and again.
        if mayTake || tail.isPacked { return 0 }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        var end = seen.size
        while end > taken {
            let start = max(taken, end - Int64(chunk.count))
            let count = try chunk.withMutableBytes { (buffer) throws(CaptureError) in
                try tail.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(end - start)]), at: start)
            }
            if let last = chunk[..<count].lastIndex(of: UInt8(ascii: "\n")) {
                return seen.size - start - Int64(last) - 1
            }
            end = start
        }
        return max(0, seen.size - taken)
    }
}
