import Delivery
import Segments
import Shared
import Store

/// Segments in stores that keep their lines and not their objects.
extension ObjectFinder {
    /// A store that has the segment's lines, where nothing else has the segment; `nil`: an object is to be read.
    func lineSink(with segment: StoredSegment) -> (any LineSink)? {
        guard segment.state == .retired else { return nil }
        let shelves = readable.filter { segment.holders.contains($0.id) }.map(\.shelf.sink)
        guard !shelves.contains(where: \.isReadable) else { return nil }
        return shelves.lazy.compactMap { $0 as? any LineSink }.first
    }

    /// - Throws: `permanent` when all that have the segment have its lines alone: waiting brings no object.
    func requireObjects(_ record: SegmentRecord, in holders: [StoreID]) throws(DeliveryError) {
        let shelves = holders.map { shelf($0) }
        guard !shelves.isEmpty, shelves.allSatisfy({ $0?.sink is any LineSink }) else { return }
        let names = shelves.compactMap { $0?.name }.sorted().joined(separator: ", ")
        throw DeliveryError(
            .permanent,
            "\(record.objectPath) of session \(record.stream.session) is only in destination \(names), which gives no objects back",
            hint:
                "it left the spool before there was another destination; replay gives its lines where they can be read")
    }

    /// What the segment holds, from wherever it can be had byte for byte.
    func exactly(_ segment: StoredSegment) async throws -> (SegmentOutline, FoundObject) {
        guard let sink = lineSink(with: segment), !segment.record.hasUnsendableLines else {
            let bytes = try await bytes(of: segment.id, segment.record, holders: segment.holders)
            return (SegmentOutline(segment.record), bytes)
        }
        return (SegmentOutline(linesOf: segment.record), try await lines(of: segment, from: sink))
    }

    /// The lines of a segment, for whoever reads them.
    func lines(of segment: StoredSegment, from sink: any LineSink) async throws -> FoundObject {
        let facts = try await factsToTell(of: segment.record.stream.session) ?? SessionFacts()
        return FoundObject(try await sink.bytes(of: segment.record, facts))
    }

    /// What such a server is told of a session by whoever asks what it has of it: where it runs, on which machine. One that is
    /// told of a session which it has not got makes one.
    ///
    /// - Returns: `nil` when the session is not known here.
    /// - Throws: `unacceptable` for a session of which nothing may leave.
    func factsToTell(of session: SessionID) async throws -> SessionFacts? {
        let standing = try await store.standing(of: session)
        guard standing == .open else {
            throw DeliveryError(
                .unacceptable,
                "session \(session) is \(standing.rawValue), and whoever asks that server what it has tells it of the session",
                hint: "its lines are read from elsewhere where they can be")
        }
        return try await store.preface(of: session)?.facts
    }
}

extension SegmentOutline {
    /// A segment's lines without its object. Some cannot be there as they were: then nothing is promised of them.
    init(linesOf record: SegmentRecord) {
        self.init(record)
        codec = .none
        members = []
        storedBytes = nil
        objectChecksum = nil
        if record.hasUnsendableLines {
            bytes = nil
            checksum = nil
        }
    }
}

extension SegmentRecord {
    /// It has bytes that no text has, or a line that is longer than any such store takes.
    var hasUnsendableLines: Bool { anomalies["invalid_utf8"] != nil || (lines == 1 && bytes > 14 << 20) }
}
