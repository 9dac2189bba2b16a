import Segments
import Shared

/// What leaves the spool is unlinked when no row needs it any more. Where that fails it takes room until it can be: it is
/// tried again, and boot removes it in any case.
extension Store {
    /// A disk that takes no unlink takes a thousand of them as badly.
    private static let mostFailures = 1_000

    /// Tries again to remove what could not be removed. What still cannot be is tried at the next call.
    package func removeLeftovers() throws(StoreError) {
        // Closed, the spool is another's.
        _ = try catalog()
        let removed = leftovers.retry(most: Self.mostFailures) { file in
            do throws(StoreError) {
                try spoolFiles.remove(file.path)
                return true
            } catch {
                return false  // It was said when it failed first.
            }
        }
        tellLeftovers(removed: removed)
    }

    /// Before the stream's next number is given: two files with one number would both be believed after a crash.
    func removeLeftovers(of stream: StreamKey) throws(StoreError) {
        for file in leftovers.files where file.stream == stream {
            try spoolFiles.remove(file.path)
            forgetLeftover(file.path)
        }
    }

    func forgetLeftover(_ path: String) {
        if !leftovers.isEmpty { tellLeftovers(removed: leftovers.remove(path)) }
    }

    func abandon(_ file: PlacedFile) {
        do throws(StoreError) {
            try spoolFiles.remove(file.path)
        } catch {
            // It has no row: boot adopts it or finds its bytes covered. Either is right.
            leave(Leftovers.File(path: file.path, bytes: 0, stream: file.record.stream), error)
        }
    }

    func abandon(_ id: SpoolTemporaryID) {
        do throws(StoreError) {
            try spoolFiles.discard(id)
        } catch {
            leave(Leftovers.File(path: SpoolDirectory.name(of: id), bytes: 0), error)
        }
    }

    /// Unlinks the files of rows that are committed as retired.
    func removeFiles(of rows: [SegmentRow]) {
        removeFiles(rows.map { (StateDirectory.spoolPath(of: $0.record), $0.fileBytes) })
    }

    func removeFiles(_ files: [(path: String, bytes: Int64)]) {
        var removed: Int64 = 0
        for file in files {
            do throws(StoreError) {
                try spoolFiles.remove(file.path)
                removed += file.bytes
            } catch {
                leave(Leftovers.File(path: file.path, bytes: file.bytes), error)
            }
        }
        spool.add(-removed)
    }

    private func leave(_ file: Leftovers.File, _ error: StoreError) {
        leftovers.add(file)
        tellLeftovers(removed: 0)
        log.record(Event(.persistenceFailed, "a file is left in the spool until it can be removed: \(error)"))
    }

    private func tellLeftovers(removed: Int64) {
        spool.add(-removed)
        spool.setLeftovers(leftovers.count)
    }
}
