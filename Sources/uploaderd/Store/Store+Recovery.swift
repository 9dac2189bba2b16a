import LinuxSystem
import Segments
import Shared

/// What boot does with what it finds. Every step may be cut off and is done again by the next boot.
///
///     .tmp-*                                      deleted
///     manifests that the catalog does not know    their segments get rows: the catalog is new, or an older copy
///     row spooled, no file, a receipt somewhere   retired
///     row spooled, no file, no receipt            lost; the cursor goes back, numbers stay used
///     file without a row                          Store+Adoption
///     file of a retired row                       unlinked; adopted where no store has it any more
///     anything else in the spool                  moved to .refused and reported
///
/// Rows and cursors change in one transaction; files are removed or moved only after it.
extension Store {
    func recover(_ report: inout RecoveryReport) throws(StoreError) {
        let catalog = try catalog()
        report.lastWritten = try catalog.row("SELECT sealed_at FROM segments ORDER BY id DESC LIMIT 1") {
            (row) throws(StoreError) in WallTime(nanoseconds: row.int64(0))
        }
        report.temporariesDeleted = try deleteTemporaries()
        var scan = SpoolScan()
        try walk("", &scan)
        let done = try catalog.transaction { () throws(StoreError) in
            var work = RecoveryWork(report: report, refused: scan.refused)
            // Attempts whose outcome nobody heard: the objects may be there.
            try noteInterrupted()
            try catalog.run(Self.releaseClaims)
            try takeUpLocalManifests(&work)
            let gone = try compareRows(&scan, &work)
            try adopt(scan.files, &work)
            // A seal that was cut off leaves one file of a stream: with more the catalog is an older copy.
            if work.report.takenUp > 0 || work.report.adopted.count > work.adoptedFolders.count {
                for row in try catalog.spooled() { try noteFound(row.id) }
            }
            try settleLost(gone, &work)
            if report.stateLost {
                // Whose they are in a store, and what of them is there, nobody knows here: as another writer we would put
                // them a second time.
                try catalog.run(
                    """
                    UPDATE sessions SET unresolved = 'the catalog was lost, and what stores have of it is not known yet'
                    WHERE unresolved IS NULL AND writer IS NULL AND state <> 'forgotten'
                    """)
            }
            // Those of a life that ended before it could read every store, too.
            work.report.unresolved = try unresolved().map(\.session)
            if let failure = spoolFiles.settle(work.adoptedFolders).values.first { throw failure }
            return work
        }
        report = done.report
        for path in done.unneeded { try spoolFiles.remove(path) }
        for refusal in done.refused {
            report.refused.append(RecoveryReport.Refusal(path: setAside(refusal), why: refusal.why))
        }
        report.lost = try lostSegments()
        try spoolFiles.sweep()
        spool.set(
            try catalog.number("SELECT coalesce(sum(header_bytes + stored_bytes), 0) FROM segments WHERE state = 0"))
        announce(report)
    }

    private func deleteTemporaries() throws(StoreError) -> Int {
        var count = 0
        for folder in [directory.spool, directory.manifests] {
            try reporting("could not delete temporary files in \(folder)") { () throws(SystemError) in
                for entry in try Files.list(folder) where entry.name.hasPrefix(".tmp-") && entry.kind != .directory {
                    try Files.unlink("\(folder)/\(entry.name)")
                    count += 1
                }
            }
        }
        return count
    }

    /// Finds every file below `folder` of the spool; `""` is the spool itself.
    private func walk(_ folder: String, _ scan: inout SpoolScan) throws(StoreError) {
        let place = folder.isEmpty ? directory.spool : spoolFiles.absolute(folder)
        let entries = try reporting("could not list \(place)") { () throws(SystemError) in try Files.list(place) }
        for entry in entries.sorted(by: { $0.name < $1.name }) {
            if folder.isEmpty, StateDirectory.besidesSegments.contains(entry.name) { continue }
            let path = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
            let status = try reporting("could not look at \(spoolFiles.absolute(path))") { () throws(SystemError) in
                try Files.status(spoolFiles.absolute(path))
            }
            switch status?.kind {
            case .directory: try walk(path, &scan)
            case .regular where entry.isExact && entry.name.hasSuffix(".seg"): scan.files[path] = status?.size
            case nil: scan.refused.append(RecoveryReport.Refusal(path: path, why: "its name cannot be used"))
            default: scan.refused.append(RecoveryReport.Refusal(path: path, why: "it is no segment file"))
            }
        }
    }

