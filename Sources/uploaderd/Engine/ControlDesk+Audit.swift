package import Shared
import Store

/// What was sent, skipped, refused, redacted and deleted.
extension ControlDesk {
    package func audit(_ request: AuditRequest, limit: Int) async throws(ControlError) -> AuditPage {
        let names = try await namesOfStores()
        var filter = AuditFilter(since: request.since, session: request.sid)
        if let destination = request.destination {
            guard let store = names.first(where: { $0.value == destination })?.key else {
                let known = Set(names.values).sorted().joined(separator: ", ")
                throw ControlError(
                    .noMatch, "there is no destination \(destination)",
                    hint: known.isEmpty ? "none was ever open" : "there is \(known)")
            }
            filter.store = store
        }
        let place = try AuditPlace(request.after)
        var page = AuditPage()
        var last: AuditPlace?
        if case .entries(let after) = place {
            let rows = try await asking { [filter] () async throws(StoreError) in
                try await engine.store.audit(filter, after: after, limit: limit)
            }
            page.entries = rows.map { AuditEntry($0, names) }
            last = rows.last.map { .entries(after: $0.key) }
        }
        if page.entries.count < limit {
            let after: Int64 = if case .refusals(let after) = place { after } else { 0 }
            let left = limit - page.entries.count
            let rows = try await asking { [filter] () async throws(StoreError) in
                try await engine.store.refusals(filter, after: after, limit: left)
            }
            page.refusals = rows.map { AuditRefusal($0, names) }
            last = rows.count < left ? nil : rows.last.map { .refusals(after: $0.id) }
        }
        page.next = last?.text
        return page
    }

    /// Also of those that are not configured any more.
    private func namesOfStores() async throws(ControlError) -> [StoreID: String] {
        var names: [StoreID: String] = [:]
        let former = try await asking { () async throws(StoreError) in try await engine.store.knownDestinations() }
        for (name, id) in former { names[id] = name }
        return names.merging(try await storeNames()) { $1 }
    }
}

/// Where a page of the audit ends, as `next` carries it: `e SID STORE OUTCOME REASON` or `r NUMBER`; a store is `-` where it is here.
private enum AuditPlace {
    case entries(after: AuditRow.Key?)
    case refusals(after: Int64)

    init(_ text: String?) throws(ControlError) {
        guard let text else {
            self = .entries(after: nil)
            return
        }
        let words = text.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
        if words.count == 2, words[0] == "r", let id = Int64(words[1]) {
            self = .refusals(after: id)
        } else if words.count == 5, words[0] == "e", let session = SessionID(words[1]),
            let outcome = AuditOutcome(rawValue: words[3])
        {
            self = .entries(
                after: AuditRow.Key(
                    session: session, store: words[2] == "-" ? nil : StoreID(words[2]), outcome: outcome,
                    reason: words[4]))
        } else {
            throw .invalidParameter("after")
        }
    }

    var text: String {
        switch self {
        case .entries(let key?):
            "e \(key.session) \(key.store?.rawValue ?? "-") \(key.outcome.rawValue) \(key.reason)"
        case .entries(nil): ""
        case .refusals(let id): "r \(id)"
        }
    }
}

extension AuditEntry {
    fileprivate init(_ row: AuditRow, _ names: [StoreID: String]) {
        self.init(
            sid: row.key.session, destination: row.key.store.map { names[$0] ?? $0.rawValue },
            outcome: row.key.outcome, reason: row.key.reason, firstAt: RFC3339.text(row.firstAt),
            at: RFC3339.text(row.at), times: row.times, lines: row.lines, bytes: row.bytes, path: row.path)
    }
}

extension AuditRefusal {
    fileprivate init(_ row: RefusalRow, _ names: [StoreID: String]) {
        self.init(
            sid: row.session, destination: names[row.store] ?? row.store.rawValue, code: row.code,
            message: row.message, at: RFC3339.text(row.at), times: row.times)
    }
}
