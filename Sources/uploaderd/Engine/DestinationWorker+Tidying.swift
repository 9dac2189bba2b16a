import Delivery
import Shared
import Store

/// What goes when a manifest is there: segments from the spool, and from this store, a day later, what something replaced.
extension DestinationWorker {
    /// How long an object stays after a manifest without it was published: readers may hold an older manifest.
    private static let grace: Duration = .seconds(24 * 3600)
    /// Between two looks for what may go.
    private static let interval: Duration = .seconds(3600)
    /// How long what may leave the spool waits, while there is other work, to leave it together.
    static let tidyDelay: Duration = .seconds(1)

    /// Only a manifest makes a segment safe, so there is nothing to let go before one was put, but for what was replaced
    /// a day ago.
    func tidyIfDue(_ id: StoreID) async throws {
        let now = parts.world.time.now
        if let due = supersededDue, due <= now {
            supersededDue = nil
            tidyBy = tidyBy ?? now
        }
        guard let by = tidyBy else { return }
        let isBusy = !inFlight.isEmpty || !publications.running.isEmpty
        if isBusy, by > now { return }
        tidyBy = nil
        do {
            try await parts.tidier.tidy()
            try await removeSuperseded(from: id)
            try await removeCondemned(from: id)
        } catch {
            tidyBy = tidyBy ?? now
            throw error
        }
    }

    /// At most once an hour: nothing here is urgent, and what comes due together goes together.
    private func removeSuperseded(from id: StoreID) async throws {
        let now = parts.world.time.now
        if let last = supersededSwept, now - last < Self.interval {
            supersededDue = supersededDue ?? last + Self.interval
            return
        }
        supersededSwept = now
        supersededDue = nil
        let limit = WallTime(nanoseconds: parts.world.time.wall.nanoseconds - Self.grace.nanoseconds)
        var kept: Set<DueObject> = []
        while true {
            let due = try await parts.store.supersededDue(before: limit, at: id, most: 256 + kept.count)
            let found = due.filter { !kept.contains($0) }
            if found.isEmpty { break }
            for object in found {
                do {
                    try await remove(object, from: id)
                } catch let error as DeliveryError where error.isOfOneSession {
                    // Whose it is nobody can say now: it stays, and stands in no other's way.
                    kept.insert(object)
                    refuse(.object(object), of: object.session, error)
                }
            }
        }
        guard let first = try await parts.store.supersededFirst(at: id) else { return }
        // The clock may have been set: what seems to be years away is looked at again all the same.
        supersededDue = now + min(max(Self.interval, first - limit), Self.grace)
    }

    /// What holds secrets that newer rules find goes as soon as the manifest does not list it: no reader is owed a day of them.
    private func removeCondemned(from id: StoreID) async throws {
        // Where nothing is deleted it stays, and whoever asked is told so.
        guard places.sink.isDeleting else { return }
        var kept: Set<DueObject> = []
        while true {
            let due = try await parts.store.condemnedDue(at: id, most: 256 + kept.count)
            let found = due.filter { !kept.contains($0) }
            if found.isEmpty { break }
            for object in found {
                do {
                    try await remove(object, from: id, .rewriteDeleted)
                } catch let error as DeliveryError where error.isOfOneSession {
                    kept.insert(object)
                    refuse(.object(object), of: object.session, error)
                }
            }
            parts.board.update { _ in }
        }
        guard !kept.isEmpty else { return }
        let next = parts.world.time.now + parts.policy.probe
        supersededDue = min(supersededDue ?? next, next)
    }

    /// Deleting it twice is not an error: a crash may come between the object and its row.
    private func remove(_ object: DueObject, from id: StoreID, _ point: FaultPoint = .mergeDeleted) async throws {
        let folder = places.sink.folder(
            of: object.session, writer: try await parts.store.writer(of: object.session),
            place: try await places.place(of: object.session))
        guard try await parts.store.isSuperseded(object, at: id) else { return }
        try await places.sink.delete(object.path, in: folder)
        parts.world.faults.reach(point)
        try await parts.store.recordDeleted(object, at: id)
        settle(.object(object), of: object.session)
    }
}
