package import Shared

/// What `Store.open` found of an earlier life, and did about it.
package struct RecoveryReport: Sendable {
    package struct Refusal: Sendable, Hashable {
        package var path: String
        package var why: String
    }

    /// Files without a row that got one.
    package var adopted: [SegmentID] = []
    package var temporariesDeleted = 0
    /// Files without a row whose bytes other rows have.
    package var coveredDeleted = 0
    /// Files that a retired row left behind.
    package var retiredUnlinked = 0
    /// Rows without a file that a store has; they are retired, and fetched from there where needed.
    package var fetchable: [SegmentID] = []
    /// Rows without a file that no store has. The cursor went back before the first of each stream, so that its lines
    /// are cut again; if the source does not have them any more: `Store.recordGap`.
    package var missing: [SegmentID] = []
    /// Everything that is lost, those and what earlier lives have not cut again.
    package var lost: [SegmentID] = []
    /// Files that could not be used, by the path at which they were found; they are now in `spool/.refused`.
    package var refused: [Refusal] = []
    /// Segments that got a row from the manifests kept here.
    package var takenUp = 0
    /// Sessions that begin with something that only a store can know; nothing of them is cut until `Store.resolve`.
    package var unresolved: [SessionID] = []
    /// When the last segment got its row; `nil`: there is none.
    package var lastWritten: WallTime?
    /// No trace of an earlier life that would have opened a store.
    package var fresh = false
    /// Nothing told of an earlier life when this catalog was made, and no life since has read all of these stores.
    package var awaited: [StoreID] = []
    /// The catalog was gone or damaged, and there are traces of an earlier life: sessions that have no rows may have
    /// had some.
    package var stateLost = false

    /// The catalog was lost, in this life or an earlier one, and since then not every store was read:
    /// `Store.noteStoresRead`.
    package var storesUnread = false

    /// Nothing but what every start finds.
    package var isUneventful: Bool {
        adopted.isEmpty && coveredDeleted == 0 && retiredUnlinked == 0 && fetchable.isEmpty && missing.isEmpty
            && refused.isEmpty && takenUp == 0 && unresolved.isEmpty && !stateLost && !storesUnread
    }
}
