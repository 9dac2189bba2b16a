import Capture
import LinuxSystem
import Shared
import Store

/// The queue: what hooks have left for a daemon that was not there.
extension CaptureService {
    /// Imports what hooks have left there: snapshots of earlier lives first, then what is there now.
    func importQueue() async {
        // Before it is read: what comes behind the reading rings.
        await watchQueue()
        guard let leftovers = await onLane({ [queue] () throws(SystemError) in try queue.snapshots() }) else { return }
        for snapshot in leftovers { await importSnapshot(snapshot) }
        let taken = await onLane { [queue] () throws(SystemError) in try queue.takeOver(patience: .seconds(1)) }
        for snapshot in taken?.flatMap(\.self) ?? [] { await importSnapshot(snapshot) }
    }

    private func importSnapshot(_ snapshot: HookQueue.Snapshot) async {
        let text = await onLane { [queue] () throws(SystemError) in try queue.contents(of: snapshot) }
        guard let text else { return }
        var lines = QueueLines()
        let events =
            switch snapshot.kind {
            case .sessions: lines.sessions(of: text).compactMap { $0.event(at: world.time.wall) }
            case .events: lines.events(of: text)
            }
        do throws(StoreError) {
            try await note(events)
        } catch {
            return note(failure: "the hooks' queue could not be imported from \(snapshot.path): \(error)")
        }
        world.log.record(
            Event(.debug, "\(events.count) lines of the hooks' queue imported, \(lines.passedOver) passed over"))
        _ = await onLane { [queue] () throws(SystemError) in try queue.remove(snapshot) }
    }

    /// Reads files where that may block. What cannot be read is said, and is tried again with the next ring.
    func onLane<Value: Sendable>(_ body: @escaping @Sendable () throws(SystemError) -> Value) async -> Value? {
        let reading = Task(executorPreference: world.lane(of: "queue")) { () -> Result<Value, SystemError> in
            do throws(SystemError) { return .success(try body()) } catch { return .failure(error) }
        }
        switch await reading.value {
        case .success(let value):
            board.clear(Self.queueKind, queue.folder)
            return value
        case .failure(let error):
            note(failure: "the hooks' queue cannot be used: \(error)")
            return nil
        }
    }

    private static let queueKind = "queue_unreadable"

    func note(failure message: String) {
        let hint = "look at \(queue.folder) and its disk; what hooks tell stays there until it can be read"
        guard board.report(Self.queueKind, queue.folder, message, hint: hint) else { return }
        world.log.record(Event(.persistenceFailed, message, hint: hint))
    }

    /// The hooks make the folder when they need it; there has to be one to be watched.
    private func watchQueue() async {
        guard let bells, !isQueueWatched else { return }
        let folder = await onLane { [queue] () throws(SystemError) in
            try Files.makeDirectories(queue.folder)
            return queue.folder
        }
        guard let folder else { return }
        isQueueWatched = bells.watch(folder: folder) { [weak self] isOver in
            self?.assumeIsolated { service in
                if isOver { service.isQueueWatched = false }
                service.isQueueRung = true
                service.bell.ring()
            }
        }
    }
}

extension QueuedSession {
    /// As an event; `nil` for a path that names no session.
    fileprivate func event(at now: WallTime) -> CapturedEvent? {
        let stem = Files.name(of: path).split(separator: ".").first.map(String.init) ?? ""
        guard let sid = sid ?? SessionID(stem) else { return nil }
        return CapturedEvent(.queued, agent: HookPayload.agent(of: path), sid: sid, at: now, path: path)
    }
}
