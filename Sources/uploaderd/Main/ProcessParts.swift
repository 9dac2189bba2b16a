import CSystemd
import Capture
import Configuration
import ControlPlane
import Delivery
import Engine
import LinuxSystem
import Redaction
import Shared
import Synchronization

/// The concrete types of a real process: threads, clocks, journal, service manager.
struct ProcessParts: Sendable {
    let loop: EventLoop
    let log: JournalLog
    let world: Surroundings
    let manager: any ServiceManager
    private let lanes: [(name: String, executor: any RoomExecutor)]
    private let scanLane: Lane

    init(_ loaded: LoadedConfiguration, log: JournalLog) throws {
        self.log = log
        Process.raiseOpenFiles(to: 8192)
        // Lines of megabytes that many sources end in are let go of while the process has much to do.
        FreeMemory.keepApart(piecesOf: 2 << 20)
        let loop = try EventLoop()
        let time = try SystemTime(loop: loop)
        let work = (0..<Process.processors).map { Lane(name: "work.\($0)") }
        let store = Lane(name: "store")
        scanLane = Lane(name: "scan")
        let fault = Machine.environment["UPLOADERD_FAULT"] ?? ""
        let web = Web(loop: loop, time: time, directory: loaded.directories.cache)
        let deliveryLanes = DeliveryLanes(first: FaultInjection.stall(fault))
        self.loop = loop
        manager = SystemdNotifier()
        lanes = [("store", store), ("scan", scanLane)] + work.map { ($0.name, $0) }
        var world = Surroundings(
            loop: loop, work: work, storeLane: store, makeLane: { deliveryLanes.lane(for: $0) }, time: time,
            random: SystemRandom(), faults: FaultInjection.hook(fault), log: log,
            machine: try Machine.facts(
                label: loaded.configuration.host.label, state: loaded.directories.state),
            http: { web.transfers.client($0) })
        world.syncs = SyncThreads(names: "sync", most: 7)
        world.rates = { web.begun?.rates }
        self.world = world
    }

    /// Somebody looks: not the service manager, and not a pipe.
    var isForeground: Bool { Terminal.isInteractive && Machine.environment["INVOCATION_ID"] == nil }

    var watching: Assembly.Watching {
        { [self] roots, directories, configuration in
            Watcher(
                roots: roots, directories: directories, inbox: WatchInbox(), loop: loop, scanLane: scanLane,
                time: world.time, random: world.random, log: log, rescan: configuration.rescan,
                poll: configuration.poll)
        }
    }

    /// On a work lane: rules that are not in the cache take a second to compile, in which the loop goes on.
    func redactor(for configuration: UploaderConfiguration, directories: Directories) async throws -> Redactor {
        let cache = RulesCache(directory: directories.cache, log: log)
        return try await Task(executorPreference: world.work[0]) {
            Redactor(rules: try cache.rules(RuleSet(configuration.redaction)))
        }.value
    }

    func heartbeat(_ board: StatusBoard) -> Heartbeat {
        Heartbeat(loop: loop, lanes: lanes, manager: manager, time: world.time, board: board, log: log)
    }

    /// systemd's socket when it gave us one, else our own: sd_listen_fds(3).
    func controlSocket(_ path: String) throws -> ControlSocket {
        guard sd_listen_fds(1) == 1 else { return try ControlSocket.binding(path) }
        return try ControlSocket.inherited(Descriptor.inherited(SD_LISTEN_FDS_START))
    }

    /// Keeps a line at the bottom of the terminal while there is something to show.
    ///
    /// - Parameter isOnce: it is waited until all is delivered.
    func display(_ board: StatusBoard, isOnce: Bool = false) -> Task<Void, Never> {
        loop.start { [isForeground, time = world.time] in
            guard isForeground else { return }
            await ProgressLine.show(board, isOnce: isOnce, on: time)
        }
    }
}

/// All that this process says over HTTP, made when the first destination needs it: a library and a thread.
private final class Web: Sendable {
    private let made = Mutex<Transfers?>(nil)
    private let make: @Sendable () -> Transfers

    init(loop: EventLoop, time: any TimeSource, directory: String) {
        make = {
            Transfers(
                loop: loop, time: time, lane: Lane(name: "transfers"), directory: directory,
                rates: TransferRates(time: time))
        }
    }

    /// `nil`: nobody needed it.
    var begun: Transfers? { made.withLock { $0 } }

    var transfers: Transfers {
        made.withLock { made in
            if let made { return made }
            let transfers = make()
            made = transfers
            return transfers
        }
    }
}

/// A lane for each directory destination, by its name: a reload finds the old one again.
private final class DeliveryLanes: Sendable {
    private let lanes = Mutex<[String: Lane]>([:])
    private let first: (@Sendable () -> Void)?

    /// - Parameter first: what each of them does before anything else; it may block.
    init(first: (@Sendable () -> Void)?) { self.first = first }

    func lane(for destination: String) -> Lane {
        lanes.withLock { lanes in
            if let known = lanes[destination] { return known }
            let made = Lane(name: "deliver.\(destination.prefix(7))")
            if let first {
                // Begun before anybody else can ask for the lane.
                let begun = Completion()
                made.start {
                    begun.signal()
                    first()
                }
                begun.wait()
            }
            lanes[destination] = made
            return made
        }
    }
}
