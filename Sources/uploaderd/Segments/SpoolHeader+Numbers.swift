import Shared

extension SpoolHeader {
    /// The first number that none of ours can be; `nil`: all can.
    ///
    /// Whoever can write into the spool can make the digest fit, too. Behind this check nobody needs to think of a sum that
    /// overflows. The numbers of members and source parts are checked where they are decoded; a file's identity is only
    /// compared.
    var implausible: String? {
        let generation = 1...Plausible.place.upperBound
        let mark = 0...Int64(1024)
        var numbers: [(name: String, number: Int64?, bounds: ClosedRange<Int64>)] = [
            ("record.generation", Int64(record.generation), generation),
            ("record.seq", Int64(record.seq), 1...Plausible.place.upperBound),
            ("record.firstLine", Int64(record.firstLine), 1...Plausible.place.upperBound),
            ("record.lines", Int64(record.lines), 1...Plausible.amount.upperBound),
            ("record.sourceOffset", record.sourceOffset, Plausible.place),
            ("record.sourceBytes", record.sourceBytes, 1...Plausible.amount.upperBound),
            ("record.bytes", record.bytes, Plausible.amount),
            ("record.storedBytes", record.storedBytes, Plausible.amount),
            ("record.firstTS", record.firstTS, Plausible.time),
            ("record.lastTS", record.lastTS, Plausible.time),
            ("cursor.generation", Int64(cursor.generation), generation),
            ("cursor.offset", cursor.offset, Plausible.place),
            ("cursor.line", Int64(cursor.line), Plausible.place),
            ("cursor.nextSeq", Int64(cursor.nextSeq), 1...Plausible.place.upperBound),
            ("cursor.partialEnd", cursor.partialEnd, Plausible.place),
            ("cursor.marks.headLength", Int64(cursor.marks.headLength), mark),
            ("cursor.marks.tailLength", Int64(cursor.marks.tailLength), mark),
        ]
        numbers += record.redactions.map { ("record.redactions", Int64($0.value), Plausible.amount) }
        numbers += record.anomalies.map { ("record.anomalies", Int64($0.value), Plausible.amount) }
        if let checkpoint {
            numbers += [
                ("checkpoint.generation", Int64(checkpoint.generation), generation),
                ("checkpoint.seq", Int64(checkpoint.seq), Plausible.place),
                ("checkpoint.lineIndex", Int64(checkpoint.lineIndex), Plausible.place),
                ("checkpoint.line", Int64(checkpoint.line), Plausible.place),
                ("checkpoint.ts", checkpoint.ts, Plausible.time),
            ]
        }
        for (name, number, bounds) in numbers {
            guard let number, !bounds.contains(number) else { continue }
            return "\(name) is \(number), which is not from \(bounds.lowerBound) to \(bounds.upperBound)"
        }
        return nil
    }
}
