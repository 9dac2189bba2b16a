import Capture
package import ControlPlane
package import Shared
import Store

/// Sessions of which nothing is to leave.
extension ControlDesk {
    /// How often it is said what is waited for.
    private static let betweenLooks: Duration = .milliseconds(500)

    package func addPrivate(
        _ sid: SessionID, progress: ReplySink<AddPrivateReply>
    ) async throws(ControlError) -> AddPrivateReply {
        var reply = AddPrivateReply(changed: try await say(.private, of: sid))
        // Also where it was private before: who asks again wants to know that nothing leaves.
        let departures = engine.store.departures
        let bell = Doorbell()
        let listener = departures.subscribe(bell)
        defer { departures.unsubscribe(listener) }
        while true {
            let open = departures.stores(of: sid)
            if open.isEmpty { break }
            let names = try await storeNames()
            reply.waitingFor = open.map { names[$0] ?? $0.rawValue }.sorted()
            try await progress.send(reply)
            _ = await bell.wait(until: engine.world.time.now + Self.betweenLooks, on: engine.world.time)
            if Task.isCancelled { throw ControlError(.busy, "something of session \(sid) is on its way yet") }
        }
        reply.waitingFor = []
        return reply
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

    private func sourcesKnown(of sid: SessionID) async throws(ControlError) -> [SourcePath] {
        let isKnown = try await asking { () async throws(StoreError) in try await engine.store.describe(sid) != nil }
        return isKnown ? try await engine.sources(of: sid) : []
    }

    private func say(_ standing: SessionStanding, of sid: SessionID) async throws(ControlError) -> Bool {
        do throws(StoreError) {
            let changed = try await engine.store.say(standing, of: sid)
            if changed {
                engine.world.log.record(
                    Event(.privacyChanged, "the session is \(standing.rawValue) now", session: sid))
            }
            return changed
        } catch {
            if error.code == .notOpen || error.code == .damaged {
                throw ControlError(.refused, error.description, hint: error.hint)
            }
            throw ControlError(.backendError, error.description, hint: error.hint)
        }
    }

    /// Whoever waits for something that is not to leave would wait for ever.
    func requireOpen(_ sid: SessionID) async throws(ControlError) {
        let standing = try await asking { () async throws(StoreError) in try await engine.store.standing(of: sid) }
        guard standing != .open else { return }
        throw ControlError(
            .refused, "session \(sid) is \(standing.rawValue): nothing of it is delivered",
            hint: standing == .private ? "uploaderctl private remove \(sid) opens it again" : nil)
    }
}