    private func takeUpLocalManifests(_ work: inout RecoveryWork) throws(StoreError) {
        let catalog = try catalog()
        var known: [String: (size: Int64, modified: Int64)] = [:]
        let stamps = try catalog.rows(
            "SELECT sid, kept_size, kept_modified FROM sessions WHERE kept_size IS NOT NULL"
        ) { (row) throws(StoreError) in (try row.session(0), row.int64(1), row.int64(2)) }
        for (session, size, modified) in stamps { known[directory.manifest(of: session)] = (size, modified) }
        let entries = try reporting("could not list \(directory.manifests)") { () throws(SystemError) in
            try Files.list(directory.manifests)
        }
        for entry in entries.sorted(by: { $0.name < $1.name }) where entry.name.hasSuffix(".json") && entry.isExact {
            let path = "\(directory.manifests)/\(entry.name)"
            let status = try reporting("could not look at \(path)") { () throws(SystemError) in
                try Files.status(path)
            }
            guard let status, status.kind == .regular else { continue }
            if let stamp = known[path], stamp == (status.size, status.modified) { continue }
            try takeUp(LocalManifests(directory: directory), entry.name, status, &work)
        }
    }

    private func takeUp(
        _ files: LocalManifests, _ name: String, _ status: FileStatus, _ work: inout RecoveryWork
    ) throws(StoreError) {
        let catalog = try catalog()
        let kept: LocalManifests.Kept
        do throws(StoreError) {
            kept = try files.read(fileNamed: name)
        } catch {
            guard error.code == .damaged else { throw error }
            // It stays: the next manifest of the session takes its place.
            work.report.refused.append(
                RecoveryReport.Refusal(path: "\(directory.manifests)/\(name)", why: "\(error)"))
            return
        }
        if work.report.stateLost, work.report.takenUp == 0, let writer = kept.manifest.writer {
            try setValue("writer", writer)
        }
        let (result, _) = try takeUpRows(kept.manifest, at: kept.holders, isPublished: false, as: .own)
        work.report.takenUp += result.added
        let sessionRow = try catalog.ensureSession(kept.session, facts: SessionFacts(), at: time.wall)
        for (store, epoch) in kept.epochs {
            let row = try ensureStore(store)
            try catalog.run(
                """
                INSERT INTO manifests (session_id, store_id, epoch, wanted_at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (session_id, store_id) DO UPDATE SET epoch = max(epoch, ?3)
                """, sessionRow, row, epoch, time.wall)
        }
        try catalog.run(
            "UPDATE sessions SET kept_size = ?2, kept_modified = ?3 WHERE id = ?1", sessionRow, status.size,
            status.modified)
        if !result.isWhole {
            try leaveUnresolved(kept.session, "its local manifest leaves out a range of its source")
        }
    }

    /// Takes the files of spooled rows out of the scan.
    ///
    /// - Returns: rows that have neither a file nor a receipt; they count as lost from here on.
    private func compareRows(_ scan: inout SpoolScan, _ work: inout RecoveryWork) throws(StoreError) -> [SegmentRow] {
        let catalog = try catalog()
        var gone: [SegmentRow] = []
        for row in try catalog.spooled() {
            let path = StateDirectory.spoolPath(of: row.record)
            if let size = scan.files.removeValue(forKey: path) {
                if size == row.fileBytes { continue }
                work.refused.append(
                    RecoveryReport.Refusal(
                        path: path, why: "it is \(size) bytes long, and its row says \(row.fileBytes)"))
            }
            if try holders(of: row.id).isEmpty {
                try lose(row)
                gone.append(row)
            } else {
                try markRetired(row.id)
                work.report.fetchable.append(row.id)
            }
        }
        return gone
    }

    /// Rows that are still lost after the files without rows were looked at.
    private func settleLost(_ gone: [SegmentRow], _ work: inout RecoveryWork) throws(StoreError) {
        let catalog = try catalog()
        var streams: Set<Int64> = []
        for row in gone {
            guard let now = try catalog.segment(row.id), now.state == .lost, now.supersededBy == nil else { continue }
            streams.insert(row.streamRow)
            if try forget(lost: now) { work.report.missing.append(row.id) }
        }
        for id in streams.sorted() {
            guard let stream = try catalog.stream(id) else { continue }
            try rebuildCursor(stream)
            try verifyFromSpool(stream)
        }
    }

