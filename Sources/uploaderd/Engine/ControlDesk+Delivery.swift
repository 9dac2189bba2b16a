import Delivery
package import Shared
import Store

/// What somebody says about delivery: stop, go on, slower, and what becomes of what is refused.
extension ControlDesk {
    package func pause(_ destination: String?) async throws(ControlError) -> PauseReply {
        try await setPaused(true, destination)
    }

    package func resume(_ destination: String?) async throws(ControlError) -> PauseReply {
        try await setPaused(false, destination)
    }

    private func setPaused(_ isPaused: Bool, _ destination: String?) async throws(ControlError) -> PauseReply {
        let engine = engine
        let meant = try workers(destination)
        let names = Set(meant.map(\.name))
        // The row first: what is answered holds after any crash.
        let (before, now) = try await asking { () async throws(StoreError) in
            let before = try await engine.store.pausedDestinations()
            let now = isPaused ? before.union(names) : before.subtracting(names)
            if now != before { try await engine.store.setPaused(now) }
            return (before, now)
        }
        for worker in meant { await worker.pause(isPaused) }
        let changed = before.symmetricDifference(now).sorted()
        for name in changed {
            engine.world.log.record(
                Event(
                    isPaused ? .deliveryPaused : .deliveryResumed,
                    "delivery to \(name) \(isPaused ? "is paused" : "goes on")", destination: name))
        }
        // One that is not configured any more stays in the row: it may come back.
        return PauseReply(changed: changed, paused: engine.destinations.map(\.name).filter(now.contains))
    }

    package func limit(_ request: LimitRequest) async throws(ControlError) -> LimitReply {
        let engine = engine
        let meant = try workers(request.destination)
        let rates = engine.world.rates()
        if let rate = request.rate {
            let bytes = rate.bytesPerSecond?.bytes
            if let destination = request.destination {
                let allowances = meant.compactMap { rates?.allowance(of: $0.name) }
                if allowances.isEmpty { throw Self.unlimited(destination) }
                for allowance in allowances { allowance.rate = bytes }
            } else {
                guard let rates else { throw Self.unlimited("all") }
                rates.all.rate = bytes
            }
            engine.world.log.record(
                Event(
                    .limitChanged, "at most \(rate == .off ? "as much as goes" : rate.text) is sent",
                    destination: request.destination))
        }
        guard let rates else { return LimitReply(limits: []) }
        let own = engine.destinations.compactMap { settings in
            rates.allowance(of: settings.name).map { LimitReply.Limit(destination: settings.name, limit: $0.rate) }
        }
        return LimitReply(limits: [LimitReply.Limit(limit: rates.all.rate)] + own)
    }

    private static func unlimited(_ destination: String) -> ControlError {
        ControlError(
            .refused, "destination \(destination) has no limit: nothing is sent there over a network",
            hint: "limits are for servers")
    }

    package func quarantine(
        _ request: QuarantineRequest, after: Int?, limit: Int
    ) async throws(ControlError) -> [QuarantineItem] {
        let names = try await storeNames()
        guard let choice = try await choice(request) else { return [] }
        return try await asking { () async throws(StoreError) in
            try await engine.store.quarantined(choice, after: after ?? 0, limit: limit)
        }.map {
            QuarantineItem(
                id: $0.id, destination: names[$0.store] ?? "store \($0.store)", record: $0.record,
                reason: String($0.reason.prefix(2_000)), hint: $0.hint.map { String($0.prefix(500)) },
                since: RFC3339.text($0.at))
        }
    }

    package func retryQuarantine(_ request: QuarantineRequest) async throws(ControlError) -> Int {
        guard let choice = try await choice(request) else { return 0 }
        let count = try await asking { () async throws(StoreError) in try await engine.store.retryQuarantined(choice) }
        try await sayQuarantine()
        await engine.delivery.retry()
        return count
    }

    package func dropQuarantine(_ request: QuarantineRequest) async throws(ControlError) -> Int {
        guard let choice = try await choice(request) else { return 0 }
        let count = try await asking { () async throws(StoreError) in try await engine.store.dropQuarantined(choice) }
        if count > 0 {
            engine.world.log.record(
                Event(
                    .quarantineDropped, "\(count) segments are given up", session: request.sid,
                    destination: request.destination))
        }
        try await sayQuarantine()
        engine.delivery.ring()
        return count
    }

    private func sayQuarantine() async throws(ControlError) {
        for worker in engine.delivery.workers {
            do {
                if let id = await worker.storeID { try await worker.parts.sayQuarantine(at: id, worker.name) }
            } catch {
                throw ControlError(.backendError, "\(error)")
            }
        }
    }

    /// - Returns: `nil` when the destination was never open: nothing of it is put aside.
    private func choice(_ request: QuarantineRequest) async throws(ControlError) -> QuarantineChoice? {
        var choice = QuarantineChoice(id: request.id, session: request.sid)
        if let destination = request.destination {
            _ = try workers(destination)
            guard let id = try await store(of: destination) else { return nil }
            choice.store = id
        }
        return choice
    }

    /// - Throws: `noMatch`.
    private func workers(_ destination: String?) throws(ControlError) -> [DestinationWorker] {
        let all = engine.delivery.workers
        guard let destination else { return all }
        // What one has besides its segments goes to the same server.
        let names = [destination, DestinationConfiguration.nameBeside(destination)]
        let meant = all.filter { names.contains($0.name) }
        guard meant.isEmpty else { return meant }
        throw ControlError(
            .noMatch, "there is no destination \(destination)",
            hint: "there are: \(all.map(\.name).joined(separator: ", "))")
    }
}
