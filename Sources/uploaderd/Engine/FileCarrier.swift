import Delivery
import Segments
import Shared
import Store

/// Carries a stream as one whole file: the same order as for a segment, for all segments that the store has not got at once.
extension SegmentCarrier {
    /// - Parameter last: stands for all before it.
    func carryFile(upTo last: SegmentDelivery, _ sink: any WholeFileSink) async throws -> Outcome {
        let stream = last.record.stream
        guard let departure = try await parts.store.depart(stream.session, to: id) else { return .left }
        defer { departure.end() }
        guard let file = try await parts.store.file(upTo: last.id, at: id) else { return .left }
        for segment in file.segments { if try await isRenewed(segment) { return .left } }
        guard try await parts.store.claim(file, for: id) else { return .left }
        let extent = FileAssembly.Extent()
        do {
            if !file.isThere {
                // What another machine began goes on in the generation that it had there.
                let origin = WriterBranch.Origin(try await parts.store.continues(of: stream.session))
                let assembly = FileAssembly(
                    stream: stream, generation: file.end.generation + (origin?.generation ?? 1) - 1, end: file.end,
                    lastWholeLine: file.lastWholeLine, accepted: file.accepted,
                    replay: ReplayService(store: parts.store, objects: parts.objects),
                    lane: parts.world.lane(of: stream.session))
                let outgoing = assembly.outgoing(extent)
                try await trips.measure(file.end.sourceOffset + file.end.sourceBytes) {
                    () async throws(DeliveryError) in
                    try await sink.put(outgoing)
                }
            }
        } catch {
            try await parts.store.release(file, for: id, because: Setback(error))
            throw error
        }
        parts.world.faults.reach(.deliverPut)
        try await parts.store.record(receiptFor: file, extent.file, at: id)
        for segment in file.segments { parts.objects.noteDelivered(segment.record, to: places.destination) }
        return .delivered
    }
}
