import Shared

/// What this catalog knows of the lives before it: whether there were any, and whether every store was asked since.
extension Store {
    /// In `meta` as long as not every store was read since the catalog was made: `fresh` where there was none before it, as
    /// far as anything here tells; where one was lost `unrecovered` until what is here was taken up.
    static let storesUnread = "stores_unread"
    private static let fresh = "fresh"
    private static let unrecovered = "unrecovered"
    static let recovered = "recovered"

    /// Says what the catalog is before anything is put into it: a start that is cut off must not hide from the next one that
    /// an earlier catalog was lost.
    func begin(_ beginning: Beginning, hadTraces: Bool) throws(StoreError) -> RecoveryReport {
        let catalog = try catalog()
        // Without a writer it is one of which nothing but the tables was made.
        let isNew = try value("writer") == nil
        let isLost = beginning == .broken || (isNew && hadTraces)
        var report = RecoveryReport()
        report.fresh = isNew && !isLost
        let isUnrecovered = try value(Self.storesUnread) == Self.unrecovered
        report.stateLost = isLost || isUnrecovered
        guard isNew else { return report }
        try catalog.transaction { () throws(StoreError) in
            try setValue("writer", newIdentifier())
            try setValue(Self.storesUnread, isLost ? Self.unrecovered : Self.fresh)
        }
        return report
    }

    /// A first life that opened a store, and ended before it had read all of it, may not have seen the sessions of an earlier one.
    /// One that opened none has learnt nothing: the next one knows no more.
    func settleUnread(_ report: inout RecoveryReport) throws(StoreError) {
        guard let unread = try value(Self.storesUnread) else { return }
        guard unread == Self.fresh else {
            report.storesUnread = true
            return
        }
        report.awaited = try catalog().rows("SELECT name FROM stores WHERE active = 1") { (row) throws(StoreError) in
            StoreID(row.text(0))
        }
        report.fresh = report.awaited.isEmpty
    }

    /// Every store was read since the catalog was made, or lost: a session that has no rows has none anywhere.
    package func noteStoresRead() throws(StoreError) {
        try catalog().run("DELETE FROM meta WHERE key = ?1", Self.storesUnread)
    }
}
