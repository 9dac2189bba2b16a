package import Shared

/// `sessions --remote`: one row each, the one written last on top.
package enum RemoteTable {
    package static func text(_ sessions: [RemoteSession], now: WallTime, width: Int?, paint: Paint = .plain) -> String {
        guard !sessions.isEmpty else { return "No session is in a store that can be read and fits.\n" }
        var table = TextTable([
            .init("SESSION"), .init("AGENT"), .init("TITLE", fit: .cutEnd), .init("DIRECTORY", fit: .cutBeginning),
            .init("LINES", number: true), .init("BYTES", number: true), .init("HOST"), .init("IN"), .init("LAST"),
        ])
        for each in sessions.sorted(by: isLater) {
            let facts = each.session.facts
            table.add([
                each.session.sid.rawValue, facts.agent?.rawValue ?? "-", facts.title ?? facts.firstUserMessage ?? "-",
                facts.cwd ?? "-", "\(each.session.lines)", Amounts.size(each.session.bytes), facts.host ?? "-",
                each.destination, facts.lastAt.map { Amounts.ago($0, now: now) } ?? "-",
            ])
        }
        return table.text(width: width, paint: paint)
    }

    private static func isLater(_ a: RemoteSession, _ b: RemoteSession) -> Bool {
        let (first, second) = (a.session.facts.lastAt ?? "", b.session.facts.lastAt ?? "")
        if first != second { return first > second }
        return (a.session.sid, a.destination) < (b.session.sid, b.destination)
    }
}
