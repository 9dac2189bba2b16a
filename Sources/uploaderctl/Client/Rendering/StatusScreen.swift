package import Shared

/// `status`: one screen that says whether all is well, what is not safe yet, and why.
package struct StatusScreen {
    private let status: StatusReply
    private let paint: Paint
    private let width: Int?

    package init(_ status: StatusReply, width: Int?, paint: Paint = .plain) {
        self.status = status
        self.width = width
        self.paint = paint
    }

    package var text: String {
        var out = heading + "\n"
        for (name, value) in facts { out += TextWidth.padded(name, to: 12) + fitted(value) + "\n" }
        out += "\n" + destinations
        if !status.health.isEmpty { out += "\n" + problems }
        return out
    }

    private var heading: String {
        let verdict =
            status.health.isEmpty
            ? paint.good("healthy") : paint.bad(Amounts.count(status.health.count, "problem"))
        let up = Amounts.duration(status.uptimeSeconds)
        return "\(paint.bold("uploaderd \(TerminalText.escaped(status.version))")) · \(verdict) · up \(up)"
            + " · pid \(status.pid)"
    }

    private var facts: [(String, String)] {
        var facts: [(String, String)] = []
        for (index, root) in status.watching.roots.enumerated() {
            facts.append((index == 0 ? "watching" : "", "\(root.agent.rawValue) \(root.root)\(note(root.state))"))
        }
        if status.watching.roots.isEmpty { facts.append(("watching", "nothing: no agent's directory is configured")) }
        var sessions = "\(status.sessions.live) live, \(status.sessions.known) known"
        if status.sessions.unresolved > 0 { sessions += ", \(status.sessions.unresolved) unresolved" }
        facts.append(("sessions", sessions))
        facts.append(
            (
                "rates",
                "\(Amounts.rate(status.rates.bytesRead)) read, \(Amounts.rate(status.rates.bytesDelivered)) delivered"
            ))
        facts.append(("spool", "\(Amounts.size(status.spool.bytes)) of \(Amounts.size(status.spool.maxBytes))"))
        if let backfill = status.backfill {
            let percent = Amounts.percent(backfill.bytesDone, of: backfill.bytesTotal)
            facts.append(
                (
                    "backfill",
                    "\(percent) %, \(Amounts.size(backfill.bytesDone)) of \(Amounts.size(backfill.bytesTotal))"
                ))
        }
        if let noticed { facts.append(("noticed", noticed)) }
        let none = status.redaction.rules == "none"
        facts.append(("redaction", none ? "none: lines are stored as they are" : "rules \(status.redaction.rules)"))
        if let path = status.storePath { facts.append(("store", path)) }
        return facts
    }

    private var noticed: String? {
        let seen = status.noticed
        var parts: [String] = []
        if seen.generations > 0 { parts.append(Amounts.count(seen.generations, "new generation")) }
        if seen.withheldLines > 0 { parts.append(Amounts.count(seen.withheldLines, "withheld line")) }
        for (kind, count) in seen.anomalies.sorted(by: { $0.key < $1.key }) { parts.append("\(kind) \(count)") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    private func note(_ state: RootStatus.State) -> String {
        switch state {
        case .watching: ""
        case .scanning: " (being scanned)"
        case .waiting: " (not there yet)"
        case .polled: " (polled)"
        case .unreadable: " (cannot be read)"
        }
    }

    private var destinations: String {
        guard !status.destinations.isEmpty else { return "No destination: nothing is delivered.\n" }
        var table = TextTable([
            .init("DESTINATION"), .init("TYPE"), .init("STATE"), .init("QUEUED", number: true),
            .init("BYTES", number: true), .init("OLDEST UNSAFE", number: true), .init("LAST ERROR", fit: .cutEnd),
        ])
        for destination in status.destinations {
            table.add([
                destination.name + (destination.required ? "" : " (optional)"), destination.type,
                destination.state.rawValue, "\(destination.queued)", Amounts.size(destination.queuedBytes),
                destination.oldestUnsafeSeconds.map { Amounts.duration($0) } ?? "-", destination.lastError ?? "-",
            ])
        }
        return table.text(width: width, paint: paint)
    }

    private var problems: String {
        var out = ""
        for entry in status.health {
            out += paint.bad(TerminalText.escaped("\(entry.kind) \(entry.subject)"))
            out += ": \(TerminalText.escaped(entry.message)) (since \(TerminalText.escaped(entry.since)))\n"
            if let hint = entry.hint { out += "  \(TerminalText.escaped(hint))\n" }
        }
        return out
    }

    private func fitted(_ value: String) -> String {
        let value = TerminalText.escaped(value)
        return width.map { TextWidth.fitted(value, to: max(20, $0 - 12)) } ?? value
    }
}
