import Capture
package import ControlPlane
import Delivery
package import Shared
import Store

/// Sessions of which nothing is to leave.
extension ControlDesk {
    package func addPrivate(
        _ sid: SessionID, progress: ReplySink<AddPrivateReply>
    ) async throws(ControlError) -> AddPrivateReply {
        let isNew = try await say(.private, of: sid)
        // Also where it was private before: who asks again wants to know that nothing leaves.
        let departures = engine.store.departures
        return try await follow(
            departures, progress, unfinished: "something of session \(sid) is on its way yet"
        ) { () async throws(ControlError) in
            let open = departures.stores(of: sid)
            guard !open.isEmpty else { return .over(AddPrivateReply(changed: isNew)) }
            let names = try await storeNames()
            return .begun(
                AddPrivateReply(changed: isNew, waitingFor: open.map { names[$0] ?? $0.rawValue }.sorted()))
        }
    }

    package func removePrivate(_ sid: SessionID) async throws(ControlError) -> RemovePrivateReply {
        let changed = try await say(.open, of: sid)
        if changed {
            // What is in the spool goes on its way, and what the files have besides is read.
            engine.delivery.ring()
            engine.merging?.ring()
            await engine.supervisor.reopened(try await sourcesKnown(of: sid))
        }
        return RemovePrivateReply(changed: changed)
    }

    package func privates(after: SessionID?, limit: Int) async throws(ControlError) -> [PrivateSession] {
        try await asking { () async throws(StoreError) in
            try await engine.store.standings(after: after, limit: limit)
        }.map { PrivateSession(sid: $0.session, standing: $0.standing, since: RFC3339.text($0.at)) }
    }

    package func forget(
        _ sid: SessionID, progress: ReplySink<ForgetReply>
    ) async throws(ControlError) -> ForgetReply {
        let engine = engine
        try await requireKnown(sid)
        let elsewhere = try await unconfigured(sid)
        _ = try await say(.forgotten, of: sid)
        try await dropRemoteCache()
        await engine.forgetting.retry()
        return try await follow(
            engine.board, progress, unfinished: "session \(sid) is forgotten, and not deleted yet"
        ) { () async throws(ControlError) in
            let state = try await asking { () async throws(StoreError) in try await engine.forgetting.progress(of: sid)
            }
            var reply = ForgetReply(deleted: state.deleted.sorted(), waitingFor: state.busy.sorted())
            reply.left =
                state.left.sorted { $0.key < $1.key }.map {
                    ForgetReply.Leftover(destination: $0.key, reason: $0.value, willGo: true)
                }
                + elsewhere.map {
                    ForgetReply.Leftover(
                        destination: $0, reason: "it is not configured any more, so nothing is deleted there",
                        willGo: false)
                }
            return state.busy.isEmpty && state.isPurged ? .over(reply) : .begun(reply)
        }
    }

    /// Whoever mistypes an id must not believe that something was deleted.
    private func requireKnown(_ sid: SessionID) async throws(ControlError) {
        let isKnown = try await asking { () async throws(StoreError) in
            let isSaid = try await engine.store.standing(of: sid) != .open
            return try await engine.store.describe(sid) != nil || isSaid
        }
        if isKnown { return }
        var unread = Set(engine.destinations.map(\.name))
        for (_, shelf) in engine.objects.readable {
            let found = await Patience.wait(Patience.withStore, engine.world) { () async -> Bool? in
                do throws(DeliveryError) {
                    let isForgotten = try await shelf.sink.isForgotten(sid)
                    return try await !shelf.sink.readings(of: sid, besides: nil).isEmpty || isForgotten
                } catch {
                    return nil
                }
            }
            if case .some(.some(let isThere)) = found {
                if isThere { return }
                unread.remove(shelf.name)
            }
        }
        var error = ReplayService.noSession(sid)
        if !unread.isEmpty {
            error.hint = "ask again when it can be read: destination \(unread.sorted().joined(separator: ", "))"
        }
        throw error
    }

    /// Names of stores that have something of the session, or may have, and are not configured or read any more.
    private func unconfigured(_ sid: SessionID) async throws(ControlError) -> [String] {
        var names = try await storeNames()
        let touched = try await asking { () async throws(StoreError) in try await engine.store.storesTouched(by: sid) }
        let former = try await asking { () async throws(StoreError) in try await engine.store.knownDestinations() }
        let reached = Set(names.keys)
        for (name, id) in former where names[id] == nil { names[id] = name }
        return touched.subtracting(reached).map { names[$0] ?? "store \($0)" }.sorted()
    }

    private func sourcesKnown(of sid: SessionID) async throws(ControlError) -> [SourcePath] {
        let isKnown = try await asking { () async throws(StoreError) in try await engine.store.describe(sid) != nil }
        return isKnown ? try await engine.sources(of: sid) : []
    }

    private func say(_ standing: SessionStanding, of sid: SessionID) async throws(ControlError) -> Bool {
        do throws(StoreError) {
            let changed = try await engine.store.say(standing, of: sid)
            if changed {
                try await engine.intake.judge.settle(sid)
                engine.world.log.record(
                    Event(.privacyChanged, "the session is \(standing.rawValue) now", session: sid))
            }
            return changed
        } catch {
            if error.code == .notOpen || error.code == .damaged {
                throw ControlError(.refused, error.description, hint: error.hint)
            }
            throw ControlError(error)
        }
    }

    /// Whoever waits for something that is not to leave would wait for ever.
    func requireOpen(_ sid: SessionID) async throws(ControlError) {
        let standing = try await asking { () async throws(StoreError) in try await engine.store.standing(of: sid) }
        guard standing != .open else { return }
        throw ControlError(
            .refused, "session \(sid) is \(standing.rawValue): nothing of it is delivered",
            hint: standing == .forgotten ? nil : "uploaderctl private remove \(sid) opens it")
    }
}
