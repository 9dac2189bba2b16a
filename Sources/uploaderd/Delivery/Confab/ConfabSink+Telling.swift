package import Shared

/// What a server was told of a session in this life. Telling it again changes nothing there.
struct ConfabTold: Sendable {
    var summary: String?
    /// RFC 3339.
    var end: String?
    var links: Set<String> = []
}

/// What a manifest says of a session, in the server's words: its summary, its links, its end.
extension ConfabSink {
    /// Nothing is put: the manifest that is kept here says what the server has.
    package func publish(
        _ manifest: [UInt8], of session: SessionID, writer: String, place: WriterPlace,
        replacing version: ObjectVersion?
    ) async throws(DeliveryError) -> ObjectVersion {
        let said: Said
        do { said = try JSONText.decode(Said.self, from: manifest) } catch {
            throw DeliveryError(.permanent, "the manifest of session \(session) is none: \(error)")
        }
        if let facts = said.session { try await tell(facts, of: session) }
        return ObjectVersion("told")
    }

    private struct Said: Decodable {
        var session: SessionFacts?
    }

    private func tell(_ facts: SessionFacts, of session: SessionID) async throws(DeliveryError) {
        let links = (facts.links ?? []).compactMap { SessionLink($0) }
        guard facts.summary != nil || facts.endedAt != nil || !links.isEmpty else { return }
        let there = try await begun(session, facts)
        var told = told(of: session)
        defer { noteTold(told, of: session) }
        if let summary = facts.summary.map({ ConfabText.cut($0, 2048) }), summary != told.summary {
            try heed(try await server.tell(summary: summary, of: session), session)
            told.summary = summary
        }
        for link in links where !told.links.contains(link.url) {
            let answer = try await server.tell(link: link, in: there.id)
            // It is there already.
            if case .failure(let refusal) = answer, refusal.meaning == .exists {} else { try heed(answer, session) }
            told.links.insert(link.url)
        }
        if let end = facts.endedAt, end != told.end {
            var payload = try await ends(session)
            if payload == nil, let reason = facts.endReason { payload = .object(["reason": .string(reason)]) }
            let event = ConfabEnd(session: there.id, time: end, payload: payload ?? .object([:]))
            try heed(try await server.tell(end: event), session)
            told.end = end
        }
    }

    /// What the server will never take is said and passed over: the lines are safe without it.
    private func heed(_ result: Result<HTTPResponse, ConfabRefusal>, _ session: SessionID) throws(DeliveryError) {
        guard case .failure(let refusal) = result else { return }
        guard refusal.error.isOfOneSession else {
            if refusal.meaning == .absent { forget(session) }
            throw refusal.error
        }
        note(session, refusal.error.message, refusal.error.hint)
    }
}
