import Delivery
import Redaction
import Shared
import Store

/// What a far end that takes lines has to know of sessions besides them, and what it has to say about them.
struct SessionNews: Sendable {
    let store: Store
    let redactor: Redactor
    let board: StatusBoard
    let destination: String
    let world: Surroundings

    /// Segments on their way at once: each is a body in memory, and such a server takes three in a second.
    static let mostAtOnce = 4
    /// Kind of our health entries; the subject is destination and session.
    private static let kind = "not_taken_there"

    /// What a hook was given when the session ended, redacted.
    @Sendable
    func end(of session: SessionID) async throws(DeliveryError) -> JSONValue? {
        let payload: JSONValue?
        do throws(StoreError) { payload = try await store.endPayload(of: session) } catch {
            throw DeliveryError(.transient, error.description)
        }
        guard let payload else { return nil }
        let redactor = redactor
        return await withTaskExecutorPreference(world.lane(of: session)) { await Self.redacted(payload, by: redactor) }
    }

    /// Nothing that could not be redacted leaves: then the line that stands for it goes.
    @concurrent
    static func redacted(_ payload: JSONValue, by redactor: Redactor) async -> JSONValue? {
        do {
            let text = try JSONText.encode(payload)
            let clean = text.withBytes { bytes in
                redactor.redact(RawLine(bytes: bytes, offset: 0, terminated: false)) { line in Array(line.bytes) }
            }
            return try JSONText.decode(JSONValue.self, from: clean)
        } catch {
            return nil  // Safe: without a payload the end is told with its reason alone.
        }
    }

    /// The destination does not take something of a session, and the rest of it goes on.
    @Sendable
    func note(_ session: SessionID, _ message: String, _ hint: String?) {
        guard board.report(Self.kind, "\(destination)/\(session)", message, hint: hint) else { return }
        world.log.record(Event(.notTakenThere, message, hint: hint, session: session, destination: destination))
    }
}
