package import Shared

/// `verify`: what is not where it should be, then the counts.
package enum VerifyText {
    package static func text(bad: [VerifiedRange], _ summary: VerifySummary, width: Int?, paint: Paint = .plain)
        -> String
    {
        var out = ""
        if !bad.isEmpty {
            var table = TextTable([
                .init("STATE"), .init("SESSION"), .init("STREAM"), .init("GENERATION", number: true),
                .init("LINES", number: true), .init("DESTINATION"), .init("DETAIL", fit: .cutEnd),
            ])
            for range in bad {
                table.add([
                    range.state.rawValue, range.sid.rawValue, range.stream.rawValue, "\(range.generation)",
                    range.lines == 0 ? "?" : "\(range.firstLine)-\(range.firstLine + range.lines - 1)",
                    range.destination,
                    [range.writer.map { "writer \($0)" }, range.detail].compactMap(\.self).joined(separator: ": "),
                ])
            }
            out += table.text(width: width, paint: paint) + "\n"
        }
        let counts: [(Int, String)] = [
            (summary.found, "found"), (summary.queued, "queued"), (summary.uploading, "uploading"),
            (summary.delayed, "delayed"), (summary.missing, "missing"), (summary.damaged, "damaged"),
            (summary.private, "private"),
        ]
        let parts = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        let verdict = summary.isGood ? paint.good("Good") : paint.bad("Not good")
        let scope =
            "\(Amounts.count(summary.ranges, "range")) of \(Amounts.count(summary.sessions, "session"))"
            + (summary.readBack > 0 ? ", \(Amounts.count(summary.readBack, "object")) read back" : "")
        return out + "\(verdict): \(scope)\(parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))\n"
    }
}
