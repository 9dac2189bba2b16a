package import Shared

/// What the entries of an audit come to.
package struct AuditSummary: Hashable, Sendable, Encodable {
    /// Sessions of which something was sent, and the objects and bytes of all of them.
    package var uploaded = 0
    package var objects = 0
    package var bytes: Int64 = 0
    /// Sessions of which nothing is taken or sent.
    package var privateSkipped = 0
    /// Attempts that a destination will not take as they are, and those that are made again.
    package var refused = 0
    package var failed = 0
    /// Secrets that were removed, and lines that stayed here.
    package var redacted = 0
    package var withheld = 0
    package var deleted = 0

    enum CodingKeys: String, CodingKey {
        case uploaded, objects, bytes, refused, failed, redacted, withheld, deleted
        case privateSkipped = "private_skipped"
    }

    package init(_ entries: [AuditEntry] = []) {
        uploaded = Set(entries.lazy.filter(\.isSent).map(\.sid)).count
        privateSkipped = Set(entries.lazy.filter { $0.outcome == .skipped }.map(\.sid)).count
        for entry in entries {
            switch entry.outcome {
            case .sent, .resent:
                objects += entry.times
                bytes += entry.bytes
            case .redacted: redacted += entry.times
            case .withheld: withheld += entry.times
            case .skipped: break
            case .refused: refused += entry.times
            case .failed, .interrupted: failed += entry.times
            case .deleted: deleted += entry.times
            }
        }
    }
}

/// `audit`: a row for each entry, what was refused in words, and what it all comes to.
package enum AuditText {
    package static func text(
        _ entries: [AuditEntry], _ refusals: [AuditRefusal], now: WallTime, width: Int?, paint: Paint = .plain
    ) -> String {
        guard !entries.isEmpty || !refusals.isEmpty else { return "Nothing has happened that fits.\n" }
        var table = TextTable([
            .init("SESSION"), .init("OUTCOME"), .init("DESTINATION"), .init("TIMES", number: true),
            .init("LINES", number: true), .init("BYTES", number: true), .init("LAST"), .init("REASON", fit: .cutEnd),
        ])
        for entry in entries {
            table.add([
                entry.sid.rawValue, entry.outcome.rawValue, entry.destination ?? "-", "\(entry.times)",
                entry.isSent ? "\(entry.lines)" : "-", entry.isSent ? Amounts.size(entry.bytes) : "-",
                Amounts.ago(entry.at, now: now), entry.reason.isEmpty ? "-" : entry.reason,
            ])
        }
        var out = table.text(width: width, paint: paint)
        if !refusals.isEmpty {
            out += "\n" + paint.bold("refused") + "\n"
            for refusal in refusals {
                let text =
                    "\(refusal.at)  \(refusal.destination)  \(refusal.sid)  \(refusal.code), "
                    + "\(Amounts.count(refusal.times, "time")): \(refusal.message)"
                out += TerminalText.escaped(text) + "\n"
            }
        }
        let sum = AuditSummary(entries)
        out += "\n" + "\(Amounts.count(sum.uploaded, "session")) uploaded in \(Amounts.count(sum.objects, "object")), "
        out += "\(Amounts.size(sum.bytes)); \(sum.privateSkipped) kept here; "
        out += "\(Amounts.count(sum.redacted, "secret")) removed, \(Amounts.count(sum.withheld, "line")) withheld; "
        out += "\(sum.refused) attempts refused, \(sum.failed) failed and made again; \(sum.deleted) deleted\n"
        return out
    }
}

extension AuditEntry {
    fileprivate var isSent: Bool { outcome == .sent || outcome == .resent }
}

/// The audit as agnes writes its logs, a file each:
///
///     agnes-sessions-uploaded.txt           when TAB path; of one whose path is not known sid TAB bytes TAB when
///     agnes-sessions-private-skipped.txt    when TAB sid TAB path
///     agnes-sessions-failed.txt             when TAB sid TAB status TAB path
///     agnes-sessions-redacted.txt           when TAB sid TAB type TAB count
///
/// agnes has no log of what it redacted: the last is ours, in its manner. A tab or a line's end in a path becomes a space, as it would
/// be another field or line; an empty path is one that is not known.
package enum AgnesLog: String, Sendable, CaseIterable {
    case uploaded
    case privateSkipped = "private-skipped"
    case failed, redacted

    package var fileName: String { "agnes-sessions-\(rawValue).txt" }

    /// In the order of their times.
    package func lines(_ entries: [AuditEntry]) -> [String] {
        let found: [(at: String, line: String)] =
            switch self {
            case .uploaded: uploads(entries)
            case .privateSkipped: fields(entries, [.skipped]) { [$0.at, $0.sid.rawValue, $0.path ?? ""] }
            case .failed: fields(entries, [.refused]) { [$0.at, $0.sid.rawValue, $0.reason, $0.path ?? ""] }
            case .redacted:
                fields(entries, [.redacted, .withheld]) {
                    [$0.at, $0.sid.rawValue, $0.reason.isEmpty ? $0.outcome.rawValue : $0.reason, "\($0.times)"]
                }
            }
        return found.sorted { ($0.at, $0.line) < ($1.at, $1.line) }.map(\.line)
    }

    /// A session once, as it was sent last to any destination.
    private func uploads(_ entries: [AuditEntry]) -> [(at: String, line: String)] {
        var last: [SessionID: AuditEntry] = [:]
        for entry in entries where entry.isSent && entry.at >= last[entry.sid]?.at ?? "" { last[entry.sid] = entry }
        return last.values.map { entry in
            let fields = entry.path.map { [entry.at, $0] } ?? [entry.sid.rawValue, "\(entry.bytes)", entry.at]
            return (entry.at, Self.line(fields))
        }
    }

    private func fields(
        _ entries: [AuditEntry], _ outcomes: Set<AuditOutcome>, _ fields: (AuditEntry) -> [String]
    ) -> [(at: String, line: String)] {
        entries.filter { outcomes.contains($0.outcome) }.map { ($0.at, Self.line(fields($0))) }
    }

    private static func line(_ fields: [String]) -> String {
        fields.map { field in
            String(decoding: field.utf8.map { (0x09...0x0D).contains($0) ? 0x20 : $0 }, as: UTF8.self)
        }.joined(separator: "\t")
    }
}
