/// The numbered points of the crash protocol (docs/formats.md, "Crash protocol"), at which tests stop the process.
package enum FaultPoint: String, Sendable, CaseIterable {
    /// seal: the temporary file is written, nothing is synced.
    case sealWritten = "seal.1"
    /// seal: renamed and its folders synced, no row yet.
    case sealRenamed = "seal.2"
    /// seal: segment row and cursor are committed.
    case sealCommitted = "seal.3"
    /// deliver: the attempt row is committed, nothing is sent.
    case deliverClaimed = "deliver.4a"
    /// deliver: a put begins, on the destination's lane.
    case deliverStarted = "deliver.4"
    /// deliver: the object is written whole in a directory store, and has no name yet.
    case deliverWritten = "deliver.4w"
    /// deliver: the object is in the store, no receipt.
    case deliverPut = "deliver.4b"
    /// deliver: the receipt row is committed.
    case deliverReceipt = "deliver.5"
    /// publish: the manifest is kept locally.
    case manifestKept = "deliver.6a"
    /// publish: the manifest is in the store.
    case manifestPut = "deliver.6b"
    /// publish: the manifest row is committed.
    case manifestRow = "deliver.7"
    /// retire: the row says retired, the file is still there.
    case retireRow = "retire.8"
    /// retire: the file is unlinked.
    case retireUnlinked = "retire.9"
    /// merge: the merged segment is sealed, its parts are still listed.
    case mergeSealed = "merge.1"
    /// merge: a superseded object is deleted, its row is still there.
    case mergeDeleted = "merge.2"
    /// private: the line is in the file, the catalog does not know it.
    case privateSaid = "private.1"
    /// forget: the line is in the file, the catalog does not know it.
    case forgetSaid = "forget.1"
    /// forget: nothing is left in the spool, the rows are still there.
    case forgetUnlinked = "forget.2"
    /// forget: nothing is left in the state directory.
    case forgetPurged = "forget.3"
    /// forget: the tombstone is in a store.
    case forgetEntombed = "forget.4"
    /// forget: a store has no manifest of it any more.
    case forgetUnlisted = "forget.5"
    /// forget: a store has nothing but the tombstone, and its row does not say so.
    case forgetErased = "forget.6"
    /// rewrite: the temporary file with a segment's lines by today's rules is written, nothing is synced.
    case rewriteWritten = "rewrite.1"
    /// rewrite: renamed and its folders synced, no row yet.
    case rewriteRenamed = "rewrite.2"
    /// rewrite: the row stands in the place of the old one, whose file is still there.
    case rewriteCommitted = "rewrite.3"
    /// rewrite: the old file is unlinked.
    case rewriteUnlinked = "rewrite.4"
    /// rewrite: all segments of a session are by today's rules here, its chains are not made anew.
    case rewriteSettled = "rewrite.5"
    /// rewrite: an object that was replaced is deleted from a store, its row is still there.
    case rewriteDeleted = "rewrite.6"
}

/// The crash hook: real daemons use `NoFaults`; tests stop the process or throw at a point.
package protocol FaultHook: Sendable {
    func reach(_ point: FaultPoint)
}

package struct NoFaults: FaultHook {
    package init() {}
    package func reach(_ point: FaultPoint) {}
}
