package import Shared
import Synchronization

/// What goes on, for whoever asks: counters, health, the last error of each destination. Readers get a copy.
package final class StatusBoard: Announcing {
    package struct Destination: Sendable, Hashable {
        package enum State: String, Sendable {
            case opening, active, waiting, held
        }
        package var state: State = .opening
        package var storeID: StoreID?
        package var lastError: String?
        package var deliveredSegments = 0
        package var deliveredBytes: Int64 = 0
        package var manifests = 0
        package var manifestBytes: Int64 = 0
        package var inFlight = 0
        package var isPaused = false
    }

    package struct Snapshot: Sendable {
        package var health: [HealthEntry] = []
        package var destinations: [String: Destination] = [:]
        package var running = 0
        package var pending = 0
        package var backlogBytes: Int64 = 0
        package var takenBytes: Int64 = 0
        package var sealedSegments = 0
        package var sealedBytes: Int64 = 0
        package var sealedLines = 0
        package var rates = Rates()
        /// What was odd about sources since the engine began.
        package var noticed = NoticedStatus()
        package var spoolBytes: Int64 = 0
        package var isScanning = true
        /// Roots that are there and were scanned.
        package var presentRoots: Set<String> = []
        package var isStopping = false
        package var revision: UInt64 = 0
    }

    private struct State {
        var snapshot = Snapshot()
        var entries: [String: HealthEntry] = [:]
        var listeners = Doorbells()
        var meter = RateMeter()
        /// By stream, the generation that began and of which nothing is durable.
        var begun: [StreamKey: Int] = [:]
    }

    private let state = Mutex(State())
    private let time: any TimeSource

    package init(time: any TimeSource) { self.time = time }

    package func snapshot() -> Snapshot {
        state.withLock { state in
            var copy = state.snapshot
            copy.rates = state.meter.rates(Self.counters(copy), at: time.now)
            copy.health = state.entries.values.sorted { ($0.kind, $0.subject) < ($1.kind, $1.subject) }
            return copy
        }
    }

    package func update(_ change: (inout Snapshot) -> Void) {
        let bells = state.withLock { state in
            change(&state.snapshot)
            state.snapshot.revision += 1
            state.meter.note(Self.counters(state.snapshot), at: time.now)
            return state.listeners.all
        }
        for bell in bells { bell.ring() }
    }

    private static func counters(_ snapshot: Snapshot) -> RateMeter.Counters {
        RateMeter.Counters(
            lines: snapshot.sealedLines, bytesRead: snapshot.takenBytes,
            bytesDelivered: snapshot.destinations.values.reduce(0) { $0 + $1.deliveredBytes })
    }

    package func update(_ destination: String, _ change: (inout Destination) -> Void) {
        update { change(&$0.destinations[destination, default: Destination()]) }
    }

    /// Adds an entry, or words it anew; `since` stays that of the first.
    ///
    /// - Returns: whether there was no entry of this kind and subject.
    @discardableResult
    package func report(_ kind: String, _ subject: String, _ message: String, hint: String? = nil) -> Bool {
        let now = RFC3339.text(time.wall)
        let isNew = state.withLock { state in
            let key = "\(kind)\n\(subject)"
            let known = state.entries[key]
            // A sick machine must not make the list endless.
            guard known != nil || state.entries.count < 1000 else { return true }
            state.entries[key] = HealthEntry(
                kind: kind, subject: subject, message: message, hint: hint, since: known?.since ?? now)
            return known == nil
        }
        update { _ in }
        return isNew
    }

    /// - Returns: whether there was such an entry.
    @discardableResult
    package func clear(_ kind: String, _ subject: String) -> Bool {
        let was = state.withLock { $0.entries.removeValue(forKey: "\(kind)\n\(subject)") != nil }
        if was { update { _ in } }
        return was
    }

    /// Notes that a generation begins. A file that was emptied begins it again whenever it is looked at, for there is no row
    /// of it before its first line is durable; it is one generation all the same.
    ///
    /// - Returns: whether it is a new one.
    func begin(_ generation: Int, of stream: StreamKey) -> Bool {
        guard state.withLock({ $0.begun.updateValue(generation, forKey: stream) }) != generation else { return false }
        update { $0.noticed.generations += 1 }
        return true
    }

    /// What began has a row now.
    func settleGeneration(of stream: StreamKey) { state.withLock { $0.begun[stream] = nil } }

    /// Another engine begins: nothing that the last one said holds, but for the number of changes.
    package func reset() {
        state.withLock { state in
            let revision = state.snapshot.revision
            state.snapshot = Snapshot()
            state.snapshot.revision = revision
            state.entries = [:]
            state.begun = [:]
        }
        update { _ in }
    }

    package func subscribe(_ bell: Doorbell) -> Int { state.withLock { $0.listeners.add(bell) } }

    package func unsubscribe(_ listener: Int) { state.withLock { $0.listeners.remove(listener) } }
}
