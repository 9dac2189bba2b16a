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
        var accepted: AcceptedFile?
        do {
            if sink.keepsOneFile, file.place == .none { throw held(file, stream) }
            if !file.isThere {
                // What another machine began goes on in the generation that it had there.
                let origin = WriterBranch.Origin(try await parts.store.continues(of: stream.session))
                let assembly = FileAssembly(
                    stream: stream, generation: file.end.generation + (origin?.generation ?? 1) - 1, end: file.end,
                    lastWholeLine: file.lastWholeLine, accepted: file.accepted,
                    replay: ReplayService(store: parts.store, objects: parts.objects),
                    lane: parts.world.lane(of: stream.session))
                var outgoing = assembly.outgoing(extent)
                outgoing.isHead = file.place == .head
                outgoing.before = file.accepted?.version.map { ObjectVersion($0) }
                outgoing.replacesAny = file.replacesAny
                let version = try await trips.measure(file.end.sourceOffset + file.end.sourceBytes) {
                    [outgoing] () async throws(DeliveryError) in
                    try await sink.put(outgoing)
                }
                accepted = extent.file
                accepted?.version = version?.tag
                accepted?.isHead = file.place == .head
            }
        } catch {
            try await parts.store.release(file, for: id, because: Setback(error))
            throw error
        }
        parts.world.faults.reach(.deliverPut)
        try await parts.store.record(receiptFor: file, accepted, at: id)
        for segment in file.segments { parts.objects.noteDelivered(segment.record, to: places.destination) }
        return .delivered
    }

    /// The file was made anew, and there is one place for it, which the old one has.
    private func held(_ file: FileDelivery, _ stream: StreamKey) -> DeliveryError {
        DeliveryError(
            .conflict,
            "the file of \(stream) was made anew (generation \(file.end.generation)), and destination \(places.destination) "
                + "has the one before: that stays as it was",
            hint:
                "uploaderctl resend \(stream.session) --dest \(places.destination) puts what is here in its place, and the "
                + "one before beside it")
    }
}
