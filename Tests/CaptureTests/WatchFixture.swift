import Capture
import Glibc
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

/// A watcher on a loop and a lane of its own, and what it has said so far.
final class WatchFixture: Sendable {
    let watcher: Watcher
    let time: SystemTime
    let log = LogList()
    let directories: RootDirectories
    private let heard = Mutex<[WatchEvent]>([])

    init(
        _ roots: [WatchRoot], loop: EventLoop, lane: Lane, rescan: Duration = .seconds(3600),
        poll: Duration = .milliseconds(10), budget: Int = .max, inbox: WatchInbox = WatchInbox(),
        remote: @escaping RemoteFileSystem = { _ in nil }
    ) throws {
        directories = RootDirectories(of: roots)
        time = try SystemTime(loop: loop)
        watcher = Watcher(
            roots: roots, directories: directories, inbox: inbox, loop: loop, scanLane: lane, time: time,
            random: SeededRandom(7), log: log, rescan: rescan, poll: poll, budget: budget,
            remote: remote)
    }

    /// Watches the roots while `body` runs on the loop.
    static func watch(
        _ roots: [WatchRoot], rescan: Duration = .seconds(3600), budget: Int = .max,
        inbox: WatchInbox = WatchInbox(), asNobody: Bool = false, remote: @escaping RemoteFileSystem = { _ in nil },
        _ body: @escaping @Sendable (WatchFixture) async throws -> Void
    ) throws {
        let loop = try EventLoop()
        let lane = Lane(name: "scan")
        let fixture = try WatchFixture(
            roots, loop: loop, lane: lane, rescan: rescan, budget: budget, inbox: inbox,
            remote: remote)
        let failure = Mutex<(any Error)?>(nil)
        if asNobody { lane.start { Self.becomeNobody() } }
        loop.start {
            let watching = loop.start { await fixture.watcher.run() }
            do {
                await fixture.watcher.live()
                try await body(fixture)
            } catch {
                failure.withLock { $0 = error }
            }
            watching.cancel()
            await watching.value
            loop.stop()
        }
        loop.run()
        lane.stop()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// Takes root's rights from the calling thread: setfsuid(2) is of a thread, unlike setuid(3).
    private static func becomeNobody() {
        guard geteuid() == 0 else { return }
        guard let symbol = dlsym(nil, "setfsuid") else {
            Issue.record("no setfsuid")
            return
        }
        let setfsuid = unsafeBitCast(symbol, to: (@convention(c) (UInt32) -> Int32).self)
        _ = setfsuid(65534)
    }

    /// Waits until an event came that fits, and forgets all until then.
    ///
    /// - Throws: when none came within five minutes: long, because it is only ever waited out when something is broken,
    ///   and a sanitizer beside five hundred other tests makes a second of work a minute's.
    @discardableResult
    func event(
        _ what: String, _ fits: (WatchEvent) -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> WatchEvent {
        let deadline = time.now + .seconds(300)
        while true {
            if let event = take(fits) { return event }
            let news = await watcher.inbox.next(until: deadline, on: time)
            if news.isEmpty {
                let rest = heard.withLock { $0 }
                // All of them can be megabytes.
                Issue.record(
                    "no event: \(what); heard \(rest.count), the last of them \("\(rest.suffix(3))".prefix(1_000))",
                    sourceLocation: sourceLocation)
                throw CaptureError(.missing, what)
            }
            heard.withLock { $0 += news }
        }
    }

    private func take(_ fits: (WatchEvent) -> Bool) -> WatchEvent? {
        heard.withLock { heard in
            guard let index = heard.firstIndex(where: fits) else { return nil }
            let event = heard[index]
            heard.removeSubrange(...index)
            return event
        }
    }

    @discardableResult
    func found(_ path: SourcePath, _ location: SourceLocation = #_sourceLocation) async throws -> FoundSource {
        var source: FoundSource?
        try await event(
            "found \(path)",
            { event in
                guard case .found(let sources) = event else { return false }
                source = sources.first { $0.path == path }
                return source != nil
            }, sourceLocation: location)
        return try #require(source)
    }

    /// Waits until each of them was found (with that size, if one is given) or changed.
    func all(
        _ wanted: Set<SourcePath>, size: Int64? = nil, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        var left = wanted
        while !left.isEmpty {
            let event = try await event(
                "\(left.count) of \(wanted.count) sources",
                {
                    switch $0 {
                    case .found, .changed: true
                    default: false
                    }
                }, sourceLocation: location)
            if case .found(let sources) = event {
                left.subtract(sources.filter { size == nil || $0.size == size }.map(\.path))
            } else if case .changed(let path) = event {
                left.remove(path)
            }
        }
    }

    func changed(_ path: SourcePath, _ location: SourceLocation = #_sourceLocation) async throws {
        try await event("changed \(path)", { $0 == .changed(path) }, sourceLocation: location)
    }

    func raised(
        _ kind: String, _ location: SourceLocation = #_sourceLocation
    ) async throws -> HealthEntry {
        let event = try await event(
            "raised \(kind)", { if case .raised(let entry) = $0 { entry.kind == kind } else { false } },
            sourceLocation: location)
        guard case .raised(let entry) = event else { throw CaptureError(.missing, kind) }
        return entry
    }

    /// Everything heard so far and not waited for.
    var rest: [WatchEvent] { heard.withLock { $0 } }
}
