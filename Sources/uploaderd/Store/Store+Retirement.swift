package import Shared

extension Store {
    /// Segments that every required store has, each named by a manifest there. None without a required store.
    package func retirable(required: [StoreID], limit: Int = 512) throws(StoreError) -> [SegmentID] {
        try catalog().reading { () throws(StoreError) in try listed(byAll: required, limit) }
    }

    private func listed(byAll required: [StoreID], _ limit: Int) throws(StoreError) -> [SegmentID] {
        let catalog = try catalog()
        var stores: [Int64] = []
        for store in required {
            guard let row = try storeRow(store) else { return [] }
            stores.append(row)
        }
        guard !stores.isEmpty else { return [] }
        // The stores' lists are walked together, each jumping to where the furthest one is: a store that is far behind
        // ends the walk at once, whatever the others have.
        var found: [SegmentID] = []
        var candidate = SegmentID(rawValue: 0)
        while found.count < limit {
            var furthest = candidate
            for store in stores {
                let next = try catalog.row(
                    """
                    SELECT segment_id FROM copies
                    WHERE store_id = ?1 AND listed = 1 AND spooled = 1 AND segment_id >= ?2 ORDER BY segment_id LIMIT 1
                    """, store, furthest
                ) { (row) throws(StoreError) in row.segment(0) }
                guard let next else { return found }
                furthest = next
            }
            // All stores have `furthest` only if the first one has it too.
            if furthest == candidate {
                found.append(candidate)
                candidate = SegmentID(rawValue: candidate.rawValue + 1)
            } else {
                candidate = furthest
            }
        }
        return found
    }

    /// Lets segments leave the spool: their rows say so first, then the files are unlinked.
    ///
    /// One that no store has, named by a manifest there, stays: which stores are required is the caller's to say, but
    /// the last copy never goes.
    package func retire(_ ids: [SegmentID]) throws(StoreError) {
        let catalog = try catalog()
        let retired = try catalog.transaction { () throws(StoreError) in
            var retired: [SpoolEntry] = []
            for id in ids {
                guard let entry = try catalog.spoolEntry(id), entry.state == .spooled, try isListed(id) else {
                    continue
                }
                try markRetired(id)
                retired.append(entry)
            }
            return retired
        }
        guard !retired.isEmpty else { return }
        faults.reach(.retireRow)
        removeFiles(retired.map { ($0.path, $0.fileBytes) })
        faults.reach(.retireUnlinked)
    }

    private func isListed(_ id: SegmentID) throws(StoreError) -> Bool {
        try catalog().number("SELECT count(*) FROM copies WHERE segment_id = ?1 AND state = 2 AND listed = 1", id) > 0
    }

    func markRetired(_ id: SegmentID) throws(StoreError) {
        let catalog = try catalog()
        try catalog.run("UPDATE segments SET state = 1 WHERE id = ?1", id)
        try catalog.run("UPDATE copies SET spooled = 0 WHERE segment_id = ?1", id)
    }
}
