import LinuxSystem
import Shared

/// How the catalog is opened, and what is done with one that cannot be right: it is kept aside, and made anew from the spool, the
/// kept manifests and the stores.
extension Store {
    /// Opens the catalog and takes up what an earlier life left.
    ///
    /// A check of the database does not look at what its rows say: where they turn out to be impossible it is as damaged as one
    /// that cannot be read.
    func rise(hadTraces: Bool) throws(StoreError) -> RecoveryReport {
        var wasKnown = false
        do throws(StoreError) {
            let (catalog, beginning) = try openCatalog()
            wasKnown = beginning == .known
            return try rise(catalog, beginning, hadTraces: hadTraces)
        } catch {
            // Once: the new one is sound.
            guard error.code == .corrupt, wasKnown else { throw error }
            // Closed by that: SQLite would remove the log of the new one, which has the name of its own.
            opened = nil
            ourWriter = nil
            standingsFault = nil
            return try rise(try rebuilt(because: error), .broken, hadTraces: hadTraces)
        }
    }

    private func rise(
        _ catalog: Catalog, _ beginning: Beginning, hadTraces: Bool
    ) throws(StoreError) -> RecoveryReport {
        opened = catalog
        activeStores = try catalog.rows("SELECT id FROM stores WHERE active = 1 ORDER BY id") {
            (row) throws(StoreError) in row.int64(0)
        }
        var report = try begin(beginning, hadTraces: hadTraces)
        try takeUpKnownStores()
        try takeUpStandings()
        try purgeForgotten()
        try recover(&report)
        if report.stateLost { try setValue(Self.storesUnread, Self.recovered) }
        try settleUnread(&report)
        catalog.foundDamaged = { [directory, log, damaged] error in
            log.record(
                Event(
                    .catalogDamaged, "the catalog is damaged: \(error.message)",
                    hint: "it is set aside and rebuilt at the next start"))
            do throws(SystemError) {
                _ = try Descriptor.open(directory.damage, [.writeOnly, .create, .noFollow])
            } catch {
                // Safe: who meets the damage again says so again.
            }
            damaged()
        }
        return report
    }

    private func openCatalog() throws(StoreError) -> (Catalog, Beginning) {
        let path = directory.catalog
        let size = try reporting("could not look at \(path)") { () throws(SystemError) in try Files.status(path)?.size }
        if let size, size > 0 {
            do throws(StoreError) {
                if try isKnownDamaged() { throw StoreError(.corrupt, "an earlier life found it damaged") }
                return (try Catalog(path), .known)
            } catch {
                guard error.code == .corrupt else { throw error }
                return (try rebuilt(because: error), .broken)
            }
        }
        // A log without its database would be replayed into the new one.
        let hasLeftovers = try hasLeftoverLog()
        let hasDamage = try isKnownDamaged()
        if size == nil, hasLeftovers || hasDamage { _ = try setCatalogAside() }
        return (try Catalog(path), .new)
    }

    /// A new catalog in the place of a damaged one.
    private func rebuilt(because error: StoreError) throws(StoreError) -> Catalog {
        let kept = try setCatalogAside()
        log.record(
            Event(
                .catalogSetAside, "the catalog was damaged and is rebuilt; the old one is \(kept)",
                hint: "sessions that cannot be rebuilt are listed by `uploaderctl status`",
                fields: ["REASON": "\(error)"]))
        return try Catalog(directory.catalog)
    }

    private func isKnownDamaged() throws(StoreError) -> Bool {
        try reporting("could not look at \(directory.damage)") { () throws(SystemError) in
            try Files.status(directory.damage) != nil
        }
    }

    private func hasLeftoverLog() throws(StoreError) -> Bool {
        try reporting("could not look at \(directory.catalog)-wal") { () throws(SystemError) in
            try Files.status("\(directory.catalog)-wal") != nil
        }
    }

    private func setCatalogAside() throws(StoreError) -> String {
        let base = "\(directory.catalog).broken-\(RFC3339.dashed(seconds: time.wall.seconds))"
        return try reporting("could not set \(directory.catalog) aside") { () throws(SystemError) in
            var target = base
            var count = 1
            while true {
                let (database, log) = (try Files.status(target), try Files.status("\(target)-wal"))
                if database == nil, log == nil { break }
                count += 1
                target = "\(base).\(count)"
            }
            for suffix in ["", "-wal", "-shm"] where try Files.status(directory.catalog + suffix) != nil {
                try Files.rename(directory.catalog + suffix, to: target + suffix, replacing: false)
            }
            _ = try Files.unlink(directory.damage)
            try Files.syncDirectory(directory.path)
            return target
        }
    }
}
