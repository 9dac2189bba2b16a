package import Shared

/// `sessions`: one row each, the one written last on top.
package enum SessionTable {
    package static func text(_ sessions: [SessionItem], now: WallTime, width: Int?, paint: Paint = .plain) -> String {
        guard !sessions.isEmpty else { return "No session is known here that fits.\n" }
        var table = TextTable([
            .init("SESSION"), .init("AGENT"), .init("TITLE", fit: .cutEnd), .init("DIRECTORY", fit: .cutBeginning),
            .init("LINES", number: true), .init("BYTES", number: true), .init("SAFE", number: true), .init("LAST"),
        ])
        for session in sessions.sorted(by: isLater) {
            let facts = session.facts
            table.add([
                session.sid.rawValue, facts.agent?.rawValue ?? "-", facts.title ?? facts.firstUserMessage ?? "-",
                facts.cwd ?? "-", "\(session.lines)", Amounts.size(session.bytes), safe(session),
                facts.lastAt.map { Amounts.ago($0, now: now) } ?? "-",
            ])
        }
        return table.text(width: width, paint: paint)
    }

    private static func safe(_ session: SessionItem) -> String {
        if session.isPrivate { return session.standing.rawValue }
        return session.atRisk ? "to \(session.safeLines)" : "all"
    }

    private static func isLater(_ a: SessionItem, _ b: SessionItem) -> Bool {
        let (first, second) = (a.facts.lastAt ?? "", b.facts.lastAt ?? "")
        return first == second ? a.sid < b.sid : first > second
    }
}

/// `show`: everything about one session.
package enum SessionScreen {
    package static func text(_ detail: SessionDetail, now: WallTime, width: Int?, paint: Paint = .plain) -> String {
        var out = ""
        if let session = detail.session { out += facts(session, now: now, paint: paint) }
        out += "\n" + streams(detail.streams, width, paint)
        if detail.writers.count > 1 { out += "\n" + writers(detail.writers, width, paint) }
        if !detail.checkpoints.isEmpty { out += "\n" + checkpoints(detail.checkpoints, width, paint) }
        if !detail.segments.isEmpty { out += "\n" + segments(detail.segments, width, paint) }
        return out
    }

    private static func facts(_ session: SessionItem, now: WallTime, paint: Paint) -> String {
        let facts = session.facts
        var rows: [(String, String?)] = [
            ("agent", [facts.agent?.rawValue, facts.agentVersion].compactMap { $0 }.joined(separator: " ")),
            ("title", facts.title), ("directory", facts.cwd), ("branches", facts.branches?.joined(separator: ", ")),
            ("models", facts.models?.joined(separator: ", ") ?? facts.model), ("parent", facts.parentSID?.rawValue),
            ("started", facts.startedAt), ("last line", facts.lastAt.map { "\($0) (\(Amounts.ago($0, now: now)))" }),
            ("ended", facts.endedAt.map { [$0, facts.endReason].compactMap { $0 }.joined(separator: ", ") }),
            ("host", [facts.host, facts.user].compactMap { $0 }.joined(separator: ", ")), ("source", facts.sourcePath),
            ("lines", "\(session.lines), \(Amounts.size(session.bytes))"),
        ]
        let safe = session.atRisk ? paint.bad("to line \(session.safeLines)") : paint.good("all")
        rows.append((session.standing.rawValue, session.isPrivate ? "nothing more of it leaves this machine" : nil))
        var out = paint.bold(TerminalText.escaped(session.sid.rawValue)) + "\n"
        for (name, value) in rows {
            guard let value, !value.isEmpty else { continue }
            out += TextWidth.padded(name, to: 12) + TerminalText.escaped(value) + "\n"
        }
        return session.isPrivate ? out : out + TextWidth.padded("safe", to: 12) + safe + "\n"
    }

    private static func streams(_ streams: [StreamDetail], _ width: Int?, _ paint: Paint) -> String {
        var table = TextTable([
            .init("STREAM"), .init("KIND"), .init("GENERATION", number: true), .init("LINES", number: true),
            .init("BYTES", number: true), .init("SAFE", number: true), .init("SEGMENTS", number: true),
            .init("READ TO", number: true), .init("SOURCE", fit: .cutBeginning),
        ])
        for stream in streams {
            for generation in stream.generations {
                table.add([
                    stream.stream.rawValue, stream.kind, "\(generation.generation)", "\(generation.lines)",
                    Amounts.size(generation.bytes), "\(generation.safeLines)", "\(generation.segments)",
                    "\(generation.sourceOffset)", stream.sourcePath ?? "-",
                ])
            }
        }
        return table.text(width: width, paint: paint)
    }

    private static func writers(_ writers: [WriterItem], _ width: Int?, _ paint: Paint) -> String {
        var table = TextTable([
            .init("WRITER"), .init("HOST"), .init("LINES", number: true), .init("CONTINUES"),
            .init("IN", fit: .cutEnd),
        ])
        for writer in writers {
            let continues = writer.continues.map { "\($0) line \(writer.continuesLine ?? 0)" }
            table.add([
                (writer.writer.isEmpty ? "-" : writer.writer) + (writer.isOurs ? " (this one)" : ""),
                writer.host ?? "-", "\(writer.lines)", continues ?? "-",
                writer.destinations.joined(separator: ", "),
            ])
        }
        return table.text(width: width, paint: paint)
    }

    private static func checkpoints(_ checkpoints: [CheckpointItem], _ width: Int?, _ paint: Paint) -> String {
        var table = TextTable([
            .init("CHECKPOINT"), .init("STREAM"), .init("GENERATION", number: true), .init("LINE", number: true),
            .init("LABEL", fit: .cutEnd), .init("BRANCH", fit: .cutEnd),
        ])
        for checkpoint in checkpoints {
            table.add([
                checkpoint.id, checkpoint.stream.rawValue, "\(checkpoint.generation)", "\(checkpoint.line)",
                checkpoint.label ?? "-", checkpoint.branch ?? "-",
            ])
        }
        return table.text(width: width, paint: paint)
    }

    private static func segments(_ segments: [SegmentItem], _ width: Int?, _ paint: Paint) -> String {
        var table = TextTable([
            .init("SEGMENT"), .init("GENERATION", number: true), .init("LINES", number: true),
            .init("BYTES", number: true), .init("STORED", number: true), .init("CUT"), .init("STATE"),
            .init("DELIVERED", fit: .cutEnd),
        ])
        for segment in segments {
            let last = segment.firstLine + max(segment.lines, 1) - 1
            table.add([
                "\(segment.stream) \(segment.seq)", "\(segment.generation)", "\(segment.firstLine)-\(last)",
                Amounts.size(segment.bytes), Amounts.size(segment.storedBytes),
                segment.cut.rawValue + (segment.partial ? ", partial" : ""), segment.state.rawValue,
                segment.deliveries.isEmpty ? "-" : segment.deliveries.map(\.destination).joined(separator: ", "),
            ])
        }
        return table.text(width: width, paint: paint)
    }
}
