package import Delivery
import Digests
package import Shared
import Synchronization

/// A store at the far end, in memory: slow, failing or gone as the script says, and a witness of what was put.
///
/// What it is told to do is drawn from the world's seed; delays are in simulated time.
package final class FarEnd: Sendable {
    /// How the far end answers.
    package struct Weather: Sendable {
        package var delay: ClosedRange<Duration> = .zero ... .zero
        /// Requests of a hundred that fail and change nothing.
        package var failing = 0
        /// Puts of a hundred that succeed and are answered with a time-out.
        package var losing = 0
        /// Only requests that name something with this in its key fail; `nil`: any.
        package var failingOnly: String?
        /// Thrown by every one of them.
        package var error: DeliveryError?

        package static let fair = Weather()
        package static func down(_ error: DeliveryError) -> Weather {
            var weather = Weather()
            weather.error = error
            return weather
        }
        package static let rough: Weather = {
            var weather = Weather()
            weather.delay = .milliseconds(20) ... .seconds(3)
            weather.failing = 10
            weather.losing = 10
            return weather
        }()
    }

    private struct State {
        var objects: [String: [UInt8]] = [:] {
            didSet { puts += 1 }
        }
        /// The versions of objects, by when they were put.
        var versions: [String: Int] = [:]
        var puts = 0
        var weather = Weather.fair
        var requests = 0
        var underWay = 0
        var mostAtOnce = 0
        /// What was done, in order, for those who compare two runs.
        var history: [String] = []
        /// Objects that were changed though their name is final.
        var changed: [String] = []

        func version(of key: ObjectKey) -> ObjectVersion? {
            objects[key.rawValue] == nil ? nil : ObjectVersion("\(versions[key.rawValue] ?? 0)")
        }
    }

    private let state = Mutex(State())
    private let time: any TimeSource
    private let random: SeededRandom

    package init(time: any TimeSource, random: SeededRandom) {
        self.time = time
        self.random = random
    }

    package convenience init(_ world: SimulatedWorld) { self.init(time: world.time, random: world.random) }

    package var weather: Weather {
        get { state.withLock { $0.weather } }
        set { state.withLock { $0.weather = newValue } }
    }
    package var objects: [String: [UInt8]] { state.withLock { $0.objects } }
    package var keys: [String] { objects.keys.sorted() }
    package var requests: Int { state.withLock { $0.requests } }
    /// Requests side by side, since it was asked last.
    package func takeMostAtOnce() -> Int {
        state.withLock { state in
            defer { state.mostAtOnce = state.underWay }
            return state.mostAtOnce
        }
    }
    package var history: [String] { state.withLock { $0.history } }
    package var changed: [String] { state.withLock { $0.changed } }

    /// Somebody else writes, or removes, an object.
    package func meddle(_ key: String, _ bytes: [UInt8]?) {
        state.withLock { state in
            state.objects[key] = bytes
            state.versions[key] = state.puts
        }
    }

    /// A client of its own: one life of a daemon.
    package func connection(_ line: Lifeline = Lifeline()) -> Connection { Connection(self, line) }

    package final class Connection: ObjectStore {
        private let end: FarEnd
        private let line: Lifeline

        fileprivate init(_ end: FarEnd, _ line: Lifeline) {
            self.end = end
            self.line = line
        }

        package func put(
            _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
        ) async throws(DeliveryError) -> ObjectVersion {
            var bytes = [UInt8](repeating: 0, count: Int(body.size))
            do {
                let count = try bytes.withUnsafeMutableBytes { try body.read(at: 0, into: $0) }
                guard count == bytes.count else { throw DeliveryError(.transient, "half a body of \(key)") }
            } catch {
                throw DeliveryError(.transient, "could not read the body of \(key): \(error)")
            }
            try await reach("put \(key)")
            let version = try end.take(bytes, key, mode)
            if end.random.percent(end.weather.losing) {
                throw DeliveryError(.transient, "the answer to put \(key) was lost")
            }
            return version
        }

        package func version(of key: ObjectKey) async throws(DeliveryError) -> ObjectVersion? {
            try await reach("look at \(key)")
            return end.state.withLock { $0.version(of: key) }
        }

        package func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes
            & Sendable
        {
            try await reach("read \(key)")
            guard let bytes = end.objects[key.rawValue] else { throw DeliveryError(.notFound, "no object \(key)") }
            let lower = min(max(range?.lowerBound ?? 0, 0), Int64(bytes.count))
            let upper = max(lower, min(range?.upperBound ?? Int64(bytes.count), Int64(bytes.count)))
            return MemoryObject(Array(bytes[Int(lower)..<Int(upper)]))
        }

        package func list(_ prefix: String) async throws(DeliveryError) -> [ObjectKey] {
            try await reach("list \(prefix)")
            return end.keys.filter { $0.hasPrefix(prefix) }.compactMap { ObjectKey($0) }
        }

        package func isEmpty(below prefix: String) async throws(DeliveryError) -> Bool {
            try await reach("list \(prefix)")
            return !end.keys.contains { $0.hasPrefix(prefix) }
        }

        package func listFolders(_ prefix: String) async throws(DeliveryError) -> [String] {
            try await reach("list \(prefix)")
            let inside = end.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
            return Set(inside.filter { $0.contains("/") }.map { String($0.prefix { $0 != "/" }) }).sorted()
        }

        package func sweep(_ prefix: String) {}

        package func delete(_ key: ObjectKey) async throws(DeliveryError) {
            try await reach("delete \(key)")
            end.state.withLock { _ = $0.objects.removeValue(forKey: key.rawValue) }
        }

        private func reach(_ what: String) async throws(DeliveryError) {
            end.state.withLock { state in
                state.underWay += 1
                state.mostAtOnce = max(state.mostAtOnce, state.underWay)
            }
            defer { end.state.withLock { $0.underWay -= 1 } }
            let delay = end.random.duration(within: end.weather.delay)
            if delay > .zero {
                do throws(CancellationError) {
                    try await end.time.sleep(for: delay)
                } catch {
                    throw DeliveryError(.transient, "\(what) was cancelled")
                }
            }
            if line.isCut { throw DeliveryError(.transient, "\(what): the line is cut") }
            end.note(what)
            let weather = end.weather
            guard weather.failingOnly.map({ what.contains($0) }) ?? true else { return }
            if let error = weather.error { throw error }
            if end.random.percent(weather.failing) {
                throw DeliveryError(.transient, "\(what) failed")
            }
        }
    }

    private func note(_ what: String) {
        let now = time.now
        state.withLock { state in
            state.requests += 1
            state.history.append("\(now.nanoseconds) \(what)")
        }
    }

    private func take(_ bytes: [UInt8], _ key: ObjectKey, _ mode: PutMode) throws(DeliveryError) -> ObjectVersion {
        let version = state.withLock { state -> ObjectVersion? in
            switch mode {
            case .immutable(let digest):
                if let old = state.objects[key.rawValue] { return old == bytes ? state.version(of: key) : nil }
                if RunningDigest.digest(of: bytes) != digest { state.changed.append(key.rawValue) }
            case .replacing(let version):
                if state.version(of: key) != version { return nil }
            }
            state.objects[key.rawValue] = bytes
            state.versions[key.rawValue] = state.puts
            return state.version(of: key)
        }
        guard let version else { throw DeliveryError(.conflict, "object \(key) is there with other bytes than ours") }
        return version
    }
}