    /// The segment is in the spool no more, and in no store.
    func lose(_ row: SegmentRow) throws(StoreError) {
        try catalog().run("UPDATE segments SET state = 2 WHERE id = ?1", row.id)
        try catalog().count(row.record, of: row.streamRow, sign: -1)
    }

    /// Nothing is to be done any more to get a lost segment anywhere.
    ///
    /// - Returns: whether its lines are to be cut again: not where stores have the parts that it was joined from.
    func forget(lost row: SegmentRow) throws(StoreError) -> Bool {
        if try restoreParts(of: row) { return false }
        // As where it is superseded: what was tried may be there, and is deleted when its lines are listed.
        try catalog().run("DELETE FROM copies WHERE segment_id = ?1 AND state = 0 AND tried = 0", row.id)
        try catalog().run("UPDATE copies SET state = 3 WHERE segment_id = ?1 AND state = 0", row.id)
        return true
    }

    /// A merged segment is gone, but stores have all the parts it was made of: they are what is listed again.
    func restoreParts(of row: SegmentRow) throws(StoreError) -> Bool {
        let catalog = try catalog()
        guard let stream = try catalog.stream(row.streamRow) else { return false }
        let parts = try catalog.parts(of: row.id, stream: stream)
        var end = row.record.sourceOffset
        for part in parts {
            let isHeld = try !holders(of: part.id).isEmpty
            if isHeld, part.record.sourceOffset == end { end = part.sourceEnd }
        }
        guard end == row.sourceEnd, let last = parts.last else { return false }
        for part in parts where part.record.sourceOffset >= row.record.sourceOffset {
            guard try !holders(of: part.id).isEmpty else { continue }
            try catalog.run("UPDATE segments SET superseded_by = NULL, state = 1 WHERE id = ?1", part.id)
            try wantCopies(of: part, sessionRow: stream.sessionRow, isSpooled: false)
            try catalog.count(part.record, of: stream.id, sign: 1)
        }
        _ = try supersede(row, by: last.id)
        return true
    }

    func leaveUnresolved(_ session: SessionID, _ reason: String) throws(StoreError) {
        try catalog().run("UPDATE sessions SET unresolved = ?2 WHERE sid = ?1", session, reason)
    }

    /// Moves a file out of the spool's way, under a name that is free.
    ///
    /// - Returns: the path at which it was.
    @discardableResult
    func setAside(_ refusal: RecoveryReport.Refusal) -> String {
        let path = spoolFiles.absolute(refusal.path)
        do throws(StoreError) {
            try reporting("could not move \(path) to \(directory.refused)") { () throws(SystemError) in
                let base = "\(directory.refused)/\(Files.name(of: refusal.path))"
                var target = base
                var count = 1
                while try Files.status(target) != nil {
                    count += 1
                    target = "\(base).\(count)"
                }
                try Files.rename(path, to: target, replacing: false)
            }
        } catch {
            log.record(Event(.persistenceFailed, "\(error)"))  // It stays where it is, and does no harm there.
        }
        log.record(
            Event(.spoolFileRefused, "a file in the spool cannot be used: \(refusal.why)", fields: ["PATH": path]))
        return path
    }

    private func announce(_ report: RecoveryReport) {
        guard !report.isUneventful else { return }
        log.record(
            Event(
                .recovered, "the state of an earlier life was recovered",
                fields: [
                    "ADOPTED": "\(report.adopted.count)", "COVERED": "\(report.coveredDeleted)",
                    "RETIRED": "\(report.retiredUnlinked)", "FETCHABLE": "\(report.fetchable.count)",
                    "MISSING": "\(report.missing.count)", "REFUSED": "\(report.refused.count)",
                    "TAKEN_UP": "\(report.takenUp)", "UNRESOLVED": "\(report.unresolved.count)",
                    "STATE_LOST": "\(report.stateLost)",
                ]))
    }
}

/// What is in the spool, by path below it.
struct SpoolScan {
    /// Sizes of segment files.
    var files: [String: Int64] = [:]
    var refused: [RecoveryReport.Refusal] = []
}

/// What recovery has decided, and does once its transaction is committed.
struct RecoveryWork {
    var report: RecoveryReport
    var refused: [RecoveryReport.Refusal]
    /// Files to be unlinked.
    var unneeded: [String] = []
    /// Folders of adopted files.
    var adoptedFolders: Set<String> = []
}
