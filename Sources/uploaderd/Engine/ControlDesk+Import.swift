import Capture
package import ControlPlane
import LinuxSystem
package import Shared
import Store

/// Sessions that another program has kept, from what a caller hands over.
extension ControlDesk {
    package func importSession(
        _ request: ImportSessionRequest, passed: PassedDescriptor?
    ) async throws(ControlError) -> ImportSessionReply {
        let engine = engine
        let sid = request.sid
        if try await isPrivate(sid) { return ImportSessionReply(.private) }
        let before = try await lines(of: sid)
        // Its file holds all of it; what another program kept are the same lines, made over.
        if before != nil, try await !engine.sources(of: sid).isEmpty { return ImportSessionReply(.watched) }
        guard let file = passed?.take() else {
            throw ControlError(.noMatch, "the lines of session \(sid) did not come open with the call")
        }
        let root = WatchRoot(file: request.path, agent: request.agent, sid: sid)
        let source = PassedSource(file, as: root.source(root.onlyFile ?? ""))
        let left = try await engine.captures.takeImported(source, of: root, engine)
        // The rules judge a session by its lines.
        if try await isPrivate(sid) { return ImportSessionReply(.private) }
        let lines = try await lines(of: sid) ?? 0
        return ImportSessionReply(
            .taken, lines: lines - (before ?? 0),
            notTaken: left.sentences + (await engine.supervisor.obstacles(of: left.sources)))
    }

    private func isPrivate(_ sid: SessionID) async throws(ControlError) -> Bool {
        try await asking { () async throws(StoreError) in try await engine.store.standing(of: sid) } != .open
    }

    /// - Returns: `nil`: nothing is known of it.
    private func lines(of sid: SessionID) async throws(ControlError) -> Int? {
        try await asking { () async throws(StoreError) in try await engine.store.describe(sid) }?.summary.lines
    }
}

extension CaptureService {
    /// One after the other, as with everything that lies elsewhere: two pipelines of one session would be in each other's way.
    fileprivate func takeImported(
        _ source: PassedSource, of root: WatchRoot, _ parts: EngineParts
    ) async throws(ControlError) -> NotTaken {
        await oneAtATime.acquire()
        defer { oneAtATime.release() }
        return try await parts.takeOnce(source, of: root)
    }
}
