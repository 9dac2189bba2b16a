import ControlPlane
import Shared

/// Calls that say how far something is until it is over.
extension ControlDesk {
    /// How often it is looked at how far it is, besides when something is heard of it.
    static let betweenLooks: Duration = .milliseconds(500)

    /// What a caller hears: that it goes on, or how it ended.
    enum Stage<Reply: Sendable>: Sendable {
        case begun(Reply)
        case over(Reply)
    }

    /// - Parameters:
    ///   - source: what is heard of it.
    ///   - unfinished: a sentence for a caller that is gone or has waited long enough.
    /// - Throws: `busy` with that sentence; what `look` throws.
    func follow<Reply>(
        _ source: some Announcing, _ progress: ReplySink<Reply>, unfinished: String,
        _ look: () async throws(ControlError) -> Stage<Reply>
    ) async throws(ControlError) -> Reply {
        let bell = Doorbell()
        let listener = source.subscribe(bell)
        defer { source.unsubscribe(listener) }
        while true {
            switch try await look() {
            case .over(let reply): return reply
            case .begun(let reply): try await progress.send(reply)
            }
            _ = await bell.wait(until: engine.world.time.now + Self.betweenLooks, on: engine.world.time)
            if Task.isCancelled { throw ControlError(.busy, unfinished) }
        }
    }
}
