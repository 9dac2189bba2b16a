package import ControlPlane
import Delivery
import Segments
package import Shared
import Store

extension ControlDesk {
    package func verify(
        _ request: VerifyRequest, to sink: ReplySink<[VerifiedRange]>
    ) async throws(ControlError) -> VerifySummary {
        var summary = VerifySummary()
        let wanted: [SessionID]
        if let sid = request.sid {
            guard try await asking({ () async throws(StoreError) in try await engine.store.describe(sid) }) != nil
            else {
                throw ReplayService.noSession(sid)
            }
            wanted = [sid]
        } else {
            wanted = try await asking { () async throws(StoreError) in try await engine.store.sessions() }.map(
                \.session)
        }
        for sid in wanted {
            summary.sessions += 1
            let description = try await asking { () async throws(StoreError) in try await engine.store.describe(sid) }
            for stream in description?.streams ?? [] {
                let segments = try await asking { () async throws(StoreError) in
                    try await engine.store.segments(of: stream.stream)
                }
                for segment in segments {
                    let ranges = await verified(segment, request, &summary)
                    for range in ranges { summary.count(range.state) }
                    try await sink.send(ranges)
                }
            }
        }
        return summary
    }

    /// One range for each destination that is to have the segment.
    private func verified(
        _ segment: StoredSegment, _ request: VerifyRequest, _ summary: inout VerifySummary
    ) async -> [VerifiedRange] {
        var ranges: [VerifiedRange] = []
        let board = engine.board.snapshot()
        for settings in engine.destinations {
            let live = board.destinations[settings.name] ?? StatusBoard.Destination()
            let isThere = live.storeID.map { segment.receipts.contains($0) } ?? false
            var state: VerifiedRange.State
            var detail: String?
            if segment.state == .lost || segment.state == .gap {
                state = .missing
            } else if isThere, let id = live.storeID {
                (state, detail) = await look(segment, in: id, deep: isSampled(segment, request))
                if request.deep, state == .found { summary.readBack += 1 }
            } else if segment.state == .spooled || !segment.receipts.isEmpty {
                let isStuck = live.state == .waiting || live.state == .held
                state = isStuck ? .delayed : live.inFlight > 0 ? .uploading : .queued
                detail = isStuck ? live.lastError : nil
            } else {
                state = .missing
            }
            ranges.append(
                VerifiedRange(
                    sid: segment.record.stream.session, stream: segment.record.stream.stream,
                    generation: segment.record.generation, firstLine: segment.record.firstLine,
                    lines: segment.record.lines, destination: settings.name, state: state, detail: detail))
        }
        return ranges
    }

    /// The same objects for the same sample, whoever asks.
    private nonisolated func isSampled(_ segment: StoredSegment, _ request: VerifyRequest) -> Bool {
        guard request.deep else { return false }
        guard let sample = request.sample else { return true }
        let hash = segment.record.objectChecksum.hex.prefix(8).utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }
        return hash % sample.of == sample.part - 1
    }

    /// Whether the object is in the store; read back and compared when `deep`.
    private nonisolated func look(
        _ segment: StoredSegment, in id: StoreID, deep: Bool
    ) async -> (VerifiedRange.State, String?) {
        let lane = engine.world.lane(of: segment.record.stream)
        return await withTaskExecutorPreference(lane) {
            do {
                let bytes = try await self.engine.objects.bytes(
                    of: segment.id, segment.record, holders: segment.receipts, only: id)
                guard bytes.size == segment.record.storedBytes else {
                    return (.damaged, "it has \(bytes.size) bytes instead of \(segment.record.storedBytes)")
                }
                guard deep else { return (.found, nil) }
                var reader = try MemberReader(SegmentOutline(segment.record), object: bytes)
                while try reader.next() != nil {}
                return (.found, nil)
            } catch let error as DeliveryError where error.code == .notFound {
                return (.missing, error.message)
            } catch let error as SegmentError where error.code == .damaged {
                return (.damaged, error.description)
            } catch {
                return (.delayed, "\(error)")
            }
        }
    }
}
