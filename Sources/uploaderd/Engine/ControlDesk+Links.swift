import Redaction
package import Shared
import Store

extension ControlDesk {
    package func addLink(_ request: AddLinkRequest) async throws(ControlError) -> AddLinkReply {
        try requirePlain(request)
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

    /// A link is kept and sent as it is: what would be removed from a line has no place in it.
    private func requirePlain(_ request: AddLinkRequest) throws(ControlError) {
        var removed: Set<String> = []
        for text in [request.url, request.title].compactMap(\.self) {
            Array(text.utf8).withUnsafeBytes { bytes in
                engine.context.redactor.redact(RawLine(bytes: bytes, offset: 0, terminated: false)) { line in
                    removed.formUnion(line.redactions.keys)
                    if line.withheld != nil { removed.insert("what cannot be looked through") }
                }
            }
        }
        guard !removed.isEmpty else { return }
        throw ControlError(
            .refused,
            "the link holds what is removed before anything is stored: \(removed.sorted().joined(separator: ", "))",
            hint: "leave it out of the address and the title; a link is kept as it is")
    }
}
