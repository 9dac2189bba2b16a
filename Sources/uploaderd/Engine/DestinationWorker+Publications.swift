import Delivery
import Shared
import Store

/// Manifests of what the store has.
extension DestinationWorker {
    /// Publishes what is due, each session's by itself.
    ///
    /// - Parameter behind: the longest waiting sessions whose manifest is behind.
    /// - Returns: when the next one is due; `nil`: none is behind, or one that ends will look again.
    func startPublications(
        of behind: [SessionID], to id: StoreID, in group: inout DiscardingTaskGroup
    ) async throws -> Instant? {
        guard publications.free > 0, notBefore == nil, !isStopping, !isPaused else { return nil }
        let isProbing = breaker.isProbing
        if isProbing, !inFlight.isEmpty || !publications.running.isEmpty { return nil }
        let (due, next) = try await publishable(behind, to: id)
        for session in isProbing ? due.prefix(1) : due[...] {
            isIdle = false
            let begun = parts.world.time.now
            publications.begin(session)
            group.addTask(executorPreference: parts.world.loop) { [parts, places] in
                let result: Result<Int, any Error>
                do {
                    // Closed since Store was asked: nothing of it is put.
                    guard let departure = try await parts.store.depart(session, to: id) else {
                        return await self.unpublished(session)
                    }
                    defer { departure.end() }
                    let lane = parts.world.lane(of: session)
                    result = .success(try await parts.publisher.publish(session, to: id, places, encodingOn: lane))
                } catch {
                    result = .failure(error)
                }
                await self.published(session, result, begun: begun)
            }
        }
        return next
    }

    /// The longest waiting are asked for first; only where most of them are not due yet, or refused, is there more to read.
    private func publishable(
        _ behind: [SessionID], to id: StoreID
    ) async throws -> (due: [SessionID], next: Instant?) {
        var behind = behind
        var limit = DestinationGlance.sessions
        while true {
            // Where somebody waits for the end, and all is delivered, the last manifest of each session does not wait.
            let isLast = settling > 0 && inFlight.isEmpty
            let now = parts.world.time.now
            if let found = publications.next(
                among: behind, isAll: behind.count < limit, isLast: isLast, at: now)
            {
                return found
            }
            limit = limit == DestinationGlance.sessions ? 512 : Int.max
            behind = try await parts.store.publishable(to: id, limit: limit)
        }
    }

    private func unpublished(_ session: SessionID) {
        happenings += 1
        publications.failed(session, until: nil)
        settle(.manifest, of: session)
        changed()
    }

    private func published(_ session: SessionID, _ result: Result<Int, any Error>, begun: Instant) {
        happenings += 1
        let now = parts.world.time.now
        switch result {
        case .success(let bytes):
            succeeded(begun: begun)
            tidyBy = tidyBy ?? now + Self.tidyDelay
            publications.published(session, bytes: bytes, at: now)
            settle(.manifest, of: session)
            parts.board.update(name) {
                $0.manifests += 1
                $0.manifestBytes += Int64(bytes)
            }
        case .failure(let error as DeliveryError) where error.isOfOneSession:
            succeeded(begun: begun)
            publications.failed(session, until: now + parts.policy.probe)
            refuse(.manifest, of: session, error)
        case .failure(let error as DeliveryError) where breaker.isLapse(error):
            trips.lapsed(since: begun)
            publications.lapsed(session, error, parts.policy, at: now, random: parts.world.random.next())
        case .failure(let error):
            publications.failed(session, until: nil)
            failed(error, "could not publish a manifest to \(name)", begun: begun)
        }
        changed()
    }
}
