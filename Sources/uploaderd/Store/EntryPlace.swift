import Shared

/// Where an entry of a manifest begins in its stream's sources.
struct EntryPlace: Hashable {
    let generation: Int
    let offset: Int64

    init(_ generation: Int, _ offset: Int64) {
        self.generation = generation
        self.offset = offset
    }
}

extension Store {
    /// Why the entry's lines cannot be where it says; `nil`: they can. Where its bytes join those of a row their lines join,
    /// too: else a reader would leave lines out, or give some twice, and nothing would look wrong to it.
    ///
    /// - Parameter beginnings: of all entries of its stream.
    func misfit(
        of record: SegmentRecord, amid beginnings: Set<EntryPlace>, in stream: StreamRow
    ) throws(StoreError) -> String? {
        let catalog = try catalog()
        guard record.firstLine >= 1 else { return "begins at line \(record.firstLine), and lines are counted from 1" }
        // Nothing follows a line of which the source does not have the end: the whole line takes its place.
        guard !record.partial || !beginnings.contains(EntryPlace(record.generation, record.sourceEnd)) else {
            return "is marked as a line without its end, and other lines follow it"
        }
        let base: Extent.Place = record.generation == 1 ? (stream.baseOffset, stream.baseLine) : (0, 0)
        var expected = record.sourceOffset == base.offset ? base.line + 1 : nil
        if let before = try catalog.live(stream, generation: record.generation, atOrBefore: record.sourceOffset - 1),
            before.sourceEnd == record.sourceOffset
        {
            guard !before.record.partial else { return "follows a line without its end" }
            expected = before.record.firstLine + before.record.lines
        }
        if let expected, expected != record.firstLine {
            return "begins at line \(record.firstLine), and what is before it ends with line \(expected - 1)"
        }
        let after = try catalog.live(
            stream, generation: record.generation, from: record.sourceEnd, to: record.sourceEnd + 1
        ).first
        if let after, after.record.firstLine != record.firstLine + record.lines {
            return "ends with line \(record.firstLine + record.lines - 1), and what is behind it begins at line "
                + "\(after.record.firstLine)"
        }
        return nil
    }
}
