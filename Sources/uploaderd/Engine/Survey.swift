package import Capture
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
        /// Bytes that are not in a durable segment.
        package var bytes: Int64
    }

    package private(set) var items: [Item] = []
    /// Sources of which everything is taken.
    package private(set) var settled = 0
    package private(set) var health: [HealthEntry] = []

    /// Scans every root once.
    package static func taken(
        _ configuration: UploaderConfiguration, directories: Directories, world: Surroundings,
        watching: @Sendable ([WatchRoot], RootDirectories, WatchingConfiguration) -> any SourceWatching
    ) async throws -> Survey {
        let roots = try configuration.watch.map { try WatchRoot($0) }
        let taken = CatalogGlance.taken(in: StateDirectory(directories.state, spool: directories.spool))
        let watcher = watching(roots, RootDirectories(of: roots), configuration.watching)
        let running = world.loop.start { await watcher.run() }
        var survey = Survey()
        var isReady = false
        while !isReady {
            for event in await watcher.inbox.next(on: world.time) {
                switch event {
                case .found(let sources): for source in sources { survey.add(source, roots, taken) }
                case .raised(let entry): survey.health.append(entry)
                case .ready: isReady = true
                case .cleared, .moved, .directoryGone, .gone, .changed, .swept: break
                }
            }
        }
        running.cancel()
        await running.value
        survey.items.sort { $0.path < $1.path }
        return survey
    }

    private mutating func add(_ source: FoundSource, _ roots: [WatchRoot], _ taken: [String: Int64]) {
        let key = CatalogGlance.key(root: source.path.root, relativePath: source.path.relativePath)
        let left = source.size - min(taken[key] ?? 0, source.size)
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
        items.append(Item(path: source.path.absolute, agent: source.path.agent, stream: stream, bytes: left))
    }
}
