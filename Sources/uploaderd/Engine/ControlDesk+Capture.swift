import ControlPlane
package import Shared
import Store

/// What hooks tell, and what other programs have left.
extension ControlDesk {
    package func capture(_ event: CapturedEvent) async throws(ControlError) {
        let captures = engine.captures
        try await asking { () async throws(StoreError) in try await captures.take(event) }
    }

    package func importQueue(_ request: ImportQueueRequest) async throws(ControlError) -> ImportQueueReply {
        let engine = engine
        var reply = try await asking { () async throws(StoreError) in try await engine.captures.take(request, engine) }
        let most = 100
        if reply.notTaken.count > most {
            reply.notTaken = reply.notTaken.prefix(most) + ["\(reply.notTaken.count - most) more files"]
        }
        return reply
    }
}
