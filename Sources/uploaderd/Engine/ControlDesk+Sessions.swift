import ControlPlane
package import Shared
import Store

extension ControlDesk {
    package func sessions(_ filter: SessionFilter, limit: Int) async throws(ControlError) -> [SessionItem] {
        var items: [SessionItem] = []
        let required = try await requiredStores()
        try await eachSession(after: filter.after) { (summary) throws(ControlError) in
            if let agent = filter.agent, summary.facts.agent != agent { return true }
            if let since = filter.since, let last = summary.facts.lastAt.flatMap(RFC3339.parse) ?? summary.sealedAt,
                last < since
            {
                return true
            }
            if summary.standing == (filter.isPrivate ? .open : .forgotten) { return true }
            if filter.atRisk, try await isSafe(summary, in: required) { return true }
            items.append(try await item(summary, required))
            return items.count < limit
        }
        return items
    }

    /// Calls `body` with one session after the other in the order of their ids, until it returns `false`.
    ///
    /// A few at a time are in memory: there may be half a million.
    func eachSession(
        after first: SessionID? = nil, _ body: (SessionSummary) async throws(ControlError) -> Bool
    ) async throws(ControlError) {
        var after = first
        while true {
            let some = try await asking { [after] () async throws(StoreError) in
                try await engine.store.sessions(after: after, limit: 128)
            }
            for summary in some {
                guard try await body(summary) else { return }
            }
            guard let last = some.last else { return }
            after = last.session
        }
    }

    /// The stores of all required destinations; `nil` while one of them was never open, and has nothing.
    ///
    /// One that is away has what it confirmed.
    private func requiredStores() async throws(ControlError) -> [StoreID]? {
        var stores: [StoreID] = []
        for settings in engine.destinations where settings.isRequired {
            guard let store = try await store(of: settings.name) else { return nil }
            stores.append(store)
        }
        return stores
    }

    /// What is not to leave is at no risk by staying.
    private func isSafe(_ summary: SessionSummary, in required: [StoreID]?) async throws(ControlError) -> Bool {
        guard summary.standing == .open else { return true }
        guard let required else { return summary.segments == 0 }
        return try await asking { () async throws(StoreError) in
            try await engine.store.isHeld(summary.session, byAll: required)
        }
    }

    private func item(_ summary: SessionSummary, _ required: [StoreID]?) async throws(ControlError) -> SessionItem {
        let description = try await asking { () async throws(StoreError) in
            try await engine.store.describe(summary.session)
        }
        let streams = description?.streams ?? []
        var safe = 0
        let main = streams.filter { $0.stream.stream == .main }
        for stream in main.isEmpty ? streams : main {
            safe += try await safeLines(of: stream.stream, stream.cursor.generation, required)
        }
        return SessionItem(
            sid: summary.session, facts: summary.facts, streams: streams.map(\.stream.stream), lines: summary.lines,
            bytes: summary.bytes, safeLines: safe, standing: summary.standing,
            atRisk: try await !isSafe(summary, in: required))
    }

    /// The lines that a reader finds in every required destination, from the generation's first on.
    private func safeLines(
        of stream: StreamKey, _ generation: Int, _ required: [StoreID]?
    ) async throws(ControlError) -> Int {
        let segments = try await asking { () async throws(StoreError) in
            try await engine.store.segments(of: stream, generation: generation)
        }
        return Self.safeLines(segments, required)
    }

    private static func safeLines(_ segments: [StoredSegment], _ required: [StoreID]?) -> Int {
        guard let required else { return 0 }
        let safe = segments.prefix { Set(required).isSubset(of: $0.listers) }
        return safe.last.map { $0.record.firstLine - 1 + $0.record.lines } ?? 0
    }

    package func session(_ sid: SessionID) async throws(ControlError) -> SessionDetail {
        guard
            let found = try await asking({ () async throws(StoreError) in try await engine.store.describe(sid) })
        else { throw ReplayService.noSession(sid) }
        let required = try await requiredStores()
        var detail = SessionDetail(
            session: try await item(found.summary, required), streams: [], checkpoints: [], segments: [])
        let names = try await storeNames()
        detail.writers = try await writers(of: sid, found)
        for stream in found.streams {
            let segments = try await asking { () async throws(StoreError) in
                try await engine.store.segments(of: stream.stream)
            }
            let checkpoints = try await asking { () async throws(StoreError) in
                try await engine.store.mergeInput(of: stream.stream).checkpoints
            }
            detail.checkpoints += checkpoints.map(CheckpointItem.init)
            detail.streams.append(
                StreamDetail(
                    stream: stream.stream.stream, kind: stream.source?.kind ?? "", agentID: nil,
                    sourcePath: stream.source.map { "\($0.root)/\($0.relativePath)" },
                    generations: Self.generations(segments, stream.cursor, required)))
            detail.segments += segments.map { segment in
                SegmentItem(
                    segment.record, state: Self.state(of: segment),
                    deliveries: segment.receipts.map {
                        DeliveryItem(destination: names[$0.store] ?? $0.store.rawValue, at: RFC3339.text($0.at))
                    })
            }
        }
        return detail
    }

    private func writers(
        of sid: SessionID, _ found: SessionDescription
    ) async throws(ControlError) -> [WriterItem] {
        let (own, continues) = try await asking { () async throws(StoreError) in
            (try await engine.store.writer(of: sid), try await engine.store.continues(of: sid))
        }
        let origin = WriterBranch.Origin(continues)
        let names = try await storeNames()
        let ours = WriterItem(
            writer: own, isOurs: true, destinations: found.manifests.compactMap { names[$0.store] }.sorted(),
            lines: found.summary.lines, host: engine.world.machine.host, continues: origin?.writer,
            continuesLine: origin?.line)
        return [ours] + (try await engine.replay.others(of: sid)).writers.map { WriterItem($0) }
    }

    private static func generations(
        _ segments: [StoredSegment], _ cursor: StreamCursor, _ required: [StoreID]?
    ) -> [GenerationDetail] {
        Dictionary(grouping: segments, by: \.record.generation).sorted { $0.key < $1.key }.map { generation, segments in
            GenerationDetail(
                generation: generation, lines: segments.reduce(0) { $0 + $1.record.lines },
                bytes: segments.reduce(0) { $0 + $1.record.bytes }, safeLines: safeLines(segments, required),
                segments: segments.count,
                sourceOffset: generation == cursor.generation
                    ? cursor.offset : segments.map { $0.record.sourceOffset + $0.record.sourceBytes }.max() ?? 0)
        }
    }

    private static func state(of segment: StoredSegment) -> SegmentItem.State {
        switch segment.state {
        case .spooled: .spooled
        case .retired: segment.supersededBy == nil ? .retired : .superseded
        case .lost, .gap: .missing
        }
    }
}

extension WriterItem {
    init(_ found: WriterManifest) {
        self.init(
            writer: found.writer, isOurs: false, destinations: found.holdings.map(\.shelf.name),
            lines: found.manifest.everySegment.reduce(0) { $0 + $1.entry.lines }, host: found.manifest.session?.host,
            continues: found.origin?.writer, continuesLine: found.origin?.line)
    }
}
