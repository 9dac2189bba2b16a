package import Delivery
package import LinuxSystem
package import Shared
import Store

/// What the engine stands on and cannot choose: executors, clock, randomness, faults, the log, the machine, and who is
/// at the far end of a destination.
///
/// `Main` picks the real ones; the simulation hands in its own, all on one thread.
package struct Surroundings: Sendable {
    package var loop: any RoomExecutor
    /// One per core: reading, redacting, compressing.
    package var work: [any RoomExecutor]
    /// SQLite, fsync, rename.
    package var storeLane: any RoomExecutor
    /// How Store makes durable what comes together.
    package var syncs: any Syncing = SyncsInTurn()
    /// Makes a lane for what may hang by itself: one per directory destination. The watchdog does not wait for it.
    package var makeLane: @Sendable (String) -> any RoomExecutor
    package var time: any TimeSource
    package var random: any RandomSource
    package var faults: any FaultHook
    package var log: any EventLog
    package var machine: MachineFacts
    /// Makes the far end of a destination; `nil`: `Assembly` makes the real one of its type.
    package var sinks: SinkMaker?
    /// What is on its way out of the process, whichever engine began it.
    let departures = Departures()

    /// Makes what speaks HTTP for one destination; `nil`: there is no network.
    package var http: HTTPMaker?
    /// How fast that may send; `nil`: there is no network.
    package var rates: @Sendable () -> TransferRates? = { nil }

    package typealias HTTPMaker = @Sendable (TransferOptions) -> any HTTPClient
    package typealias SinkMaker = @Sendable (DestinationConfiguration) -> any SessionSink

    package init(
        loop: any RoomExecutor, work: [any RoomExecutor], storeLane: any RoomExecutor,
        makeLane: @escaping @Sendable (String) -> any RoomExecutor, time: any TimeSource, random: any RandomSource,
        faults: any FaultHook, log: any EventLog, machine: MachineFacts, sinks: SinkMaker? = nil,
        http: HTTPMaker? = nil
    ) {
        self.loop = loop
        self.work = work
        self.storeLane = storeLane
        self.makeLane = makeLane
        self.time = time
        self.random = random
        self.faults = faults
        self.log = log
        self.machine = machine
        self.sinks = sinks
        self.http = http
    }

    /// The work lane on which a stream's pipeline runs: always the same one.
    func lane(of key: some Hashable & CustomStringConvertible) -> any RoomExecutor {
        let hash = key.description.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return work[Int(hash % UInt64(work.count))]
    }
}

/// Who and where we are, for manifests and keys.
package struct MachineFacts: Sendable, Hashable {
    /// The application-specific machine id, 32 hexadecimal digits: machine-id(5).
    package var machine: String
    /// What source marks are keyed with; never leaves the machine.
    package var secret: String
    package var host: String
    package var user: String
    package var version: String
    /// Our process id.
    package var process: Int

    package init(machine: String, secret: String, host: String, user: String, version: String, process: Int) {
        self.machine = machine
        self.secret = secret
        self.host = host
        self.user = user
        self.version = version
        self.process = process
    }
}
