package import Shared
import Store

extension ControlDesk {
    package func addLink(_ request: AddLinkRequest) async throws(ControlError) -> AddLinkReply {
        let now = RFC3339.text(engine.world.time.wall)
        let link = SessionLink(url: request.url, title: request.title, addedAt: now)
        let isNew = try await asking { () async throws(StoreError) -> Bool? in
            if try await engine.store.standing(of: request.sid) == .forgotten { return nil }
            guard try await engine.store.describe(request.sid) != nil else { return nil }
            return try await engine.store.add(link, to: request.sid)
        }
        guard let isNew else { throw ReplayService.noSession(request.sid) }
        guard isNew else { return AddLinkReply(changed: false) }
        engine.world.log.record(Event(.linkAdded, "a link was added to the session", session: request.sid))
        engine.delivery.ring()
        return AddLinkReply(changed: true)
    }
}
