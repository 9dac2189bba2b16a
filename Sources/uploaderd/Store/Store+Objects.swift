import LinuxSystem
import Shared

/// The bytes of what is in the spool.
extension Store {
    /// The object in the spool, ready to be read.
    ///
    /// - Returns: `nil` when the segment has left the spool.
    /// - Throws: `damaged` when the file is not as long as its row says, `missing` when it is gone.
    package func openObject(_ id: SegmentID) throws(StoreError) -> SpooledObject? {
        guard let entry = try catalog().spoolEntry(id) else { throw StoreError(.unknown, "there is no \(id)") }
        guard entry.state == .spooled else { return nil }
        let path = spoolFiles.absolute(entry.path)
        let file = try open(path)
        let size = try reporting("could not look at \(path)") { () throws(SystemError) in try file.status().size }
        guard size == entry.fileBytes else {
            throw StoreError(
                .damaged, "\(path) is \(size) bytes long, not \(entry.fileBytes)",
                hint: "restart uploaderd: it sets the file aside and looks for its lines elsewhere")
        }
        return SpooledObject(file, from: entry.headerBytes, size: entry.storedBytes)
    }

    private func open(_ path: String) throws(StoreError) -> Descriptor {
        do throws(SystemError) {
            return try Descriptor.open(path, [.readOnly, .noFollow])
        } catch {
            if error.isNotFound {
                throw StoreError(.missing, "\(path) is gone", hint: "restart uploaderd: it looks for what is missing")
            }
            throw StoreError("could not open \(path)", error)
        }
    }
}
