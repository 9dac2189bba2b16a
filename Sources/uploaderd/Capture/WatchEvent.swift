package import Shared

/// What the watcher says. Every one is a hint: the files are the truth, and the rescan repeats what was lost.
package enum WatchEvent: Sendable, Hashable {
    /// Something is wrong, or is so no longer.
    case raised(HealthEntry)
    case cleared(kind: String, subject: String)
    /// A source got a new path. Its content tells that it goes on.
    case moved(from: SourcePath, to: SourcePath)
    /// A directory below the root (the empty path: the root itself) is gone from its place, with all in it.
    case directoryGone(root: String, relativePath: String)
    /// A source's path leads nowhere.
    case gone(SourcePath)
    /// Regular files that a scan saw: new, or seen before.
    case found([FoundSource])
    /// A source was written to, closed, replaced or changed in its attributes.
    case changed(SourcePath)
    /// Every source below the root was in a `found` since the scan began: what was not is gone.
    case swept(root: String)
    /// The root was to be scanned, and is not there.
    case absent(root: String)
    /// Every root is watched or waited for, and was scanned once.
    case ready

    /// The kind of health entry of a session's file that is not taken for its name.
    package static let nameKind = "name_refused"
}
