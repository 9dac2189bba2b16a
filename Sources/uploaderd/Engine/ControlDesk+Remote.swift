package import ControlPlane
import Delivery
import LinuxSystem
package import Shared
import Store

/// What the stores have, of all machines.
extension ControlDesk {
    package func remoteSessions(
        _ request: RemoteRequest, to sink: ReplySink<RemotePage>
    ) async throws(ControlError) {
        let engine = engine
        var names = engine.destinations.map(\.name)
        if let wanted = request.destination {
            guard names.contains(wanted) else {
                throw ControlError(
                    .noMatch, "there is no destination \(wanted)", hint: "there is \(names.joined(separator: ", "))")
            }
            names = [wanted]
        }
        for name in names {
            guard let id = engine.objects.id(named: name), let shelf = engine.objects.shelf(id) else {
                let why = engine.board.snapshot().destinations[name]?.lastError ?? "its store has not answered yet"
                try await cannot(
                    name, "cannot be read now: \(why)", .backendError, hint: "uploaderctl status says more", request,
                    sink)
                continue
            }
            guard let listing = shelf.sink as? any ManifestListing else {
                let why = shelf.sink.isReadable ? "keeps no manifests" : "only takes objects"
                try await cannot(
                    name, "\(why), so what it has cannot be listed", .refused,
                    hint: shelf.sink.isReadable
                        ? nil : "name the same store as one that can be read, with its own credentials",
                    request, sink)
                continue
            }
            do {
                try await engine.remote.each(of: id, name, listing) {
                    Set(try await engine.store.standings().filter { $0.standing == .forgotten }.map(\.session))
                } _: { sessions, unread throws(ControlError) in
                    try await sink.send(
                        RemotePage(sessions: sessions.filter { request.wants($0.session) }, unread: unread))
                }
            } catch let error as ControlError {
                throw error
            } catch {
                let cause = error as? DeliveryError
                try await cannot(
                    name, "could not be read to its end: \(cause?.message ?? "\(error)")", .backendError,
                    hint: cause?.hint, request, sink)
            }
        }
    }

    /// Of the one that was named it is an error, of one among several a sentence.
    private func cannot(
        _ name: String, _ why: String, _ code: ControlError.Code, hint: String?, _ request: RemoteRequest,
        _ sink: ReplySink<RemotePage>
    ) async throws(ControlError) {
        let sentence = "destination \(name) \(why)"
        guard request.destination == nil else { throw ControlError(code, sentence, hint: hint) }
        try await sink.send(RemotePage(unread: [sentence]))
    }

    /// Nothing of a session that is forgotten stays in the cache.
    func dropRemoteCache() async throws(ControlError) {
        let remote = engine.remote
        let dropping = Task(executorPreference: engine.world.work[0]) { () -> SystemError? in
            do throws(SystemError) { try remote.drop() } catch { return error }
            return nil
        }
        guard let error = await dropping.value else { return }
        throw ControlError(
            .backendError, "what the cache has of stores could not be removed: \(error)",
            hint: "remove \(RemoteCache.folder(in: remote.cache)) yourself")
    }
}

extension RemoteRequest {
    fileprivate func wants(_ session: SessionItem) -> Bool {
        if let agent, session.facts.agent != agent { return false }
        guard let since, let last = session.facts.lastAt.flatMap({ RFC3339.parse($0) }) else { return true }
        return last >= since
    }
}
