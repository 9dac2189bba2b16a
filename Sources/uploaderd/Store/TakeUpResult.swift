package import Shared

/// Whose manifest is taken up.
package enum ManifestOrigin: Sendable, Hashable {
    /// Ours, of an earlier life: its segments become rows, and the cursor goes behind them.
    case own
    /// Of another program that knows no source ranges: its entries stay listed, and ours go on behind them.
    case foreign
}

package struct TakeUpResult: Sendable, Hashable {
    package var standing: ManifestStanding
    /// Segments that got a row.
    package var added = 0
    /// Segments that had one.
    package var known = 0
    /// Entries that fit nothing that is known, with the reason.
    package var conflicts: [String] = []
    /// Entries that may hold other bytes than what is known of their range: they are to be read, and the same manifest is to be
    /// taken up again with those that do not.
    package var doubts: [Doubt] = []
    /// Streams whose cursor moved; `Store.evidence(of:)` says what to check.
    package var moved: [StreamKey] = []
    /// Whether the session's segments leave out no range before its cursors.
    package var isWhole = true

    package init(_ standing: ManifestStanding = .own, conflicts: [String] = []) {
        self.standing = standing
        self.conflicts = conflicts
    }

    /// The same when it was tried only: what stands against it.
    var undone: TakeUpResult {
        var result = TakeUpResult(.unfit, conflicts: conflicts)
        result.doubts = doubts
        return result
    }
}
